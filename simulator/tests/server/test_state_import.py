"""A state that is put into a server: taken as a whole, or refused and nothing has changed."""

from __future__ import annotations

import copy
import random
from collections import Counter

import pytest

from fenix_simulator.ports import Filter

NOBODY = "http://127.0.0.1:9/maintenance"
STATE = "/simulator/v1/state"


@pytest.fixture
def simulator(serve):
    """A server in the middle of a maintenance, with a history of everything that a state is made of."""
    return serve(scenario="scale-in", alarm_urls=((None, NOBODY),))


@pytest.fixture
def ask(simulator, client):
    """A client of it."""
    return client(simulator)


@pytest.fixture
def state(simulator, ask):
    """What it exports: two sessions, replies, moved, removed and added instances, subscriptions."""
    service = simulator.service
    ask("POST", "/v2/alarms", {"name": "a", "type": "event", "alarm_actions": [NOBODY]})
    service.create_session([simulator.inventory.hosts[0].name], metadata={"release": "x"})
    session_id = service.create_session()
    service.pause_session(service.list_sessions()[0])
    for _ in range(40):
        view = service.session_view(session_id)
        if view.state == "PLANNED_MAINTENANCE" and view.host_states.get(view.current_host or "") and view.replies:
            break
        for project in view.awaiting:
            if view.state == "SCALE_IN":
                service.remove_instance(next(service.instances(project, session_id=session_id)).instance_id)
            asked = service.instance_ids(session_id, project) if view.current_host else ()
            service.reply(session_id, project, f"ACK_{view.state}", dict.fromkeys(asked, "MIGRATE"))
            if view.state == "PLANNED_MAINTENANCE":
                break
        else:
            service.advance(None, None, True)
    service.add_instance(simulator.inventory.projects[0].project_id, vcpus=1)
    exported = ask("GET", STATE).json()
    kinds = Counter(entry["kind"] for entry in exported["entries"])
    assert kinds["event"] > 30
    assert kinds["subscription"] > 0
    return exported


def picture(simulator):
    """Everything that a state is about."""
    service = simulator.service
    sessions = [service.session_view(session_id) for session_id in service.list_sessions()]
    return sessions, sorted(service.instances(), key=str), service.hosts(), service.subscriptions.list()


def test_what_was_exported_comes_back_as_it_was(simulator, ask, state, serve, client):
    before = picture(simulator)
    other = serve(scenario="scale-in", alarm_urls=((None, NOBODY),))
    assert client(other)("PUT", STATE, state).status == 204
    for theirs, ours in zip(picture(other)[0], before[0], strict=True):
        # The open windows begin anew.
        assert (theirs.state, theirs.replies, theirs.host_states) == (ours.state, ours.replies, ours.host_states)
    assert picture(other)[1:3] == before[1:3]
    assert ask("PUT", STATE, state).status == 204
    again = client(other)("GET", STATE).json()
    assert client(other)("PUT", STATE, again).status == 204


def test_the_command_line_s_targets_stay(simulator, ask, state):
    given = [alarm for alarm in simulator.subscriptions.list() if alarm.trusted]
    state["entries"] = [entry for entry in state["entries"] if entry["kind"] != "subscription"]
    assert ask("PUT", STATE, state).status == 204
    assert [(alarm.alarm_id, alarm.alarm_actions) for alarm in simulator.subscriptions.list()] == [
        (alarm.alarm_id, alarm.alarm_actions) for alarm in given
    ]


WRONG = {
    "no entries": lambda entries: None,
    "entries that are no list": lambda entries: {"0": entries[0]},
    "an entry that is no object": lambda entries: [*entries, 1],
    "an entry without its time": lambda entries: [*entries, {**entries[-1], "at": None}],
    "a time without a zone": lambda entries: [*entries, {**entries[-1], "at": "2026-03-01T12:00:00"}],
    "a session's id that is no text": lambda entries: [{**entry, "session_id": ["x"]} for entry in entries],
    "an unknown kind": lambda entries: [*entries, {**entries[-1], "kind": "request"}],
    "an unknown type": lambda entries: [*entries, {**entries[-1], "kind": "event", "type": "Nonsense"}],
    "an event without its members": lambda entries: [{**entry, "data": {}} for entry in entries],
    "a cloud that never was": lambda entries: [_renamed(entry, "host", "nowhere") for entry in entries],
    "instances that never were": lambda entries: [_renamed(entry, "instance_id", "nobody") for entry in entries],
    "everything twice": lambda entries: [*entries, *entries],
}


def _renamed(entry, member, value):
    data = {name: value if name == member else one for name, one in entry["data"].items()}
    return {**entry, "data": data}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_history_that_cannot_be_is_refused_and_changes_nothing(simulator, ask, state, errors, wrong):
    before, last = picture(simulator), simulator.journal.last
    refused = ask("PUT", STATE, {**state, "entries": wrong(copy.deepcopy(state["entries"]))})
    assert refused.status == 409
    assert refused.json()["detail"].startswith("the state c")
    assert picture(simulator) == before
    assert simulator.journal.read(last, 10, Filter(kinds=frozenset({"event", "cloud", "subscription"}))) == []
    assert errors == []


def test_a_state_that_was_changed_anywhere_is_taken_or_refused_and_never_half(simulator, ask, state, errors):
    """Two hundred times something in it is taken away, exchanged or made nonsense."""
    chance = random.Random(5)
    places = list(_places(state["entries"]))
    statuses: Counter[int] = Counter()
    for _ in range(200):
        changed = copy.deepcopy(state)
        for _ in range(chance.randint(1, 3)):
            _spoil(changed["entries"], chance.choice(places), chance, state["entries"], places)
        before = picture(simulator)
        status = ask("PUT", STATE, changed).status
        statuses[status] += 1
        if status == 204:
            # What was taken can be looked at, taken out and gone on with.
            for path in ("/simulator/v1/sessions", "/simulator/v1/instances", "/simulator/v1/clock", STATE):
                assert ask("GET", path).status == 200
            assert ask("PUT", STATE, state).status == 204
        else:
            assert picture(simulator) == before
    assert statuses.keys() == {204, 409}
    assert errors == []


def _places(value, above=()):
    for name, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*above, name)
        yield from _places(one, (*above, name))


def _spoil(entries, place, chance, good, places) -> None:
    """Change what is at the place, unless something above it has gone already."""
    target = entries
    try:
        for name in place[:-1]:
            target = target[name]
        how = chance.random()
        if how < 0.3:
            del target[place[-1]]
        elif how < 0.6:
            nonsense = (None, 0, -1, 1e300, "", "x", [], {}, True, "2026-01-01T00:00:00", 10**30)
            target[place[-1]] = chance.choice(nonsense)
        else:
            value = good
            for name in chance.choice(places):
                value = value[name]
            target[place[-1]] = copy.deepcopy(value)
    except (LookupError, TypeError):
        return
