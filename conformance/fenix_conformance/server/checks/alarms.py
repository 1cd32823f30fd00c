"""Checks of the alarms: their form, what they say, where they lead and whom they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from fenix_conformance.results import Layer
from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.play import project_url, read_ids
from fenix_conformance.server.sighting import Sighting, project_path_ids
from fenix_conformance.server.trace import Trace
from fenix_contract.contract import validator
from fenix_contract.vocabulary import ACTION_STATES, Action, AlarmState, Trait

#: Aodh crops a text trait after so many characters.
LONGEST: Final = 255


def _each(case: Case, judge: Callable[[Sighting], str], expected: str) -> Judgement:
    """Judge every alarm; ``judge`` says what is wrong, "" when nothing is."""
    if not case.sightings:
        return _none(case)
    for sighting in case.sightings:
        if actual := judge(sighting):
            return failed(expected, actual, [sighting.evidence])
    return passed(f"{len(case.sightings)} alarms", [case.sightings[0].evidence])


def _none(case: Case) -> Judgement:
    reasons = "; ".join(dict.fromkeys(case.missing.values()))
    return untestable(reasons or "no alarm arrived")


@check("alarm-format", "happy")
def alarm_format(case: Case) -> Judgement:
    """An alarm has the shape of Aodh's event alarms."""

    def judge(sighting: Sighting) -> str:
        content_type = next(
            (value for name, value in sighting.arrival.headers.items() if name.lower() == "content-type"), ""
        )
        if content_type.partition(";")[0].strip().lower() != "application/json":
            return f"its Content-Type is {content_type or '(none)'}"
        if not isinstance(sighting.document, dict):
            return "its body is not a JSON object"
        errors = [*_errors(sighting.document)]
        # That a text is too long is a requirement of its own.
        return next((text for text in errors if not _is_about_length(sighting)), "")

    found = _by_schema(_each(case, judge, "the body of Aodh's event alarms, as the contract's webhook describes it"))
    return found if found.is_failure else _by_id(case) or found


def _by_id(case: Case) -> Judgement | None:
    """A notification's id is its own: managers know by it what they have heard already."""
    heard: dict[tuple[str, str], Sighting] = {}
    for one in case.sightings:
        message_id = one.message.message_id
        if not message_id or one.is_of_another:
            continue
        first = heard.setdefault((one.project, message_id), one)
        if (first.state, first.message.session_id) != (one.state, one.message.session_id):
            return failed(
                "each notification has a message_id of its own",
                f"{first.state} and {one.state} came to {one.project} with the same one, {message_id}",
                [first.evidence, one.evidence],
            )
    return None


def _by_schema(found: Judgement) -> Judgement:
    if not found.is_failure:
        return found
    return Judgement(found.outcome, found.message, found.expected, found.actual, found.evidence, Layer.SCHEMA)


def _errors(document: Any) -> Iterator[str]:
    """What the contract's schema of Aodh's alarm finds wrong, nearest to the root first."""
    found = sorted(validator("AodhAlarm").iter_errors(document), key=lambda error: len(error.instance_path))
    for error in found:
        place = "/".join(str(step) for step in error.instance_path)
        message = error.message if len(error.message) < 200 else f"{error.message[:200]}…"
        yield f"{place or 'the body'}: {message}"


def _is_about_length(sighting: Sighting) -> bool:
    """Whether the body is right but for texts that are too long."""
    document = _cropped(sighting.document)
    return not any(True for _ in _errors(document))


