"""The list that a project had when it was asked the time before, as the journal and the cloud tell it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fenix_simulator.http.needs import Service
from fenix_simulator.ports import Filter, Recorded

_TOLD = "ProjectNotified"
_REMOVED = "InstanceRemoved"
_ADDED = "InstanceAdded"
_PAGE = 1_000


def earlier_list(service: Service, session_id: str, project_id: str) -> bytes | None:
    """``{"instance_ids": […]}`` of the ask before the present one; None where there was none, or it is forgotten."""
    told = list(_recorded(service, session_id, project_id))
    asks = [one for one in told if one.type == _TOLD and one.data["reply_at"] is not None]
    # The per-instance dialect asks about each instance: all that belong to one state are one ask.
    earlier = [one for one in asks if not _is_of(one, asks[-1])]
    if not earlier:
        return None
    last = [one for one in asks if _is_of(one, earlier[-1])]
    ids = [instance_id for one in last for instance_id in one.data["instance_ids"]]
    if not ids:  # it was about all that the project had
        since = [one for one in told if one.number > last[-1].number]
        added = {one.data["instance"]["instance_id"] for one in since if one.type == _ADDED}
        there = [view.instance_id for view in service.instances(project_id, None, session_id)]
        ids = [instance_id for instance_id in there if instance_id not in added]
        ids += [one.data["instance_id"] for one in since if one.type == _REMOVED]
    return json.dumps({"instance_ids": ids}).encode()


def _is_of(one: Recorded, ask: Recorded) -> bool:
    """Whether both belong to the same ask: the same question, with the same end."""
    return (one.data["state"], one.data["reply_at"]) == (ask.data["state"], ask.data["reply_at"])


def _recorded(service: Service, session_id: str, project_id: str) -> Iterator[Recorded]:
    only = Filter(frozenset({"event"}), frozenset({_TOLD, _REMOVED, _ADDED}), session_id)
    after = 0
    while page := service.journal.read(after, _PAGE, only):
        yield from (one for one in page if one.data.get("instance", one.data)["project_id"] == project_id)
        after = page[-1].number
