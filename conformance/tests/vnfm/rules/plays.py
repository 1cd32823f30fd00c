"""Plays drawn at random in which a VNFM keeps every rule, and ways to break one rule in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from .history import ACTION_STATES, OTHER_PROJECT, OTHER_SESSION, PROJECT, SESSION, WINDOW, Asked, History

#: What can become of a try that fails: the status (None: no answer) and what the fault does.
FAILURES = {
    "503": (503, {"status": 503}),
    "500": (500, {"status": 500}),
    "429": (429, {"status": 429}),
    "reset": (None, {"reset": True}),
    "drop": (None, {"drop": True}),
    #: Carried out, but its answer was lost: the session goes on.
    "lost": (None, {"close": True}),
}


@dataclass(frozen=True)
class Turn:
    """What a project does about one question. Times are seconds after it, or after what came before.

    ``skips`` and ``does`` name what it leaves out and what it does besides, which no VNFM that keeps the rules has.
    """

    state: str
    project: str
    ids: tuple[str, ...]
    alarm_latency: float = 0.01
    alarm_status: int = 200
    lists_after: float = 0.02
    replies_after: float = 0.05
    failures: tuple[str, ...] = ()
    pauses: tuple[float, ...] = (0.1, 0.2, 0.4)
    action: str = "MIGRATE"
    refuses: bool = False
    slash: str = ""
    again: bool = False
    duplicate: bool = False
    strange: bool = False
    removes: tuple[str, ...] = ()
    wrong: str = ""

    @property
    def word(self) -> str:
        """The prefix of its reply."""
        return "NACK_" if self.refuses else "ACK_"

    @property
    def chooses(self) -> bool:
        """Whether its reply has actions."""
        return self.state in ACTION_STATES and not self.refuses and bool(self.ids)


@dataclass(frozen=True)
class Round:
    """One question, to each project."""

    state: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Part:
    """One session."""

    session: str
    begins: float
    rounds: tuple[Round, ...]


Plan = tuple[Part, ...]


def _seconds(least: float, most: float) -> st.SearchStrategy[float]:
    return st.integers(int(least * 1000), int(most * 1000)).map(lambda value: value / 1000)


@st.composite
def turns(draw: st.DrawFn, state: str, project: str, ids: tuple[str, ...]) -> Turn:
    """What a project that keeps the rules may do."""
    failures = draw(st.lists(st.sampled_from([name for name in FAILURES if name != "lost"]), max_size=2))
    if draw(st.integers(0, 4)) == 0:
        failures.append("lost")
    pauses = draw(st.lists(_seconds(0.05, 0.6), min_size=3, max_size=3))
    if draw(st.booleans()):
        pauses[0] = 0.001
    return Turn(
        state,
        project,
        ids,
        alarm_latency=draw(_seconds(0.001, 1.9)),
        alarm_status=draw(st.sampled_from([200, 201, 202, 204])),
        lists_after=draw(_seconds(0.011, 0.5)),
        replies_after=draw(_seconds(0.02, 2.0)),
        failures=tuple(failures),
        pauses=tuple(pauses),
        action=draw(st.sampled_from(["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"])),
        refuses=draw(st.integers(0, 11)) == 0,
        slash=draw(st.sampled_from(["", "", "/"])),
        again=draw(st.booleans()),
        duplicate=draw(st.booleans()),
        strange=draw(st.booleans()),
        removes=(f"gone-{project[:2]}-{draw(st.integers(0, 999))}",) if state == "SCALE_IN" else (),
    )


@st.composite
def parts(draw: st.DrawFn, number: int, session: str, projects: tuple[str, ...]) -> Part:
    """A session of which every host is maintained, or that a project ends by its refusal."""
    states = ["MAINTENANCE"]
    # In one session only: with two at once, what is given up for the one is missing in the other too.
    if number == 0 and draw(st.booleans()):
        states.append("SCALE_IN")
    if draw(st.booleans()):
        states.append("PREPARE_MAINTENANCE")
    states += ["PLANNED_MAINTENANCE"] * draw(st.integers(1, 3)) + ["MAINTENANCE_COMPLETE"]
    rounds = []
    for position, state in enumerate(states):
        made = []
        for project in projects:
            count = draw(st.integers(1, 3)) if state in ACTION_STATES else 0
            ids = tuple(f"i-{number}-{position}-{project[:2]}-{one}" for one in range(count))
            made.append(draw(turns(state, project, ids)))
        rounds.append(Round(state, tuple(made)))
    return Part(session, draw(_seconds(0.0, 3.0)), tuple(rounds))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One session or two, of one project or two."""
    projects = (PROJECT, OTHER_PROJECT)[: draw(st.integers(1, 2))]
    sessions = (SESSION, OTHER_SESSION)[: draw(st.integers(1, 2))]
    return tuple(draw(parts(number, session, projects)) for number, session in enumerate(sessions))


