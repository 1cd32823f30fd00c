"""Which error becomes which status, and the limits that no client meets by accident."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import fenix_simulator
from fenix_simulator.domain.errors import MaintenanceError, UnknownHost
from fenix_simulator.http.problems import STATUS, status_of


def test_every_error_of_the_surfaces_has_a_status():
    """Those of the modules that a request can reach; what only commands raise has none."""
    for name in ("domain.errors", "subscriptions", "control", "adapters.target_guard", "adapters.journal_json"):
        module = importlib.import_module(f"fenix_simulator.{name}")
        for error in vars(module).values():
            if isinstance(error, type) and issubclass(error, MaintenanceError):
                assert error.__name__ in STATUS


def test_every_status_belongs_to_an_error():
    found = {"MaintenanceError"}
    for module in pkgutil.walk_packages(fenix_simulator.__path__, "fenix_simulator."):
        if ".commands" not in module.name and not module.name.endswith((".cli", ".__main__")):
            found |= set(vars(importlib.import_module(module.name)))
    assert set(STATUS) <= found


def test_an_error_without_a_status_has_that_of_the_class_above():
    class Odd(UnknownHost):
        pass

    assert status_of(Odd("odd")) == status_of(UnknownHost("odd")) == 422


LIMITS = [
    ({}, {"path": "/v1/maintenance?" + "x" * 8_200}, 414),
    ({}, {"path": "/v1/maintenance/" + "x" * 8_200}, 414),
    ({"max_url_chars": 20}, {"path": "/v1/maintenance"}, 200),
    ({"max_url_chars": 20}, {"path": "/v1/maintenance/abcdef"}, 414),
    ({}, {"headers": {f"X-{number}": "1" for number in range(101)}}, 431),
    ({}, {"headers": {f"X-{number}": "1" for number in range(90)}}, 200),
    ({"max_body_bytes": 2}, {"method": "POST", "data": b"{ }", "content_type": "application/json"}, 413),
    ({"max_body_bytes": 2}, {"method": "POST", "data": b"{}", "content_type": "application/json"}, 200),
]


@pytest.mark.parametrize(("config", "request_", "status"), LIMITS)
def test_limits_are_told_clearly(world, config, request_, status):
    answer = world.client(**config).open(**{"path": "/v1/maintenance", **request_})
    assert answer.status_code == status
    if status != 200:
        document = answer.get_json()
        assert (answer.content_type, document["status"]) == ("application/problem+json", status)
        assert document.get("expected") or document.get("hint")


def test_a_problem_repeats_no_more_than_the_path(client):
    answer = client.get("/nope/%0d%0aX-Injected:%20yes")
    assert answer.status_code == 404
    assert "X-Injected" not in answer.headers


def test_an_options_answer_has_no_body(client):
    answer = client.options("/v1/maintenance")
    assert (answer.status_code, answer.data, answer.headers["Allow"]) == (200, b"", "GET, HEAD, OPTIONS, POST")
