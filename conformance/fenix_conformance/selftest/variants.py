"""Correct servers that differ from the reference: a suite that fails one of them asks for more than the API does."""

from __future__ import annotations

from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.subject import Subject
from fenix_contract.vocabulary import Action, EventType


def _variant(name: str, description: str, manners: Manners, *, least_window: float = 0.0) -> Subject:
    return Subject(name, description, manners=manners, least_window=least_window)


_ALL = (
    # The answers on the project's URL.
    _variant("put-empty-body", "PUT is answered 200 with no body", Manners(put_body="empty")),
    _variant("put-other-body", "PUT is answered 200 with JSON that is no object", Manners(put_body="other")),
    _variant("errors-html", "errors are HTML pages", Manners(errors="html")),
    _variant("errors-text", "errors are plain text", Manners(errors="text")),
    _variant("errors-json", "errors are JSON of the server's own kind", Manners(errors="json")),
    _variant("extra-members", "the list's object has more members", Manners(extra_members=True)),
    _variant("list-rotates", "the list's order changes from GET to GET", Manners(list_order="rotating")),
    _variant("charset", "the list's content type has a charset", Manners(charset=True)),
    _variant("slash-308", "the path with the slash redirects with 308", Manners(slash=308)),
    _variant("slash-307", "the path with the slash redirects with 307", Manners(slash=307)),
    _variant("slow", "every answer takes 0.8 s", Manners(latency=0.8), least_window=5.0),
    _variant("unknown-403", "unknown ids are 403", Manners(unknown=403)),
    _variant("unknown-400", "unknown ids are 400", Manners(unknown=400)),
    _variant("http-1.0", "each request has its own connection", Manners(keep_alive=False)),
    _variant("delete-204", "DELETE on a session is answered 204", Manners(delete_status=204)),
    _variant("session-words", "session ids are no UUIDs", Manners(session_ids="word")),
    _variant("any-content-type", "the reply's content type does not matter", Manners(any_content_type=True)),
    _variant("no-options", "OPTIONS is 405", Manners(options=False)),
    # The inventory.
    _variant("opaque-ids", "instance ids are no UUIDs", Manners(opaque_ids=True)),
    _variant("prepare", "no host is empty: PREPARE_MAINTENANCE comes first", Manners(layout="prepare")),
    _variant(
        "prepare-opaque-ids",
        "PREPARE_MAINTENANCE, with ids that are no UUIDs",
        Manners(layout="prepare", opaque_ids=True),
    ),
    _variant("apart", "no host has instances of two projects", Manners(layout="apart")),
    # What replies lead to.
    _variant("second-reply-replaces", "the last of several replies counts", Manners(second_reply="replace")),
    _variant("wrong-reply-ignored", "a reply that is not awaited is 200 and nothing", Manners(wrong_reply="ignore")),
    _variant("wrong-reply-fails", "a reply that is not awaited fails the session", Manners(wrong_reply="fail")),
    _variant("foreign-ignored", "an action for an instance that was not listed is ignored", Manners(foreign="ignore")),
    _variant("nack-at-window-end", "NACK fails the session when the window ends", Manners(nack="at-window-end")),
    _variant("silence-default", "a silent project is treated as one without a manager", Manners(silence="default")),
    _variant(
        "silence-default-done-late",
        "a silent project's instances are migrated, and each project hears of it in its own time",
        Manners(silence="default", done_latency=0.3),
        least_window=2.0,
    ),
    _variant("list-all-after-reply", "after its own reply a project sees all instances", Manners(after_reply="all")),
    _variant("unmanaged-fails", "a project without a manager fails the session", Manners(unmanaged="fail")),
    _variant("lead", "the start comes a second after the last ACK_MAINTENANCE", Manners(lead=1.0)),
    # The alarms.
    _variant("event-planned", "the event type is maintenance.planned", Manners(event_type=EventType.PLANNED)),
    _variant("fewer-actions", "LIVE_MIGRATE is not offered", Manners(actions=(Action.MIGRATE, Action.OWN_ACTION))),
    _variant("one-action", "only MIGRATE is offered", Manners(actions=(Action.MIGRATE,))),
    _variant("alarms-twice", "each alarm is sent twice", Manners(copies=2)),
    _variant(
        "one-alarm-after-another",
        "a project is told 0.7 s after the one before it",
        Manners(alarm_gap=0.7),
        least_window=3.0,
    ),
    _variant("no-service-trait", "no trait is called service", Manners(service_trait=False)),
    _variant("unknown-traits", "there are traits that nobody knows", Manners(unknown_traits=True)),
    _variant("trait-order", "the traits' order changes from alarm to alarm", Manners(trait_order="rotating")),
    _variant("python2-text", "lists are written as Python 2 did", Manners(python2_text=True)),
    _variant("bare-id", "INSTANCE_ACTION_DONE names the bare id", Manners(bare_id=True)),
    _variant("whole-seconds", "deadlines have no microseconds", Manners(microseconds=False)),
    _variant("url-with-slash", "the alarm's URLs end in a slash", Manners(url_slash=True)),
    _variant(
        "done-late",
        "INSTANCE_ACTION_DONE reaches one project while another is told of the next host",
        Manners(done_latency=0.3),
        least_window=2.0,
    ),
    _variant(
        "all-at-once",
        "many liberties together",
        Manners(
            put_body="empty",
            errors="html",
            extra_members=True,
            charset=True,
            opaque_ids=True,
            session_ids="word",
            event_type=EventType.PLANNED,
            unknown_traits=True,
            service_trait=False,
            trait_order="rotating",
            bare_id=True,
            url_slash=True,
            layout="prepare",
            after_reply="all",
            second_reply="replace",
        ),
    ),
)

#: Name to variant.
VARIANTS: dict[str, Subject] = {variant.name: variant for variant in _ALL}


def variant_named(name: str) -> Subject:
    """Raises KeyError."""
    return VARIANTS[name]
