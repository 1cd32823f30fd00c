"""Loads ``openapi.yaml``, the one contract of both ends, and compiles its schemas.

Importing costs next to nothing: the YAML parser and the validator are imported by the first call that needs them.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

#: The path of the two endpoints, as ``openapi.yaml`` has it; it is served with a ``/`` at its end too.
PROJECT_PATH = "/v1/maintenance/{session_id}/{project_id}"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCHEMAS = "#/components/schemas/"


@cache
def contract_path() -> Path:
    """Where the contract lies: beside this module in an installed wheel, at the root in a checkout.

    Raises FileNotFoundError where it is in neither place.
    """
    module = Path(__file__).resolve()
    places = (module.with_name("openapi.yaml"), module.parents[2] / "openapi.yaml")
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"openapi.yaml is neither {places[0]} nor {places[1]}: the installation is broken")


def document() -> dict[str, Any]:
    """The whole contract. It is parsed once; each caller gets a copy of its own to change."""
    return deepcopy(_parsed())


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (2020-12) of ``components/schemas/<name>`` on its own: every ``$ref`` is replaced by its target.

    Raises KeyError where the contract has no schema of that name.
    """
    return {"$schema": _DIALECT, **_resolve({"$ref": _SCHEMAS + name})}


@cache
def validator(name: str) -> Draft202012Validator:
    """The compiled validator of ``components/schemas/<name>``; formats are annotations and not checked.

    Raises KeyError where the contract has no schema of that name.
    """
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(schema(name))


@cache
def _parsed() -> dict[str, Any]:
    import yaml

    # The C loader is ten times as fast; PyYAML has it only where libyaml was there when it was built.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with contract_path().open("rb") as stream:
        parsed: dict[str, Any] = yaml.load(stream, Loader=loader)  # noqa: S506 (both loaders are safe ones)
    return parsed


def _resolve(node: Any) -> Any:
    """A copy of ``node`` with the target in the place of each reference; the contract's schemas never recur."""
    if isinstance(node, list):
        return [_resolve(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _resolve(value) for key, value in node.items()}
    target = _resolve(_parsed()["components"]["schemas"][node["$ref"].removeprefix(_SCHEMAS)])
    beside = {key: _resolve(value) for key, value in node.items() if key != "$ref"}
    return {"allOf": [target], **beside} if beside else target
