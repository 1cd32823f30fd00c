"""Whether a reply counts: the strict server refuses what does not fit, the upstream one takes everything.

Strict (the contract): a reply is ``ACK_`` or ``NACK_`` and the state that the session is in, from a project that was
asked and has not answered; an acknowledgement of PREPARE and PLANNED names one allowed action for each listed instance
and for no other. PUT is idempotent (RFC 9110 §9.2.2): the same reply sent again is taken and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from fenix_contract.vocabulary import ACTION_STATES, AlarmState, ReplyPrefix
from fenix_simulator.domain.ask import ALL_ACTIONS, Ask, Told
from fenix_simulator.domain.errors import ReplyInvalid, ReplyNotAwaited
from fenix_simulator.domain.messages import Reply, ReplyAccepted

#: Tacker answers even this report, at the project's URL. In its dialect it is taken, without effect: nothing waits.
ACK_ACTION_DONE = ReplyPrefix.ACK + AlarmState.INSTANCE_ACTION_DONE


def accepted(reply: Reply) -> ReplyAccepted:
    """The event of taking this reply."""
    actions = None if reply.instance_actions is None else dict(reply.instance_actions)
    return ReplyAccepted(reply.project_id, reply.state, actions, reply.instance_id)


def judge_strict(
    reply: Reply, ask: Ask | None, state: str, last: Mapping[tuple[str, str | None], ReplyAccepted]
) -> ReplyAccepted | None:
    """The event a reply leads to; None when it repeats what was taken before.

    ``last`` holds each project's newest accepted reply (by instance, where it was for one). Raises ReplyNotAwaited
    (409) or ReplyInvalid (422).
    """
    event = accepted(reply)
    told = ask.told.get(reply.project_id) if ask is not None else None
    if last.get((reply.project_id, reply.instance_id)) == event and (told is None or _is_past(told, reply)):
        return None
    if told is None or _has_replied(told, reply):
        if told is None:
            raise ReplyNotAwaited(
                f"the session is in {state} and awaits no reply from project {reply.project_id}",
                expected="a reply after an alarm that asks this project for one",
                hint="reply once to each alarm, with the state that the alarm names",
            )
        raise ReplyNotAwaited(
            f"project {reply.project_id} has already given another reply to {state}",
            expected="the same reply again, or none",
            hint="the first reply to a state counts; wait for the next alarm",
        )
    awaited = (ReplyPrefix.ACK + state, ReplyPrefix.NACK + state)
    if reply.state not in awaited:
        raise ReplyNotAwaited(
            f"{reply.state} does not answer the state {state}",
            expected=f"{awaited[0]} or {awaited[1]}",
            hint="take the state from the newest alarm of this session",
        )
    if state in ACTION_STATES and reply.state == awaited[0]:
        _check_actions(reply, told)
    return event


def _is_past(told: Told, reply: Reply) -> bool:
    """Whether what the reply answers is not asked any more. One about a single instance says itself what it answers:
    Tacker sends each twice, and the second may come when the session asks about the next host's instances."""
    return _has_replied(told, reply) or (reply.instance_id is not None and reply.instance_id not in told.asked)


def _has_replied(told: Told, reply: Reply) -> bool:
    if reply.instance_id is not None and told.by_instance:
        return told.reply is not None or reply.instance_id in told.replies
    return told.replied()


def _check_actions(reply: Reply, told: Told) -> None:
    actions = reply.instance_actions or {}
    asked = told.listed if reply.instance_id is None else {reply.instance_id: None}
    if reply.instance_id is not None and reply.instance_id not in told.asked:
        raise ReplyInvalid(
            f"instance {reply.instance_id} is not asked about",
            expected="one of " + _some(told.listed),
            hint="reply to the reply_url of the alarm that names the instance",
        )
    missing = [instance_id for instance_id in asked if instance_id not in actions]
    if missing:
        raise ReplyInvalid(
            f"no action for {_some(missing)}",
            expected=f"an action for each of the {len(asked)} listed instances",
            hint="GET the list and put every id of it into instance_actions",
        )
    foreign = [instance_id for instance_id in actions if instance_id not in told.asked]
    if foreign:
        raise ReplyInvalid(
            f"{_some(foreign)} {'is' if len(foreign) == 1 else 'are'} not asked about",
            expected=f"only the listed instances: {_some(told.listed)}",
            hint="GET the list anew in each state; an instance of an earlier host is not in it",
        )
    wrong = {action for action in actions.values() if action not in ALL_ACTIONS}
    if wrong:
        raise ReplyInvalid(
            f"{_some(sorted(wrong))} is not an allowed action",
            expected="one of " + ", ".join(ALL_ACTIONS),
            hint="take one of the alarm's allowed_actions",
        )


def _some(ids: Mapping[str, None] | list[str], most: int = 5) -> str:
    names = list(ids)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