# -- from the plan to the journal --------------------------------------------------------------------------------------


def play(plan: Plan) -> History:
    """The journal of a plan."""
    history = History()
    last = 0.0
    for part in plan:
        last = max(last, _session(history, part))
    history.now = last + 0.5
    return history


def _session(history: History, part: Part) -> float:
    history.now = part.begins
    history.session(part.session, *(turn.project for turn in part.rounds[0].turns))
    for round_ in part.rounds:
        began = history.now
        asked = []
        for position, turn in enumerate(round_.turns):
            is_last = position == len(round_.turns) - 1
            asked.append(
                history.ask(
                    turn.state,
                    ids=turn.ids,
                    session=part.session,
                    project=turn.project,
                    enters=position == 0 and turn.state != "MAINTENANCE",
                    window=WINDOW if is_last else 0.0,
                )
            )
        history.now = began + max(_turn(history, turn, one) for turn, one in zip(round_.turns, asked, strict=True))
        refusing = [turn for turn in round_.turns if turn.refuses or turn.wrong == "silent"]
        if refusing:
            history.end(session=part.session, failed_by=refusing[0].project)
            return _take_back(history, part)
        for turn in round_.turns:
            _act(history, part.session, turn)
        history.now += 0.01
    history.end(session=part.session)
    return _take_back(history, part)


def _take_back(history: History, part: Part) -> float:
    """The projects are as large as before; until when late replies may come."""
    for round_ in part.rounds:
        for turn in round_.turns:
            for one in turn.removes if turn.wrong != "stays-small" else ():
                history.added(f"new-{one}", project=turn.project)
    return history.now + 2.0


def _turn(history: History, turn: Turn, asked: Asked) -> float:
    """What a project does; when the server had its reply, or waited no more."""
    began = history.now
    strange = {"effect": {"traits": {"risk": "high"}}, "risk": "high"} if turn.strange else {}
    status = 500 if turn.wrong == "alarm-500" else turn.alarm_status
    latency = 2.5 if turn.wrong == "slow-alarm" else turn.alarm_latency
    history.deliver(asked, 0.01, latency=latency, status=status, **strange)
    replies_after = turn.lists_after + turn.replies_after
    if turn.wrong != "no-list":
        history.get(asked, turn.lists_after)
    if turn.wrong == "silent":
        return WINDOW
    if turn.wrong == "late":
        replies_after = WINDOW + 0.3
    for one in turn.removes if turn.wrong != "keeps-all" else ():
        history.now = began + replies_after - 0.005
        history.removed(one, session=asked.session, project=turn.project)
        history.now = began
    counted = _reply(history, turn, asked, replies_after)
    if turn.duplicate or turn.wrong == "breaks-on-duplicate":
        when = max(counted - 0.002, latency + 0.02) if counted > 0.1 else counted
        if 0.01 + latency < when < counted:
            broken = turn.wrong == "breaks-on-duplicate"
            history.deliver(asked, when, status=500 if broken else 409, latency=0.001, **strange)
    return counted


