"""Recorded data of real programs, one fixture value per record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parent / "reference"


def _read(name: str) -> Any:
    return json.loads((REFERENCE / name).read_text(encoding="utf-8"))


_ALARMS = [record for record in _read("aodh_alarms.json") if record.get("raw_request_body")]

_PUTS = [
    {"manager": manager, "case": record["case"], "path": request["path"], "body": json.loads(request["body"])}
    for manager, records in _read("vnfm_clients.json").items()
    for record in records
    for request in record["requests"]
    if request["method"] == "PUT"
]

_VNFM_ALARMS = _read("vnfm_clients.json")["doctor_sample"]


@pytest.fixture(params=_ALARMS, ids=lambda record: f"{record['event_definitions']}-{record['case']}")
def recorded_alarm(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What Fenix emitted (``fenix_payload``) and what Aodh then posted (``raw_request_body``)."""
    record: dict[str, Any] = request.param
    return record


@pytest.fixture(params=_PUTS, ids=lambda put: f"{put['manager']}-{put['case']}")
def recorded_put(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A reply that a real VNFM sent: ``manager``, ``case``, ``path`` and the JSON ``body``."""
    put: dict[str, Any] = request.param
    return put


@pytest.fixture(params=_VNFM_ALARMS, ids=lambda record: record["case"])
def alarm_to_vnfm(request: pytest.FixtureRequest) -> dict[str, Any]:
    """An alarm that was tried on real VNFMs, wrong and odd ones too: ``case`` and the object ``alarm``."""
    record: dict[str, Any] = request.param
    return record
