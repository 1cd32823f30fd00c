"""What Prometheus is told."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


def samples(client) -> dict[tuple[str, ...], float]:
    """Each sample's value by its name and the values of its labels."""
    text = client.get("/metrics").get_data(as_text=True)
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_surface_method_and_status(client):
    client.get("/v1/maintenance")
    client.get("/v1/maintenance")
    client.put("/v1/maintenance/s/p")
    client.open("/v1/maintenance", method="BREW")
    client.get("/simulator/v1/health")
    client.get("/nope")
    seen = samples(client)
    name = "fenix_http_requests_total"
    assert seen[name, "GET", "200", "admin"] == 2
    assert seen[name, "PUT", "404", "project"] == 1
    assert seen[name, "other", "405", "admin"] == 1
    assert seen[name, "GET", "200", "control"] == 1
    assert seen[name, "GET", "404", "other"] == 1
    assert samples(client)[name, "GET", "200", "metrics"] == 1


def test_sessions_deliveries_and_the_journal_are_told_as_they_stand(world):
    deliveries = Counter({"2xx": 3})
    client = world.client(delivery_counts=lambda: deliveries, version="1.2.3")
    session_id = world.session()
    before = samples(client)
    assert before["fenix_sessions", "MAINTENANCE"] == 1
    assert before["fenix_alarm_deliveries_total", "2xx"] == 3
    assert before["fenix_journal_entries_total",] == world.journal.last
    assert before["fenix_simulator_info", "1.2.3"] == 1
    deliveries["failed"] += 1
    client.put(f"/v1/maintenance/{session_id}/A", json={"state": "NACK_MAINTENANCE"})
    after = samples(client)
    assert after["fenix_sessions", "MAINTENANCE_FAILED"] == 1
    assert ("fenix_sessions", "MAINTENANCE") not in after
    assert after["fenix_alarm_deliveries_total", "failed"] == 1


def test_two_applications_count_apart(world):
    first, second = world.client(), world.client()
    first.get("/v1/maintenance")
    assert ("fenix_http_requests_total", "GET", "200", "admin") not in samples(second)


def test_the_process_is_measured(client):
    assert samples(client)["process_resident_memory_bytes",] > 0


def test_nothing_is_imported_for_metrics_before_somebody_looks():
    script = (
        "import sys, fenix_simulator.http.app as app; "
        "sys.exit(sorted({'prometheus_client', 'yaml', 'pydantic', 'faker'} & set(sys.modules)).__len__())"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode
        == 0
    )
