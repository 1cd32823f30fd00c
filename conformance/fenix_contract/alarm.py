"""The codec of Aodh's event alarms: the bytes that a project manager's URL is sent, and what they say.

Encoding goes the way a notification goes in OpenStack: Ceilometer makes traits of its payload (``traits``), Aodh wraps
the event in an alarm (``alarm_body``) and posts it as JSON (``encode``). ``decode`` reads such a body back.
Both use the standard library only. Source of every rule: bodies recorded from the real programs.
"""

from fenix_contract.alarm_decode import AlarmError, AlarmMessage, TraitValue, decode
from fenix_contract.alarm_encode import (
    TEXT_LENGTH,
    TRAITS_DOCTOR,
    TRAITS_HOST,
    TRAITS_TACKER,
    Dtype,
    Notification,
    TraitDefinition,
    alarm_body,
    encode,
    traits,
)

__all__ = [
    "TEXT_LENGTH",
    "TRAITS_DOCTOR",
    "TRAITS_HOST",
    "TRAITS_TACKER",
    "AlarmError",
    "AlarmMessage",
    "Dtype",
    "Notification",
    "TraitDefinition",
    "TraitValue",
    "alarm_body",
    "decode",
    "encode",
    "traits",
]
