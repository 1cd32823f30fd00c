"""An alarm as the suite saw it: read as far as it can be read, so that one fault in it hides nothing else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from fenix_conformance.results import Evidence, EvidenceKind
from fenix_conformance.server.receiver import Arrival
from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import REPLY_STATES, AlarmState

#: A window outside of this is no window but a fault of ``reply_at`` (in seconds).
SANE_WINDOW: Final = (0.05, 3_600.0)


def project_path_ids(url: str) -> tuple[str, str] | None:
    """The session's and the project's id in a URL of the project API, None when it has no such end."""
    parts = urlsplit(url)
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    if parts.scheme not in {"http", "https"} or len(segments) < 2:
        return None
    return segments[-2], segments[-1]


@dataclass(frozen=True)
class Sighting:
    """One alarm that arrived for ``project`` (whose URL was called), at ``at`` (monotonic seconds)."""

    arrival: Arrival
    url: str

    @property
    def project(self) -> str:
        return self.arrival.project

    @property
    def at(self) -> float:
        return self.arrival.at

    @cached_property
    def document(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.arrival.body)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def event(self) -> Mapping[str, Any]:
        """``reason_data.event``, or the nearest thing to it that is there."""
        node: Any = self.document
        for member in ("reason_data", "event"):
            if isinstance(node, Mapping) and isinstance(node.get(member), Mapping):
                node = node[member]
        return node if isinstance(node, Mapping) else {}

    @cached_property
    def message(self) -> AlarmMessage:
        """What can be read of it; properties of what cannot are empty."""
        traits: dict[str, str | int | float] = {}
        listed = self.event.get("traits")
        if isinstance(listed, Mapping):
            traits = {str(name): value for name, value in listed.items() if isinstance(value, str | int | float)}
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, list) and len(item) >= 2 and isinstance(item[-1], str | int | float):
                traits[str(item[0])] = item[-1]
        return AlarmMessage(
            event_type=str(self.event.get("event_type", "")),
            traits=traits,
            message_id=str(self.event.get("message_id", "")),
            generated=str(self.event.get("generated", "")),
        )

    @property
    def state(self) -> str:
        return self.message.state

    @property
    def asks(self) -> bool:
        """Whether a reply is asked for."""
        return self.state in REPLY_STATES

    @property
    def reports(self) -> bool:
        """Whether it reports a finished action."""
        return self.state == AlarmState.INSTANCE_ACTION_DONE

    @cached_property
    def link_ids(self) -> tuple[str, str] | None:
        """Session and project in the alarm's URLs, ``reply_url`` before ``instance_ids``."""
        return project_path_ids(self.message.reply_url) or project_path_ids(self.message.instance_ids)

    @property
    def is_of_another(self) -> bool:
        """Whether it is about another project than the one whose URL was called, by all that it says."""
        told = self.message.project_id
        if self.link_ids is None:
            return told not in ("", self.project)
        return self.link_ids[1] != self.project and told != self.project

    @property
    def session_id(self) -> str:
        """The trait, or what the links say where there is no such trait."""
        return self.message.session_id or (self.link_ids[0] if self.link_ids else "")

    @cached_property
    def generated(self) -> datetime | None:
        """When the notification was made, by the server's clock; None when it does not say."""
        try:
            instant = datetime.fromisoformat(self.message.generated)
        except ValueError:
            return None
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)

    @cached_property
    def signature(self) -> tuple[tuple[str, str], ...]:
        """The traits in a fixed order: two alarms that say the same are equal here."""
        return tuple(sorted((name, str(value)) for name, value in self.message.traits.items()))

    def window(self, otherwise: float) -> float:
        """Seconds from the arrival until the reply is due; ``otherwise`` where ``reply_at`` is missing or senseless."""
        due = self.message.reply_at
        if due is None:
            return otherwise
        spans = [(due - self.arrival.when).total_seconds()]
        if self.generated is not None:
            spans.append((due - self.generated).total_seconds())
        sane = [span for span in spans if SANE_WINDOW[0] <= span <= SANE_WINDOW[1]]
        return min(sane) if sane else otherwise

    @cached_property
    def evidence(self) -> Evidence:
        """For the report."""
        return Evidence(
            EvidenceKind.ALARM,
            self.arrival.when,
            note=f"alarm {self.state or '?'} for {self.project}",
            method="POST",
            url=self.url,
            headers=dict(self.arrival.headers),
            body=self.arrival.body.decode("utf-8", "replace"),
            status=200,
        )


def is_uuid(text: str) -> bool:
    """Whether an id has the form of a UUID (with or without dashes)."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
