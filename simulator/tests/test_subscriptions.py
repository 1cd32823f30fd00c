"""Who is told what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.domain.errors import AlreadyExists, LimitReached
from fenix_simulator.subscriptions import ALARM, INSUFFICIENT_DATA, Subscription, Subscriptions, UnknownAlarm


def subscription(alarm_id: str = "a1", project_id: str | None = "p1", **members: object) -> Subscription:
    given_members = {
        "name": alarm_id,
        "event_type": "maintenance.scheduled",
        "alarm_actions": ("http://127.0.0.1/",),
        **members,
    }
    return Subscription(alarm_id, project_id=project_id, **given_members)


def ids(found: object) -> list[str]:
    return [one.alarm_id for one in found]


@pytest.mark.parametrize(
    ("pattern", "event_type", "matches"),
    [
        ("maintenance.scheduled", "maintenance.scheduled", True),
        ("maintenance.scheduled", "maintenance.planned", False),
        ("maintenance.*", "maintenance.host", True),
        ("*", "maintenance.scheduled", True),
        ("maintenance.schedule?", "maintenance.scheduled", True),
        ("maintenance.[hs]*", "maintenance.planned", False),
        ("Maintenance.scheduled", "maintenance.scheduled", False),
        ("compute.*", "maintenance.scheduled", False),
    ],
)
def test_the_event_type_is_a_shell_pattern(pattern: str, event_type: str, matches: bool) -> None:
    """As in Aodh; upper and lower case differ."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription(event_type=pattern))
    assert bool(subscriptions.matching("p1", event_type)) is matches


def test_a_notification_fires_the_projects_own_alarms_and_everybodys() -> None:
    """Another project's never."""
    subscriptions = Subscriptions()
    for alarm_id, project_id in (("all", None), ("own", "p1"), ("other", "p2"), ("own too", "p1")):
        subscriptions.add(subscription(alarm_id, project_id))
    assert ids(subscriptions.matching("p1", "maintenance.scheduled")) == ["own", "own too", "all"]
    assert ids(subscriptions.matching("p3", "maintenance.scheduled")) == ["all"]


def test_a_disabled_alarm_does_not_fire() -> None:
    """Until it is enabled again."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription(enabled=False))
    assert subscriptions.matching("p1", "maintenance.scheduled") == ()
    subscriptions.replace(subscription(enabled=True))
    assert ids(subscriptions.matching("p1", "maintenance.scheduled")) == ["a1"]


@pytest.mark.parametrize(
    ("members", "managed"),
    [
        ({}, True),
        ({"project_id": None}, True),
        ({"event_type": "maintenance.*"}, True),
        ({"event_type": "maintenance.planned"}, False),
        ({"event_type": "maintenance.host"}, False),
        ({"enabled": False}, False),
        ({"alarm_actions": ()}, False),
        ({"project_id": "p2"}, False),
    ],
)
def test_a_project_has_a_manager_when_somebody_is_told_its_notifications(members: dict, managed: bool) -> None:
    """An enabled alarm of its own or of everybody, on maintenance.scheduled, with a URL."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription(**members))
    assert subscriptions.is_managed("p1") is managed


def test_managers_are_judged_by_the_event_type_that_is_sent() -> None:
    """A server may be told to emit maintenance.planned."""
    subscriptions = Subscriptions(scheduled="maintenance.planned")
    subscriptions.add(subscription(event_type="maintenance.planned"))
    assert subscriptions.is_managed("p1")


def test_an_alarm_that_repeats_fires_each_time() -> None:
    """It tells the state before, which is what Aodh writes into the body as previous."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription(repeat_actions=True))
    assert [subscriptions.fire("a1") for _ in range(3)] == [INSUFFICIENT_DATA, ALARM, ALARM]
    assert subscriptions.get("a1").state == ALARM
    assert subscriptions.matching("p1", "maintenance.scheduled")[0].state == ALARM


def test_an_alarm_that_does_not_repeat_fires_once() -> None:
    """Aodh's default, and a trap for VNFMs; a state set back lets it fire again."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription(repeat_actions=False))
    assert [subscriptions.fire("a1") for _ in range(3)] == [INSUFFICIENT_DATA, None, None]
    subscriptions.replace(replace(subscriptions.get("a1"), state="ok"))
    assert [subscriptions.fire("a1") for _ in range(2)] == ["ok", None]


def test_an_alarm_deleted_meanwhile_does_not_fire() -> None:
    """Between matching and firing somebody may delete it."""
    assert Subscriptions().fire("gone") is None