def _reply(history: History, turn: Turn, asked: Asked, after: float) -> float:
    body = asked.reply(turn.word, turn.action)
    sent: dict[str, object] = {"path": asked.path + turn.slash}
    body, sent = _WRONG_REPLIES.get(turn.wrong, lambda _, body, sent: (body, sent))(asked, body, sent)
    failures = ("503",) if turn.wrong == "no-retry" else turn.failures
    counted = None
    for name, pause in zip(failures, turn.pauses, strict=False):
        status, effect = FAILURES[name]
        history.put(asked, after, body, **{**sent, "status": status, "effect": effect, "latency": 0.0005})
        if name == "lost":
            # The next question is open when it comes again, and has no answer yet.
            counted, pause = after + 0.002, 0.02
        after += 0.0005 + pause
    if turn.wrong == "no-retry":
        return WINDOW + 0.1
    if turn.wrong == "storm":
        for _ in range(5):
            history.put(asked, after, body, **{**sent, "status": 503, "effect": {"status": 503}, "latency": 0.0005})
            after += 0.001
    history.put(asked, after, body, **{**sent, "status": 200 if counted is None else 409})
    if turn.again and turn.wrong != "late":
        history.put(asked, after + 0.003, body, **{**sent, "status": 409})
    if turn.wrong == "contradicts":
        other = {"state": ("ACK_" if turn.refuses else "NACK_") + turn.state}
        history.put(asked, after + 0.004, other, **{**sent, "status": 409})
    return counted if counted is not None else after + 0.006


def _act(history: History, session: str, turn: Turn) -> None:
    """What follows a reply: instances are moved, and reported."""
    if turn.state == "SCALE_IN" and turn.wrong == "keeps-all":
        history.enter("SCALE_IN", session)
    if not turn.chooses:
        return
    timer = history.timer("own_actions", 10, session)
    for one in turn.ids if turn.wrong != "idle" else ():
        history.now += 0.002
        history.moved(one, session=session, project=turn.project, action=turn.action)
        done = history.report(one, session=session, project=turn.project)
        history.deliver(done, 0.0005, latency=0.0005)
        if turn.wrong == "answers-report" and one == turn.ids[0]:
            history.put(done, 0.0011, {"state": "ACK_INSTANCE_ACTION_DONE"}, status=409, latency=0.0001)
    if turn.wrong == "idle":
        history.now += 10
        history.event("TimerExpired", session, timer=timer)


Sent = dict[str, object]
_WRONG_REPLIES: dict[str, Callable[[Asked, dict[str, object], Sent], tuple[dict[str, object], Sent]]] = {
    "other-state": lambda asked, body, sent: ({**body, "state": "DONE_" + asked.state}, sent),
    "leaves-out": lambda asked, body, sent: (
        {**body, "instance_actions": dict.fromkeys(asked.ids[1:], "MIGRATE")},
        sent,
    ),
    "foreign": lambda asked, body, sent: (
        {**body, "instance_actions": dict.fromkeys((*asked.ids, "foreign-1"), "MIGRATE")},
        sent,
    ),
    "disallowed": lambda asked, body, sent: (
        {**body, "instance_actions": dict.fromkeys(asked.ids, "EVACUATE")},
        sent,
    ),
    "suffix": lambda asked, body, sent: (body, {**sent, "path": asked.path + "/reply"}),
    "plain-text": lambda _, body, sent: (body, {**sent, "content_type": "text/plain"}),
}


# -- one thing wrong ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A way to be wrong: the rules that are broken by it, in turns that ``fits`` tells, which it changes so."""

    name: str
    breaks: frozenset[str]
    fits: Callable[[Turn], bool] = lambda _: True
    change: Callable[[Turn], Turn] = lambda turn: turn
    #: Whether it is only the one rule where there is one session, and nothing in it that could be taken for the cause.
    alone: bool = False


def _plain(turn: Turn) -> Turn:
    """Without what would give a silence another cause, and without failures."""
    return replace(turn, duplicate=False, strange=False, failures=())


