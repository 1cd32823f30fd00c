"""The tags of the scenarios: which requirements a flow touches, and what it needs beside a Fenix server."""

from __future__ import annotations

from collections.abc import Mapping

#: Requirements on a Fenix server, by id.
SERVER = frozenset(
    {
        "list-shape",
        "list-json",
        "list-scoped",
        "list-current-state",
        "list-stable",
        "list-both-paths",
        "list-unknown",
        "list-prompt",
        "reply-200",
        "reply-needed",
        "reply-all",
        "reply-advances",
        "reply-nack",
        "reply-other-state",
        "reply-malformed",
        "reply-unknown",
        "reply-foreign-instance",
        "reply-action-allowed",
        "reply-repeat",
        "reply-extra-members",
        "reply-concurrent",
        "reply-silence",
        "sessions-independent",
        "methods",
        "alarm-format",
        "alarm-traits",
        "alarm-length",
        "alarm-link",
        "alarm-addressed",
        "alarm-actions",
        "alarm-deadline",
        "flow-order",
        "flow-every-instance",
        "flow-once",
        "flow-complete",
        "action-done",
        "default-behaviour",
        "ids-opaque",
    }
)

#: Requirements on a VNFM, by id.
VNFM = frozenset(
    {
        "alarm-accepted",
        "alarm-prompt",
        "list-fetched",
        "list-fresh",
        "reply-sent",
        "reply-in-time",
        "reply-state",
        "reply-url",
        "reply-valid",
        "reply-once",
        "actions-cover",
        "actions-allowed",
        "actions-own",
        "own-action-done",
        "scale-in-done",
        "scale-out",
        "done-silent",
        "retry",
        "duplicate-alarm",
        "unknown-tolerated",
        "sessions-apart",
        "late-alarm",
        "nack-honest",
    }
)

REQUIREMENTS = SERVER | VNFM

#: What a scenario needs that not every server has: tag → why it cannot be played on a server that was started by
#: somebody else.
NEEDS: Mapping[str, str] = {
    "restart": "it kills the server and starts it again",
    "own-cloud": "it lays out the cloud or the server's options itself",
    "control-api": "it looks at the cloud, or changes it, through the simulator's control API",
}

#: Can be played on any server, where it is given a second project.
TWO_PROJECTS = "two-projects"


def markers() -> list[str]:
    """Every tag as a line that registers a pytest mark."""
    lines = [f"{tag}: a requirement on a Fenix server" for tag in sorted(SERVER)]
    lines += [f"{tag}: a requirement on a VNFM" for tag in sorted(VNFM)]
    lines += [f"{tag}: {why}" for tag, why in NEEDS.items()]
    return [*lines, f"{TWO_PROJECTS}: two projects take part"]


def hindrance(tags: frozenset[str], projects: int) -> str | None:
    """Why a scenario with these tags cannot be played on a foreign server with so many projects, or None."""
    for tag, why in NEEDS.items():
        if tag in tags:
            return f"@{tag}: {why}"
    if TWO_PROJECTS in tags and projects < 2:
        return f"@{TWO_PROJECTS}: two projects take part, give --project twice"
    return None
