"""Each wrong manager of the gallery does its one wrong thing, against a fake Fenix."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from fenix_contract.contract import validator
from fenix_vnfm import EventKind, Policy, behaviour

S1, S2 = "/v1/maintenance/s1/p1", "/v1/maintenance/s2/p1"
ALL_STATES = ("MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE")
HONEST = {"instance_actions": {"i1": "MIGRATE", "i2": "MIGRATE"}, "state": "ACK_PLANNED_MAINTENANCE"}


class Wrong:
    """A manager with the manners of that name, and what comes of its alarms."""

    def __init__(self, name, manage, fenix, alarm, post, **options):
        manners = behaviour(name)
        self.manager = manage("p1", manners.adapt(Policy()), conduct=manners.conduct, **options)
        self._fenix, self._alarm, self._post = fenix, alarm, post

    def make(self, state, path=S1, **more):
        """An alarm's body."""
        return self._alarm(state, self._fenix.url + path, session_id=path.split("/")[3], **more)

    def send(self, body):
        """Post an alarm; the status of the answer."""
        return self._post(self.manager.alarm_url, body).status

    def hear(self, state, path=S1, **more):
        """Tell it of a state, and wait until it has done with it; how that ended."""
        before = self.manager.event_count
        self.send(self.make(state, path, **more))
        return self.manager.wait_for_outcome(state, after=before)

    def replies(self, *states, path=S1):
        """The JSON of its replies to these states, after it has done with all."""
        for state in states:
            self.hear(state, path)
        return self.sent()

    def sent(self):
        """The JSON of all its replies so far, when the work in hand is done."""
        self.manager._threads.close()
        return [one.json for one in self._fenix.requests("PUT")]


@pytest.fixture
def wrong(manage, fenix, alarm, post, cloud):
    """Starts a wrong manager, with a cloud of six instances; the lists of both sessions have two each."""
    fenix.lists.update({S1: ["i1", "i2"], S2: ["j1", "j2"]})
    return lambda name, **options: Wrong(name, manage, fenix, alarm, post, **{"cloud": cloud, **options})


# -- alarms ----------------------------------------------------------------------------------------------------------


def test_alarm_500_does_the_work_all_the_same(wrong):
    one = wrong("alarm-500")
    assert one.send(one.make("PLANNED_MAINTENANCE")) == 500
    one.manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert one.sent() == [HONEST]


@pytest.mark.parametrize(("name", "seconds"), [("slow-answer", 2.5), ("slow-handler", 20.5)])
def test_a_slow_answer_comes_after_the_reply(wrong, fenix, clock, name, seconds):
    one = wrong(name, pause=lambda length: bool(clock.pauses.append(length)) or not fenix.wait_for_requests(1, "PUT"))
    assert one.send(one.make("PLANNED_MAINTENANCE")) == 200
    assert clock.pauses == [timedelta(seconds=seconds)]
    assert one.sent() == [HONEST]


def test_an_unknown_trait_is_refused_and_a_known_one_is_not(wrong):
    one = wrong("unknown-trait-500")
    assert one.send(one.make("MAINTENANCE", more=(("colour", 1, "blue"),))) == 500
    assert one.send(one.make("SCALE_IN")) == 200
    one.manager.wait_for_outcome("SCALE_IN")
    assert one.sent() == [{"state": "ACK_SCALE_IN"}]


def test_after_an_unknown_state_nothing_is_handled(wrong):
    one = wrong("dies-on-unknown-state")
    one.hear("INSTANCE_ACTION_DONE", instance_ids="i1")
    one.hear("MAINTENANCE")
    assert one.send(one.make("HELLO")) == 200
    assert one.send(one.make("PLANNED_MAINTENANCE")) == 200
    assert one.sent() == [{"state": "ACK_MAINTENANCE"}]


def test_after_a_duplicate_nothing_is_handled(wrong):
    one = wrong("dies-on-duplicate")
    body = one.make("MAINTENANCE")
    one.send(body)
    one.send(body)
    one.manager.wait_for(lambda event: event.kind == EventKind.DUPLICATE)
    assert one.send(one.make("PLANNED_MAINTENANCE")) == 200
    assert one.sent() == [{"state": "ACK_MAINTENANCE"}]


def test_a_report_is_acknowledged(wrong, fenix):
    one = wrong("replies-to-done")
    one.send(one.make("INSTANCE_ACTION_DONE", instance_ids="i1", reply_at=None))
    assert fenix.wait_for_requests(1, "PUT")[0].json == {"state": "ACK_INSTANCE_ACTION_DONE"}
    assert one.replies("PLANNED_MAINTENANCE")[1:] == [HONEST]


