"""The contract as a document: valid, complete in its answers, and true in its examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from fenix_contract import contract
from fenix_contract.alarm import AlarmMessage, decode

DOCUMENT = contract.document()
OPERATIONS = DOCUMENT["paths"][contract.PROJECT_PATH]
PROBLEM = "application/problem+json"

ANSWERS_TO_BOTH = {"200", "400", "401", "403", "404", "405", "413", "414", "431", "503"}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The node itself, or the component that it refers to."""
    if "$ref" not in node:
        return node
    target: dict[str, Any] = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target


def responses() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method in ("get", "put"):
        for status, response in OPERATIONS[method]["responses"].items():
            yield method, status, resolved(response)


def media_types() -> Iterator[tuple[str, dict[str, Any]]]:
    for method, status, response in responses():
        for media_type in response["content"].values():
            yield f"{method}-{status}", media_type
    yield "put-request", OPERATIONS["put"]["requestBody"]["content"]["application/json"]
    for name, hook in DOCUMENT["webhooks"].items():
        yield name, hook["post"]["requestBody"]["content"]["application/json"]


EXAMPLES = [
    pytest.param(media_type["schema"]["$ref"].rsplit("/", 1)[1], resolved(example)["value"], id=f"{place}-{name}")
    for place, media_type in media_types()
    for name, example in media_type["examples"].items()
]


def test_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_only_the_two_endpoints_are_described_on_one_path() -> None:
    assert set(DOCUMENT["paths"]) == {contract.PROJECT_PATH}
    assert {method for method in OPERATIONS if method != "parameters"} == {"get", "put"}
    assert OPERATIONS["get"]["operationId"] == "listInstances"
    assert OPERATIONS["put"]["operationId"] == "replyToState"


def test_list_takes_no_body() -> None:
    assert "requestBody" not in OPERATIONS["get"]


def test_reply_is_json_and_required() -> None:
    body = OPERATIONS["put"]["requestBody"]
    assert body["required"] is True
    assert set(body["content"]) == {"application/json"}


@pytest.mark.parametrize("method", ["get", "put"])
def test_every_status_that_is_answered_is_described(method: str) -> None:
    expected = ANSWERS_TO_BOTH | ({"409", "415", "422"} if method == "put" else set())
    assert set(OPERATIONS[method]["responses"]) == expected


def test_answers_are_json_and_refusals_are_problem_documents() -> None:
    for method, status, response in responses():
        assert set(response["content"]) == ({"application/json"} if status == "200" else {PROBLEM}), (method, status)
        for example in response["content"].get(PROBLEM, {}).get("examples", {}).values():
            assert str(resolved(example)["value"]["status"]) == status


@pytest.mark.parametrize("header", [("405", "Allow"), ("401", "WWW-Authenticate")])
def test_headers_that_http_demands_are_required(header: tuple[str, str]) -> None:
    status, name = header
    for method in ("get", "put"):
        assert resolved(OPERATIONS[method]["responses"][status])["headers"][name]["required"] is True


def test_list_links_to_the_reply_of_the_same_session_and_project() -> None:
    link = OPERATIONS["get"]["responses"]["200"]["links"]["reply"]
    assert link["operationId"] == OPERATIONS["put"]["operationId"]
    assert link["parameters"] == {
        "session_id": "$request.path.session_id",
        "project_id": "$request.path.project_id",
    }


def test_path_parameters_are_opaque_segments() -> None:
    for parameter in map(resolved, OPERATIONS["parameters"]):
        assert parameter["in"] == "path"
        assert parameter["schema"] == {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^/]+$"}


def test_tokens_are_optional_and_alarms_have_none() -> None:
    assert {} in DOCUMENT["security"]
    assert all(hook["post"]["security"] == [] for hook in DOCUMENT["webhooks"].values())


def test_no_server_of_somebody_is_named() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == ["http://127.0.0.1:8919"]


def test_every_body_has_more_than_one_example() -> None:
    for place in ("get-200", "put-200", "put-request", "alarm", "hostAlarm"):
        assert len(dict(media_types())[place]["examples"]) > 1, place


def test_every_example_is_used() -> None:
    used = {
        example["$ref"].rsplit("/", 1)[1]
        for _, media_type in media_types()
        for example in media_type["examples"].values()
    }
    assert used == set(DOCUMENT["components"]["examples"])


@pytest.mark.parametrize(("schema", "value"), EXAMPLES)
def test_example_fits_its_schema(schema: str, value: Any) -> None:
    contract.validator(schema).validate(value)


@pytest.mark.parametrize("name", ["session_id", "project_id", "request_id"])
def test_parameter_example_fits_its_schema(name: str) -> None:
    from jsonschema_rs import Draft202012Validator

    parameter = DOCUMENT["components"]["parameters"][name]
    Draft202012Validator(parameter["schema"]).validate(parameter["example"])


@pytest.mark.parametrize(("schema", "value"), [case for case in EXAMPLES if case.values[0] in ("Alarm", "HostAlarm")])
def test_alarm_example_says_what_a_receiver_needs(schema: str, value: Any) -> None:
    message = decode(value)
    assert isinstance(message, AlarmMessage)
    assert message.missing == ()
    assert value["reason_data"]["event"]["message_id"] in value["reason"]