def _is_heard(turn: Turn) -> bool:
    """Whether it knows that its reply counted."""
    return "lost" not in turn.failures


def _asks_actions(turn: Turn) -> bool:
    return turn.chooses


FAULTS = (
    Fault("silent", frozenset({"reply-sent"}), change=_plain, alone=True),
    Fault("late", frozenset({"reply-in-time"}), change=_plain),
    Fault("other-state", frozenset({"reply-state"}), _is_heard, alone=True),
    Fault("suffix", frozenset({"reply-url"})),
    Fault("plain-text", frozenset({"reply-valid"})),
    Fault("contradicts", frozenset({"reply-once"}), change=_plain),
    Fault("leaves-out", frozenset({"actions-cover"}), _asks_actions),
    Fault("foreign", frozenset({"actions-own"}), _asks_actions),
    Fault("disallowed", frozenset({"actions-allowed"}), _asks_actions),
    Fault("no-list", frozenset({"list-fetched"}), lambda turn: not turn.chooses),
    Fault("no-list", frozenset({"list-fetched", "list-fresh"}), _asks_actions),
    Fault("alarm-500", frozenset({"alarm-accepted"})),
    Fault("slow-alarm", frozenset({"alarm-prompt"}), change=_plain),
    Fault("no-retry", frozenset({"retry"}), change=_plain),
    Fault("storm", frozenset({"retry"}), change=_plain),
    Fault("keeps-all", frozenset({"scale-in-done"}), lambda turn: bool(turn.removes) and not turn.refuses, _plain),
    Fault("stays-small", frozenset({"scale-out"}), lambda turn: bool(turn.removes) and not turn.refuses),
    Fault(
        "idle",
        frozenset({"own-action-done"}),
        lambda turn: turn.chooses and turn.state == "PLANNED_MAINTENANCE" and _is_heard(turn),
        lambda turn: replace(turn, action="OWN_ACTION"),
    ),
    Fault("answers-report", frozenset({"done-silent"}), _asks_actions),
    Fault(
        "breaks-on-duplicate",
        frozenset({"duplicate-alarm"}),
        lambda turn: turn.lists_after + turn.replies_after > turn.alarm_latency + 0.1,
        lambda turn: replace(turn, strange=False),
    ),
)


def with_fault(plan: Plan, fault: Fault, position: int) -> Plan | None:
    """The plan with the fault in the turn at that position of those that it fits; None where it fits none."""
    places = [
        (part, round_, turn)
        for part in range(len(plan))
        for round_ in range(len(plan[part].rounds))
        for turn in range(len(plan[part].rounds[round_].turns))
        if fault.fits(plan[part].rounds[round_].turns[turn])
    ]
    places = [place for place in places if _is_reached(plan, place)]
    if not places:
        return None
    part, round_, turn = places[position % len(places)]
    old = plan[part].rounds[round_]
    changed = replace(fault.change(old.turns[turn]), wrong=fault.name)
    turns_ = (*old.turns[:turn], changed, *old.turns[turn + 1 :])
    rounds = (*plan[part].rounds[:round_], Round(old.state, turns_), *plan[part].rounds[round_ + 1 :])
    broken = replace(plan[part], rounds=rounds)
    return (_without_causes(broken),) if fault.alone else (*plan[:part], broken, *plan[part + 1 :])


def _without_causes(part: Part) -> Part:
    rounds = []
    for one in part.rounds:
        changed = [
            replace(turn, duplicate=False, strange=False, failures=tuple(f for f in turn.failures if f != "lost"))
            for turn in one.turns
        ]
        rounds.append(Round(one.state, tuple(changed)))
    return replace(part, rounds=tuple(rounds))


def _is_reached(plan: Plan, place: tuple[int, int, int]) -> bool:
    """Whether the session gets there and, where that matters, on from there: nobody refuses."""
    part, _, _ = place
    return not any(turn.refuses for round_ in plan[part].rounds for turn in round_.turns)