# -- lists -----------------------------------------------------------------------------------------------------------


def test_a_remembered_list_is_never_fetched_again(wrong, fenix):
    one = wrong("remembers-list")
    one.hear("MAINTENANCE")
    fenix.lists[S1] = ["i3"]
    assert one.replies("PLANNED_MAINTENANCE")[1:] == [HONEST]
    assert len(fenix.requests("GET")) == 1


def test_the_blind_one_speaks_for_all_it_has(wrong, fenix):
    one = wrong("blind")
    (_, reply) = one.replies("MAINTENANCE", "PLANNED_MAINTENANCE")
    assert set(reply["instance_actions"]) == {f"i{number}" for number in range(1, 7)}
    assert fenix.requests("GET") == []


def test_the_blind_one_refuses_where_it_does_not_know_its_own(wrong, cloud):
    cloud.errors.append(404)
    assert wrong("blind").replies("PLANNED_MAINTENANCE") == [{"state": "NACK_PLANNED_MAINTENANCE"}]


def test_a_list_that_fails_once_ends_it(wrong, fenix):
    fenix.script("GET", 503)
    one = wrong("gives-up-on-list")
    assert one.hear("PLANNED_MAINTENANCE").kind == EventKind.SILENT
    assert one.replies("PREPARE_MAINTENANCE")[0]["state"] == "ACK_PREPARE_MAINTENANCE"
    assert len(fenix.requests("GET")) == 2


# -- replies ---------------------------------------------------------------------------------------------------------


def test_the_silent_one_looks_and_says_nothing(wrong, fenix):
    assert wrong("silent").replies(*ALL_STATES) == []
    assert len(fenix.requests("GET")) == len(ALL_STATES)


def test_the_end_is_never_confirmed(wrong):
    said = wrong("never-complete").replies(*ALL_STATES)
    assert [one["state"] for one in said] == [f"ACK_{state}" for state in ALL_STATES[:-1]]


def test_the_second_round_of_a_state_is_not_answered(wrong):
    one = wrong("once-per-state")
    said = one.replies("MAINTENANCE", "PLANNED_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE")
    assert [one["state"] for one in said] == ["ACK_MAINTENANCE", "ACK_PLANNED_MAINTENANCE", "ACK_MAINTENANCE_COMPLETE"]


def test_the_late_one_is_just_too_late(wrong, clock):
    start = clock.now()
    assert wrong("late").replies("PLANNED_MAINTENANCE") == [HONEST]
    assert clock.now() == start + timedelta(seconds=20.4)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("suffix", "PLANNED_MAINTENANCE_ACK"),
        ("bare-state", "PLANNED_MAINTENANCE"),
        ("lower-case", "ack_planned_maintenance"),
    ],
)
def test_a_wrong_word_and_the_right_actions(wrong, name, word):
    assert wrong(name).replies("PLANNED_MAINTENANCE") == [{**HONEST, "state": word}]


def test_the_stale_one_is_a_state_behind(wrong):
    said = wrong("stale-state").replies("MAINTENANCE", "SCALE_IN", "PLANNED_MAINTENANCE")
    assert [one["state"] for one in said] == ["ACK_MAINTENANCE", "ACK_MAINTENANCE", "ACK_SCALE_IN"]


def test_the_second_reply_takes_back_the_first(wrong):
    said = wrong("second-reply").replies("PLANNED_MAINTENANCE")
    assert said == [HONEST, {"state": "NACK_PLANNED_MAINTENANCE"}]


@pytest.mark.parametrize(
    ("name", "path"), [("builds-url", S1), ("reply-suffix-url", "/fenix/api/x/reply"), ("honest", "/fenix/api/x")]
)
def test_the_reply_goes_to_a_place_of_its_own_making(wrong, fenix, post, alarm, name, path):
    one = wrong(name)
    post(one.manager.alarm_url, alarm("MAINTENANCE", f"{fenix.url}/fenix/api/x"))
    one.manager.wait_for_outcome("MAINTENANCE")
    assert [one.path for one in fenix.requests()] == ["/fenix/api/x", path]


