"""The liberties of a Fenix server: every combination of these values is a correct server.

The published API leaves these choices to the implementer, so a conformance suite must accept them all. The defaults
make the reference server; a variant changes one or two of them. Faults are not here: they are mutants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fenix_contract.vocabulary import Action, EventType


@dataclass(frozen=True, slots=True)
class Manners:
    """How a correct server behaves where it is free. Durations are seconds."""

    # The inventory.
    # "prepare": no host is empty, so PREPARE_MAINTENANCE comes first; "apart": each host has one project's instances
    layout: Literal["spare", "prepare", "apart"] = "spare"
    opaque_ids: bool = False  # instance ids that are no UUIDs
    session_ids: Literal["uuid", "word"] = "uuid"

    # The answers on the project's URL.
    put_body: Literal["echo", "empty", "other"] = "echo"
    errors: Literal["problem", "json", "text", "html"] = "problem"
    extra_members: bool = False  # more than instance_ids in the list's object
    list_order: Literal["fixed", "rotating"] = "fixed"
    charset: bool = False  # application/json; charset=utf-8
    slash: Literal["both", 307, 308] = "both"  # a number: the published path redirects to the one without the slash
    any_content_type: bool = False  # a reply is read as JSON whatever its content type says
    options: bool = True  # False: OPTIONS is 405 like the other methods
    latency: float = 0.0  # before every answer on the project's URL
    unknown: Literal[400, 403, 404] = 404
    keep_alive: bool = True  # False: HTTP/1.0, one connection for each request
    delete_status: Literal[200, 204] = 200  # of DELETE on a session

    # What replies lead to.
    second_reply: Literal["refuse", "replace"] = "refuse"  # a different reply to the same state
    wrong_reply: Literal["refuse", "ignore", "fail"] = "refuse"  # not awaited, or with wrong actions; the last two: 200
    foreign: Literal["refuse", "ignore"] = "refuse"  # an action for an instance that was not listed
    nack: Literal["at-once", "at-window-end"] = "at-once"
    silence: Literal["fail", "default"] = "fail"  # "default": at the window's end its instances are migrated
    after_reply: Literal["asked", "all"] = "asked"  # the list after the project's own reply in PREPARE and PLANNED
    unmanaged: Literal["default", "fail"] = "default"  # a project that nobody subscribed for
    lead: float = 0.0  # from the last ACK_MAINTENANCE to the start, beside maintenance_at

    # The alarms.
    event_type: EventType = EventType.SCHEDULED
    actions: tuple[Action, ...] = (Action.MIGRATE, Action.LIVE_MIGRATE, Action.OWN_ACTION)
    copies: int = 1  # each alarm is sent so many times
    service_trait: bool = True
    unknown_traits: bool = False
    trait_order: Literal["fixed", "rotating"] = "fixed"
    python2_text: bool = False  # lists as "[u'…']"
    bare_id: bool = False  # INSTANCE_ACTION_DONE names the id itself, not a list of one
    microseconds: bool = True  # False: deadlines fall on whole seconds
    url_slash: bool = False  # the alarm's URLs end in a slash, as the published path does
    alarm_gap: float = 0.0  # from one project's alarm of a state to the next one's
    done_latency: float = 0.0  # INSTANCE_ACTION_DONE reaches every other project so much later
