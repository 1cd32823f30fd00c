"""locust's users: each is a project manager's HTTP client that does what is due next."""

from __future__ import annotations

import time
from typing import ClassVar

import gevent
from locust import FastHttpUser, constant, task

from fenix_loadtest.replies import listed_ids, reply_body
from fenix_loadtest.settings import LIST, WAVE
from fenix_loadtest.stage import Job, Stage
from fenix_loadtest.visits import Manner

#: The names that requests are grouped by.
GET_LIST = "GET list"
GET_LIST_ON_ALARM = "GET list on alarm"
PUT_REPLY = "PUT reply"
PUT_REPLY_AGAIN = "PUT reply again"
#: From an alarm's arrival to the answer to its reply.
ALARM_TO_REPLY = "alarm to reply"


class ProjectUser(FastHttpUser):
    """Lists and replies, as the stage says; latencies count from when a request was due."""

    wait_time = constant(0)
    concurrency = 1
    max_redirects = 0
    #: Set by the process's part of the run before users are spawned.
    stage: ClassVar[Stage | None] = None

    @task
    def turn(self) -> None:
        """One job of the stage."""
        stage = self.stage
        if stage is None:
            gevent.sleep(0.1)
            return
        job = stage.next_job()
        if job is None:
            return
        try:
            if job.kind == WAVE:
                self._react(stage, job)
            elif job.kind == LIST:
                self._list(stage, job, GET_LIST, job.due)
            else:
                self._repeat(stage, job)
        finally:
            stage.done(job)

    def _react(self, stage: Stage, job: Job) -> None:
        """What a manager does when an alarm arrives: list, decide, reply."""
        stay, ask = job.stay, job.ask
        assert stay is not None
        assert ask is not None
        if stay.is_over or ask.accepted:
            return
        ids = list(ask.alarm.instance_id_list)
        due = job.due
        if ask.alarm.list_url is not None:
            listed = self._list(stage, job, GET_LIST_ON_ALARM, due)
            if listed is None:
                stage.refused(stay, ask)
                return
            ids, due = listed, time.monotonic()
        body = reply_body(ask.alarm, ids)
        ask.is_sent = True
        if not self._put(stage, ask.reply_url, body, PUT_REPLY, due):
            stage.refused(stay, ask)
            return
        if ask.manner is not Manner.LAST and not ask.tries:
            stage.reaction.add(ALARM_TO_REPLY, time.monotonic() - job.due)
        stage.accepted(stay, ask, body)

    def _list(self, stage: Stage, job: Job, name: str, due: float) -> list[str] | None:
        """The ids listed, None where the answer is no list."""
        assert job.ask is not None
        url = job.ask.alarm.list_url
        assert url is not None
        late = max(0.0, time.monotonic() - due)
        with self.client.get(url, name=name, headers=stage.headers, catch_response=True) as response:
            response.request_meta["response_time"] += late * 1000
            if response.status_code != 200:
                response.failure(_answered(response.status_code, response.error))
                return None
            ids = listed_ids(response.content or b"")
            if ids is None:
                response.failure("answered 200 without a list of instance_ids")
            return ids

    def _repeat(self, stage: Stage, job: Job) -> None:
        assert job.ask is not None
        if self._put(stage, job.ask.reply_url, job.ask.body, PUT_REPLY_AGAIN, job.due):
            stage.ledger.repeats += 1

    def _put(self, stage: Stage, url: str, body: bytes, name: str, due: float) -> bool:
        """Send a reply; whether it was answered 200."""
        late = max(0.0, time.monotonic() - due)
        headers = {**stage.headers, "Content-Type": "application/json"}
        with self.client.put(url, data=body.decode(), name=name, headers=headers, catch_response=True) as response:
            response.request_meta["response_time"] += late * 1000
            if response.status_code != 200:
                response.failure(_answered(response.status_code, response.error))
                return False
            return True


def _answered(status: int, error: object) -> str:
    """Why a request failed, in words that are the same for all of its kind."""
    if status:
        return f"answered {status}"
    return f"no answer ({type(error).__name__})"
