"""The simulator's clock, moved by hand in scenarios with ``time="manual"``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fenix_pytest.control import Control, SimulatorRefused


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that time will bring: the end of a reply ``window``, or of work of the ``infrastructure``.

    ``due`` is None where that is as soon as no alarm is on its way (time ``auto``).
    """

    session_id: str
    kind: str
    due: datetime | None


class Clock:
    """Simulated time. It stands still until a test moves it; alarms, ``reply_at`` and reply windows go by it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def now(self) -> datetime:
        """The instant that it is in the simulator, aware UTC."""
        return datetime.fromisoformat(self._control.get("/clock")["now"])

    @property
    def waits(self) -> Sequence[Wait]:
        """What time will bring, the next first."""
        return tuple(
            Wait(one["session_id"], one["kind"], datetime.fromisoformat(one["due"]) if one["due"] else None)
            for one in self._control.get("/clock")["waits"]
        )

    def advance(self, by: str | timedelta) -> datetime:
        """Let time pass (``"90s"``, ``"1h30m"``, a timedelta): what it brings happens on the way, alarms are sent.
        Returns the new time. Raises SimulatorRefused where the clock is not manual."""
        return self._move(by=_text(by) if isinstance(by, timedelta) else by)

    def advance_to(self, instant: datetime) -> datetime:
        """Let time pass until that instant (aware)."""
        return self._move(to=instant.isoformat())

    def next(self) -> datetime:
        """Let time pass until the next thing that it brings; nothing happens where nothing is waited for."""
        return self._move(next=True)

    def _move(self, **goal: Any) -> datetime:
        try:
            return datetime.fromisoformat(self._control.post("/clock/advance", goal)["now"])
        except SimulatorRefused as error:
            if self._control.get("/clock")["mode"] == "manual":
                raise
            hint = 'mark the test with @pytest.mark.fenix_scenario(time="manual")'
            raise SimulatorRefused(f"this clock cannot be moved by hand: {hint}") from error


def _text(duration: timedelta) -> str:
    return f"{duration // timedelta(milliseconds=1)}ms"