# -- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type", "body"),
    [
        ("form-encoded", "application/x-www-form-urlencoded", "state=ACK_MAINTENANCE"),
        ("text-plain", "text/plain", '{"state": "ACK_MAINTENANCE"}'),
        ("json-in-string", "application/json", json.dumps('{"state": "ACK_MAINTENANCE"}')),
        ("array-body", "application/json", '[{"state": "ACK_MAINTENANCE"}]'),
        ("single-quotes", "application/json", "{'state': 'ACK_MAINTENANCE'}"),
    ],
)
def test_a_reply_in_the_wrong_form(wrong, fenix, name, content_type, body):
    wrong(name).hear("MAINTENANCE")
    (reply,) = fenix.requests("PUT")
    assert (reply.headers["content-type"], reply.body.decode()) == (content_type, body)


def test_a_form_has_the_actions_in_a_field(wrong, fenix):
    wrong("form-encoded").hear("PLANNED_MAINTENANCE")
    assert fenix.requests("PUT")[0].body.startswith(b"instance_actions=%7B%22i1%22%3A+%22MIGRATE%22%2C")


def test_actions_as_a_list(wrong):
    said = wrong("actions-as-list").replies("MAINTENANCE", "PLANNED_MAINTENANCE")
    pairs = [{"instance_id": name, "action": "MIGRATE"} for name in ("i1", "i2")]
    assert said == [{"state": "ACK_MAINTENANCE"}, {**HONEST, "instance_actions": pairs}]
    assert not validator("Reply").is_valid(said[1])


# -- actions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("misses-one", {"instance_actions": {"i1": "MIGRATE"}, "state": "ACK_PLANNED_MAINTENANCE"}),
        ("no-actions", {"state": "ACK_PLANNED_MAINTENANCE"}),
        ("singular-action", {"instance_action": "MIGRATE", "state": "ACK_PLANNED_MAINTENANCE"}),
        ("disallowed-action", {**HONEST, "instance_actions": {"i1": "EVACUATE", "i2": "EVACUATE"}}),
    ],
)
def test_wrong_actions_where_actions_are_asked_for_and_nothing_wrong_elsewhere(wrong, name, reply):
    assert wrong(name).replies("MAINTENANCE", "PLANNED_MAINTENANCE") == [{"state": "ACK_MAINTENANCE"}, reply]


def test_the_only_instance_is_left_out_too(wrong, fenix):
    fenix.lists[S1] = ["i1"]
    assert wrong("misses-one").replies("PLANNED_MAINTENANCE") == [{**HONEST, "instance_actions": {}}]


def test_a_stranger_is_added(wrong):
    (reply,) = wrong("foreign-instance").replies("PLANNED_MAINTENANCE")
    actions = reply["instance_actions"]
    assert len(actions) == 3
    assert HONEST["instance_actions"].items() <= actions.items()


@pytest.mark.parametrize("has_cloud", [True, False])
def test_own_action_is_promised_and_nothing_moves(wrong, cloud, has_cloud):
    (reply,) = wrong("own-action-idle", cloud=cloud if has_cloud else None).replies("PLANNED_MAINTENANCE")
    assert set(reply["instance_actions"].values()) == {"OWN_ACTION"}
    assert cloud.calls == []


def test_scale_in_is_acknowledged_and_all_is_kept(wrong, cloud):
    assert wrong("keeps-all").replies("SCALE_IN", "MAINTENANCE_COMPLETE")[0] == {"state": "ACK_SCALE_IN"}
    assert (len(cloud.all), cloud.calls) == (6, [])


def test_what_was_given_up_does_not_come_back(wrong, cloud):
    wrong("no-scale-out").replies("SCALE_IN", "MAINTENANCE_COMPLETE")
    assert len(cloud.all) == 4


# -- sessions --------------------------------------------------------------------------------------------------------


def test_the_other_session_gets_the_reply(wrong, fenix):
    one = wrong("wrong-session")
    one.hear("PLANNED_MAINTENANCE", S1)
    one.hear("PLANNED_MAINTENANCE", S2)
    one.hear("MAINTENANCE_COMPLETE", S1)
    assert [one.path for one in fenix.requests("PUT")] == [S1, S1, S2]
    assert set(fenix.requests("PUT")[1].json["instance_actions"]) == {"j1", "j2"}


def test_the_second_session_waits_for_the_end_of_the_first(wrong, fenix):
    one = wrong("ignores-second-session")
    one.hear("MAINTENANCE", S1)
    assert one.hear("MAINTENANCE", S2).kind == EventKind.SILENT
    one.hear("MAINTENANCE_COMPLETE", S1)
    one.hear("PLANNED_MAINTENANCE", S2)
    assert [one.path for one in fenix.requests("PUT")] == [S1, S1, S2]


