"""What a run against a server is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Where the server is and how patiently it is judged. Durations are seconds.

    ``url`` is the root under which ``/v1/maintenance`` lies. ``aodh_url`` is where ``/v2/alarms`` lies. ``projects``
    are played by the suite; without any, the server's own are found by a first session. ``session`` is set when
    nothing may be started. ``reply_window`` counts where an alarm's ``reply_at`` does not tell (None: 60 s are
    assumed); ``max_wait`` caps every single wait. ``lead`` is how far ahead ``maintenance_at`` is set at least.
    ``listen`` is the address of the suite's own alarm receiver.
    """

    url: str
    aodh_url: str = ""
    projects: tuple[str, ...] = ()
    session: str | None = None
    token: str | None = None
    reply_window: float | None = None
    max_wait: float = 120.0
    lead: float = 0.25
    seed: int = 1
    listen: str = "127.0.0.1"

    @property
    def window(self) -> float:
        """The reply window where an alarm does not tell it."""
        return 60.0 if self.reply_window is None else self.reply_window

    @property
    def root(self) -> str:
        """``url`` without the slash at its end."""
        return self.url.rstrip("/")

    @property
    def alarm_root(self) -> str:
        """Where Aodh's alarm API lies, without the slash at its end."""
        return (self.aodh_url or self.url).rstrip("/")