def test_an_alarm_may_be_replaced_moved_to_another_project_and_deleted() -> None:
    """And is found where it belongs at each step."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription("a1", "p1"))
    subscriptions.add(subscription("a2", "p1"))
    subscriptions.replace(subscription("a1", "p2", description="moved"))
    assert ids(subscriptions.list()) == ["a1", "a2"]
    assert ids(subscriptions.list("p1")) == ["a2"]
    assert subscriptions.list("p2")[0].description == "moved"
    subscriptions.delete("a1")
    assert subscriptions.list("p2") == []
    assert ids(subscriptions.list()) == ["a2"]


@pytest.mark.parametrize("call", ["get", "delete", "replace"])
def test_an_unknown_alarm_is_an_error_that_says_so(call: str) -> None:
    """With what would have worked."""
    with pytest.raises(UnknownAlarm, match="there is no alarm a1") as unknown:
        getattr(Subscriptions(), call)(subscription() if call == "replace" else "a1")
    assert unknown.value.hint


def test_an_id_is_taken_once() -> None:
    """A second alarm of that id is refused."""
    subscriptions = Subscriptions()
    subscriptions.add(subscription())
    with pytest.raises(AlreadyExists):
        subscriptions.add(subscription(project_id="p2"))
    assert ids(subscriptions.list()) == ["a1"]


def test_their_number_is_limited() -> None:
    """Deleting one makes room for another."""
    subscriptions = Subscriptions(limit=2)
    subscriptions.add(subscription("a1"))
    subscriptions.add(subscription("a2"))
    with pytest.raises(LimitReached, match="2 alarms"):
        subscriptions.add(subscription("a3"))
    subscriptions.delete("a1")
    subscriptions.add(subscription("a3"))


def test_every_change_is_reported_and_nothing_else() -> None:
    """The first firing changes the state, later ones change nothing; nor does replacing by the same."""
    changes: list[tuple[str, str, str]] = []
    subscriptions = Subscriptions(lambda change, one: changes.append((change, one.alarm_id, one.state)))
    made = subscription(repeat_actions=True)
    subscriptions.add(made)
    subscriptions.replace(made)
    subscriptions.fire("a1")
    subscriptions.fire("a1")
    subscriptions.replace(made)
    subscriptions.delete("a1")
    assert changes == [
        ("created", "a1", INSUFFICIENT_DATA),
        ("changed", "a1", ALARM),
        ("changed", "a1", INSUFFICIENT_DATA),
        ("deleted", "a1", INSUFFICIENT_DATA),
    ]


def test_a_change_that_cannot_be_recorded_is_not_made() -> None:
    """What a project was answered must be what the journal has."""

    def fail(change: str, one: Subscription) -> None:
        raise OSError("disk full")

    subscriptions = Subscriptions(fail)
    with pytest.raises(OSError, match="disk full"):
        subscriptions.add(subscription())
    assert subscriptions.list() == []


def test_restoring_reports_nothing() -> None:
    """The subscriptions come out of the journal; states are kept, what was there before is forgotten."""
    changes: list[str] = []
    subscriptions = Subscriptions(lambda change, one: changes.append(change))
    subscriptions.add(subscription("before"))
    subscriptions.restore([subscription("a1", state=ALARM), subscription("a2", None)])
    assert changes == ["created"]
    assert ids(subscriptions.matching("p1", "maintenance.scheduled")) == ["a1", "a2"]
    assert subscriptions.fire("a1") is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "replace", "delete", "fire"]), st.integers(0, 4), st.sampled_from("pq.")),
        max_size=30,
    )
)
def test_the_index_by_project_agrees_with_a_scan(steps: list[tuple[str, int, str]]) -> None:
    """After any sequence of changes, and reports fold to the same subscriptions."""
    folded: dict[str, Subscription] = {}

    def fold(change: str, one: Subscription) -> None:
        if change == "deleted":
            del folded[one.alarm_id]
        else:
            folded[one.alarm_id] = one

    subscriptions = Subscriptions(fold)
    for step, number, project in steps:
        one = subscription(f"a{number}", None if project == "." else project)
        try:
            getattr(subscriptions, step)(one.alarm_id if step in ("delete", "fire") else one)
        except (AlreadyExists, UnknownAlarm):
            continue
    everything = subscriptions.list()
    assert everything == list(folded.values())
    for project in "pq":
        scanned = {one.alarm_id for one in everything if one.project_id in (project, None)}
        assert set(ids(subscriptions.matching(project, "maintenance.scheduled"))) == scanned
        assert set(ids(subscriptions.list(project))) == {x.alarm_id for x in everything if x.project_id == project}
