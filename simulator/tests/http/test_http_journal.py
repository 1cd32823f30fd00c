"""The journal over HTTP: pages, filters, and a long poll that wakes with the entry."""

from __future__ import annotations

import threading
import time

import pytest

from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.http.control_journal import STOPPING, follow
from fenix_simulator.http.limits import Waiters
from fenix_simulator.ports import Entry, Filter

URL = "/simulator/v1/journal"
#: No test waits for so long: it is the bound for what comes at once.
SOON = 30.0


def numbers(answer) -> list[int]:
    """The numbers of the entries in an answer."""
    return [entry["number"] for entry in answer.get_json()["entries"]]


def test_the_journal_comes_in_pages_that_join(client, world):
    world.session("PLANNED_MAINTENANCE")
    seen, after = [], 0
    while page := client.get(f"{URL}?after={after}&limit=3").get_json():
        if not page["entries"]:
            break
        seen += [entry["number"] for entry in page["entries"]]
        after = page["next"]
    assert seen == list(range(1, world.journal.last + 1))
    assert (page["next"], page["first"], page["last"]) == (len(seen), 1, len(seen))


def test_entries_are_chosen_by_kind_type_session_and_project(client, world):
    session_id = world.session()
    client.get(f"/v1/maintenance/{session_id}/B")

    def chosen(query: str) -> set[tuple[str, str, str | None]]:
        entries = client.get(f"{URL}?{query}").get_json()["entries"]
        return {(entry["kind"], entry["type"], entry["project_id"]) for entry in entries}

    assert chosen("kind=request") == {("request", "RequestAnswered", "B")}
    assert chosen("kind=request&kind=delivery") == chosen("kind=request,delivery") == chosen("kind=request")
    assert chosen("type=SessionCreated") == {("event", "SessionCreated", None)}
    assert chosen(f"project_id=A&session_id={session_id}&type=ProjectNotified") == {("event", "ProjectNotified", "A")}
    assert chosen("session_id=nope") == set()


def test_a_reader_sees_what_was_dropped(world):
    world.service.journal = MemoryJournal(limit=5)
    client = world.client()
    for _ in range(9):
        client.get("/v1/maintenance")
    page = client.get(URL).get_json()
    assert ([entry["number"] for entry in page["entries"]], page["first"]) == ([5, 6, 7, 8, 9], 5)


@pytest.mark.parametrize("query", ["wait=61", "wait=-1", "wait=x", "wait=nan", "wait=1e999", "after=-1", "limit=0"])
def test_a_query_that_is_none_is_400(client, query):
    assert client.get(f"{URL}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["wait=0", "wait=-0.0", "wait=1e-07", "after=0&limit=1", "kind=", "unheard=of"])
def test_any_number_in_its_bounds_is_taken(client, query):
    assert client.get(f"{URL}?{query}").status_code == 200


class Poll(threading.Thread):
    """A long poll in a thread; ``answer`` is there when it has been joined."""

    def __init__(self, client, query: str) -> None:
        super().__init__(daemon=True)
        self._client, self._query = client, query
        self.start()

    def run(self) -> None:
        self.answer = self._client.get(f"{URL}?{self._query}")

    def result(self):
        self.join(SOON)
        assert not self.is_alive()
        return self.answer


class WatchedJournal(MemoryJournal):
    """Says when somebody begins to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = threading.Semaphore(0)

    def wait(self, after: int, timeout: float) -> bool:
        self.waited.release()
        return super().wait(after, timeout)


def entry(kind: str = "event", session_id: str | None = None) -> Entry:
    """An entry about nothing."""
    return Entry(kind, "Nothing", {}, session_id)


def test_a_long_poll_is_answered_with_the_entry_it_waited_for(world):
    """Entries that do not fit wake nobody for good, and the position moves over them."""
    journal = world.service.journal = WatchedJournal()
    poll = Poll(world.client(), "wait=60&session_id=mine")
    assert journal.waited.acquire(timeout=SOON)
    journal.append([entry(), entry(session_id="other")], world.clock.now())
    journal.append([entry(session_id="mine")], world.clock.now())
    answer = poll.result().get_json()
    assert ([one["session_id"] for one in answer["entries"]], answer["next"]) == (["mine"], 3)


def test_no_more_than_half_of_the_threads_wait(world):
    journal = world.service.journal = WatchedJournal()
    client = world.client(server_threads=4)
    polls = [Poll(client, "wait=60") for _ in range(2)]
    for _ in polls:
        assert journal.waited.acquire(timeout=SOON)
    surplus = client.get(f"{URL}?wait=60")
    assert (numbers(surplus), surplus.headers["Retry-After"]) == ([], "1")
    journal.append([entry()], world.clock.now())
    assert [numbers(poll.result()) for poll in polls] == [[1], [1]]
    assert "Retry-After" not in client.get(f"{URL}?wait=60").headers


def test_a_wait_ends_with_the_server_and_with_the_journal():
    """A reader of a journal that stays quiet is not left waiting when there is nothing more to come."""
    journal = MemoryJournal()
    stopping = threading.Event()
    stopping.set()
    begun = time.monotonic()
    assert follow(journal, 0, 10, Filter(), 60.0, stopping) == ([], 0)
    journal.close()
    assert follow(journal, 0, 10, Filter(), 60.0) == ([], 0)
    assert time.monotonic() - begun < SOON


def test_the_stopping_event_is_taken_from_the_environment(world):
    stopping = threading.Event()
    stopping.set()
    answer = world.client().get(f"{URL}?wait=60", environ_overrides={STOPPING: stopping})
    assert numbers(answer) == []


def test_a_position_beyond_the_end_stays(client):
    assert client.get(f"{URL}?after=1000").get_json()["next"] == 1000


def test_a_seat_is_given_back_also_after_an_error():
    waiters = Waiters(1)
    with pytest.raises(ZeroDivisionError), waiters.seat():
        raise ZeroDivisionError
    with waiters.seat() as seated, waiters.seat() as second:
        assert (seated, second) == (True, False)