def _cropped(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _cropped(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_cropped(value) for value in node]
    return node[:LONGEST] if isinstance(node, str) else node


@check("alarm-traits", "happy")
def alarm_traits(case: Case) -> Judgement:
    """state, session_id, instance_ids and reply_url are there and right; state is one of the words; project_id is the
    receiver's.
    """
    if case.has_failed("alarm-format") and not any(sighting.message.traits for sighting in case.sightings):
        return untestable("no trait could be read: see alarm-format")

    def judge(sighting: Sighting) -> str:
        message = sighting.message
        for name in (Trait.STATE, Trait.SESSION_ID, Trait.INSTANCE_IDS, Trait.REPLY_URL):
            if not message.traits.get(name):
                return f"it has no {name}"
        if message.state not in set(AlarmState):
            return f"its state is {message.state!r}"
        if message.session_id not in case.sessions:
            return f"its session_id is {message.session_id!r}, which is none of the sessions that were started"
        # Where the links are another project's too, the alarm went astray: that is alarm-addressed.
        if message.project_id not in ("", sighting.project) and not sighting.is_of_another:
            return f"its project_id is {message.project_id!r}, but it came to {sighting.project}"
        return ""

    return _each(case, judge, "state, session_id, instance_ids and reply_url, and the receiver's project_id")


@check("alarm-length", "happy", "strangers")
def alarm_length(case: Case) -> Judgement:
    """No text trait is longer than 255 characters."""

    def judge(sighting: Sighting) -> str:
        for name, value in sighting.message.traits.items():
            if isinstance(value, str) and len(value) > LONGEST:
                return f"the trait {name} has {len(value)} characters"
        return ""

    if case.sightings and not any(sighting.message.traits for sighting in case.sightings):
        return untestable("no trait could be read: see alarm-format")
    return _each(case, judge, f"at most {LONGEST} characters")


@check("alarm-link", "happy", "reads")
def alarm_link(case: Case) -> Judgement:
    """Outside INSTANCE_ACTION_DONE instance_ids is a URL that lists the project's instances; reply_url is that
    project's.
    """
    judgements = []
    for trace in case.traces.values():
        for ask in trace.asks:
            if fault := _wrong_link(ask.sighting):
                return failed("URLs of the session's and the project's list and reply", fault, [ask.sighting.evidence])
            judgements += list(_followed(case, trace, ask.project))
    asking = [sighting for sighting in case.sightings if sighting.asks]
    if not asking:
        return untestable("no alarm that asks for a reply could be read") if case.sightings else _none(case)
    if not judgements:
        return untestable("no link was followed")
    return worst(judgements)


def _wrong_link(sighting: Sighting) -> str:
    """What is wrong with the links of an alarm that asks for a reply, by themselves."""
    message = sighting.message
    links = ((Trait.INSTANCE_IDS, message.instance_ids), (Trait.REPLY_URL, message.reply_url))
    for name, link in links:
        if not link:
            continue  # That it is missing is for alarm-traits.
        ids = project_path_ids(link)
        if ids is None:
            return f"{name} is {link!r}, not a URL of the project API"
        if ids[1] != sighting.project:
            return f"{name} of the alarm for {sighting.project} leads to {ids[1]}: {link}"
        if ids[0] != message.session_id and message.session_id:
            return f"{name} leads to the session {ids[0]}, not to {message.session_id}: {link}"
    return ""


def _followed(case: Case, trace: Trace, project: str) -> Iterator[Judgement]:
    """Whether the links that were followed led to the list."""
    for ask in trace.asks_of(project):
        for listing in ask.listings:
            if not listing.is_own_link:
                continue
            if listing.ids is not None:
                yield passed("the links lead to the lists", [listing.exchange.evidence])
            elif any(other.ids is not None and not other.is_own_link for other in ask.listings):
                yield failed(
                    "instance_ids leads to the list",
                    f"GET {listing.exchange.url} was answered {listing.exchange.outcome}; the list is at "
                    f"{project_url(case.options.root, trace.session_id, project)}",
                    [ask.sighting.evidence, *(one.exchange.evidence for one in ask.listings)],
                )
            elif read_ids(listing.exchange) is None:
                yield untestable("no list could be read: see list-shape", [listing.exchange.evidence])


@check("alarm-addressed", "happy")
def alarm_addressed(case: Case) -> Judgement:
    """A project's alarm goes to that project only."""
    readable = [one for one in case.sightings if one.link_ids is not None or one.message.project_id]
    for sighting in readable:
        if sighting.is_of_another:
            owner = sighting.link_ids[1] if sighting.link_ids else sighting.message.project_id
            return failed(
                f"the alarms of {owner} go to {owner} only",
                f"one came to {sighting.project}",
                [sighting.evidence],
            )
    if not readable:
        return untestable("no alarm says whose it is") if case.sightings else _none(case)
    if len({sighting.project for sighting in readable}) < 2:
        return untestable("two projects are needed that are told")
    return passed(f"{len(readable)} alarms", [readable[0].evidence])


@check("alarm-actions", "happy")
def alarm_actions(case: Case) -> Judgement:
    """PREPARE and PLANNED carry allowed_actions: one or more of the three words."""
    asking = [one for one in case.sightings if one.state in ACTION_STATES]
    if not asking:
        return untestable("no alarm asked for actions") if case.sightings else _none(case)
    for sighting in asking:
        if fault := _wrong_actions(sighting.message.allowed_actions, sighting):
            return failed("one or more of MIGRATE, LIVE_MIGRATE and OWN_ACTION", fault, [sighting.evidence])
    return passed(f"{len(asking)} alarms", [asking[0].evidence])


def _wrong_actions(actions: Sequence[str], sighting: Sighting) -> str:
    if Trait.ALLOWED_ACTIONS not in sighting.message.traits:
        return f"the alarm {sighting.state} has no allowed_actions"
    text = sighting.message.traits[Trait.ALLOWED_ACTIONS]
    if not actions or not set(actions) <= set(Action):
        return f"allowed_actions of the alarm {sighting.state} is {text!r}"
    return ""


@check("alarm-deadline", "happy")
def alarm_deadline(case: Case) -> Judgement:
    """reply_at lies after the alarm's sending."""
    asking = [one for one in case.sightings if one.asks]
    timed = [one for one in asking if one.message.reply_at is not None]
    if not timed:
        if not asking:
            return untestable("no alarm asked for a reply") if case.sightings else _none(case)
        return untestable("the alarms have no reply_at that can be read", [asking[0].evidence])
    for sighting in timed:
        due = sighting.message.reply_at
        # The server's own clock where the alarm tells it, else this one's.
        sent = sighting.generated or sighting.arrival.when
        if due is not None and due <= sent and due <= sighting.arrival.when:
            return failed(
                "reply_at is later than the alarm",
                f"reply_at is {due:%Y-%m-%d %H:%M:%S} UTC, the alarm was made at {sent:%Y-%m-%d %H:%M:%S} UTC",
                [sighting.evidence],
            )
    return passed(f"{len(timed)} alarms", [timed[0].evidence])
