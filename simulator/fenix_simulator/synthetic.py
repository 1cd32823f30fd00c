"""One alarm out of nothing: any state, any trait, without a session. For trying a project manager by hand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fenix_contract.alarm import TRAITS_DOCTOR, Dtype, TraitDefinition, alarm_body, encode, traits
from fenix_contract.vocabulary import ACTION_STATES, Action, AlarmState, EventType, Trait
from fenix_simulator.alarms import sign, wire_time
from fenix_simulator.ports import Alarm
from fenix_simulator.subscriptions import INSUFFICIENT_DATA

#: What the project has to reply, unless the traits are set otherwise.
REPLY_WINDOW = timedelta(seconds=20)

_DATETIMES = (Trait.ACTIONS_AT, Trait.REPLY_AT)


@dataclass(frozen=True, slots=True)
class SyntheticAlarm:
    """What the alarm is to say.

    ``state`` need not be one that Fenix has. The links lead below ``base_url``, where somebody may or may not listen.
    ``instance_ids`` takes the link's place when it is not empty. ``overrides`` sets traits by name, known or not; an
    empty value leaves the trait out.
    """

    state: str
    project_id: str
    session_id: str
    base_url: str
    instance_ids: Sequence[str] = ()
    event_type: str = EventType.SCHEDULED
    overrides: Mapping[str, str] = field(default_factory=dict)

    def body(self, now: datetime) -> bytes:
        """The bytes as Aodh would send them at ``now``; ids are new each time."""
        payload, definitions = self._payload(now), list(TRAITS_DOCTOR)
        for name, value in self.overrides.items():
            _override(payload, definitions, name, value)
        made = traits(payload, definitions)
        message_id, alarm_id = str(uuid.uuid4()), str(uuid.uuid4())
        return encode(
            alarm_body(
                alarm_name="fenix-simulator-trigger",
                alarm_id=alarm_id,
                severity="low",
                previous=INSUFFICIENT_DATA,
                reason_query=[],
                message_id=message_id,
                event_type=self.event_type,
                generated=now,
                traits=made,
                message_signature=sign(uuid.uuid4().bytes, message_id, self.event_type, now, made),
            )
        )

    def _payload(self, now: datetime) -> dict[str, Any]:
        session, project = quote(self.session_id, safe=""), quote(self.project_id, safe="")
        link = f"{self.base_url.rstrip('/')}/v1/maintenance/{session}/{project}"
        report = self.state == AlarmState.INSTANCE_ACTION_DONE
        asked = self.state in [str(state) for state in ACTION_STATES]
        instance_ids = list(self.instance_ids) or ([str(uuid.uuid4())] if report else link)
        until = None if report else wire_time(now + REPLY_WINDOW)
        return {
            Trait.PROJECT_ID: self.project_id,
            Trait.INSTANCE_IDS: instance_ids,
            Trait.ALLOWED_ACTIONS: [str(action) for action in Action] if asked else [],
            Trait.STATE: self.state,
            Trait.ACTIONS_AT: until,
            Trait.REPLY_AT: until,
            Trait.SESSION_ID: self.session_id,
            Trait.METADATA: {},
            Trait.REPLY_URL: link,
        }


def bare_alarm(url: str, body: bytes, state: str, project_id: str | None = None) -> Alarm:
    """A trusted alarm without session or subscription, ready to be posted."""
    name = str(uuid.uuid4())
    return Alarm(
        key=name,
        alarm_id=name,
        url=url,
        notification=name,
        state=state,
        body=body,
        request_id=f"req-{uuid.uuid4()}",
        project_id=project_id,
        trusted=True,
    )


def _override(payload: dict[str, Any], definitions: list[TraitDefinition], name: str, value: str) -> None:
    """Set a trait where it stands, or at the end when it is a new one."""
    place = next((index for index, known in enumerate(definitions) if known.name == name), len(definitions))
    known = definitions[place] if place < len(definitions) else TraitDefinition(name)
    # A time that is none goes out as the text it is: that is what one wants to try.
    dtype = Dtype.DATETIME if name in [str(trait) for trait in _DATETIMES] and _is_time(value) else Dtype.TEXT
    definitions[place : place + 1] = [replace(known, dtype=dtype, of_publisher=False)]
    payload[name] = value or None


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