def test_the_actions_are_for_the_other_sessions_instances(wrong):
    one = wrong("mixes-sessions")
    for path in (S1, S2):
        one.hear("MAINTENANCE", path)
    for path in (S1, S2):
        one.hear("PLANNED_MAINTENANCE", path)
    assert [set(said["instance_actions"]) for said in one.sent()[2:]] == [{"i1", "i2"}] * 2


@pytest.mark.parametrize("name", ["wrong-session", "ignores-second-session", "mixes-sessions"])
def test_sessions_of_another_fenix_do_not_disturb(wrong, fenix, name):
    one = wrong(name)
    elsewhere = one._alarm("MAINTENANCE", "http://127.0.0.1:9/v1/maintenance/s9/p1", session_id="s9")
    one.send(elsewhere)
    one.manager.wait_for_outcome("MAINTENANCE")
    assert one.replies("MAINTENANCE", "PLANNED_MAINTENANCE") == [{"state": "ACK_MAINTENANCE"}, HONEST]


# -- repetitions -----------------------------------------------------------------------------------------------------


def test_a_duplicate_is_answered_otherwise(wrong):
    one = wrong("different-on-duplicate")
    body = one.make("PLANNED_MAINTENANCE")
    one.send(body)
    one.send(body)
    one.manager.wait_for(lambda event: event.kind == EventKind.DUPLICATE)
    assert one.sent() == [HONEST, {"state": "NACK_PLANNED_MAINTENANCE"}]


def test_a_duplicate_scales_in_again(wrong, cloud):
    one = wrong("scales-twice")
    body = one.make("SCALE_IN")
    one.send(body)
    one.send(body)
    one.manager.wait_for(lambda event: event.kind == EventKind.DUPLICATE)
    assert one.sent() == [{"state": "ACK_SCALE_IN"}]
    assert len(cloud.all) == 2


def test_a_late_alarm_is_answered_again_and_a_duplicate_is_not(wrong, fenix, cloud):
    one = wrong("late-alarm-acts")
    maintenance, scale_in = one.make("MAINTENANCE"), one.make("SCALE_IN")
    for body in (maintenance, maintenance, scale_in):
        one.send(body)
    one.manager.wait_for_outcome("SCALE_IN")
    one.hear("PLANNED_MAINTENANCE")
    for body in (maintenance, scale_in):
        one.send(body)
    fenix.wait_for_requests(5, "PUT")
    said = [reply["state"] for reply in one.sent()]
    assert said[:3] == ["ACK_MAINTENANCE", "ACK_SCALE_IN", "ACK_PLANNED_MAINTENANCE"]
    assert said[3:] == ["ACK_MAINTENANCE", "ACK_SCALE_IN"]
    assert len(cloud.all) == 2


# -- trying again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tries", "pauses"), [("no-retry", 1, 0), ("retry-storm", 300, 0), ("retry-endless", 400, 399)]
)
def test_trying_again_without_measure(wrong, fenix, clock, name, tries, pauses):
    fenix.script("PUT", *[503] * 399)
    done = wrong(name).hear("MAINTENANCE")
    assert done.kind == (EventKind.REPLY if tries == 400 else EventKind.GAVE_UP)
    assert (done.detail["tries"], len(fenix.requests("PUT"))) == (tries, tries)
    assert clock.pauses == [timedelta(seconds=0.1)] * pauses


def test_endless_tries_end_with_the_manager(wrong, fenix):
    fenix.script("PUT", *[503] * 99)
    closing = threading.Event()
    one = wrong("retry-endless", pause=lambda _length: closing.wait(0.01))
    one.send(one.make("MAINTENANCE"))
    fenix.wait_for_requests(5, "PUT")
    closing.set()
    assert one.manager.wait_for_outcome("MAINTENANCE").kind == EventKind.GAVE_UP


# -- endings ---------------------------------------------------------------------------------------------------------


def test_two_answers_are_enough(wrong):
    said = wrong("stops-midway").replies("MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE")
    assert [one["state"] for one in said] == ["ACK_MAINTENANCE", "ACK_SCALE_IN"]


@pytest.mark.parametrize("is_shared", [True, False])
def test_it_is_gone_after_two_answers(wrong, receiver, post, is_shared):
    gone = threading.Event()
    one = wrong("closes-midway", on_leave=gone.set, receiver=receiver if is_shared else None)
    one.replies("MAINTENANCE", "SCALE_IN")
    assert gone.wait(5)
    if is_shared:
        assert one.send(one.make("PLANNED_MAINTENANCE")) == 404
    else:
        with pytest.raises(Exception, match="refused"):
            one.send(one.make("PLANNED_MAINTENANCE"))
