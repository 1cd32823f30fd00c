"""How alarms are delivered, as people write it: ``aodh`` or ``retry:5s,30s``."""

from __future__ import annotations

from fenix_simulator.durations import format_duration, parse_duration
from fenix_simulator.ports import DeliveryPolicy

_EXPECTED = "'aodh' (one attempt) or 'retry:' with pauses, like retry:5s,30s"


def parse_delivery(text: str) -> DeliveryPolicy:
    """The policy that ``text`` names. Raises ValueError with a sentence for people."""
    name, colon, pauses = text.strip().partition(":")
    if name == "aodh" and not colon:
        return DeliveryPolicy()
    if name != "retry" or not pauses.strip():
        raise ValueError(f"{text!r} is not {_EXPECTED}")
    return DeliveryPolicy("retry", tuple(parse_duration(pause) for pause in pauses.split(",")))


def format_delivery(policy: DeliveryPolicy) -> str:
    """The text that ``parse_delivery`` reads back."""
    return ":".join([policy.name, *([",".join(map(format_duration, policy.delays))] if policy.delays else [])])
