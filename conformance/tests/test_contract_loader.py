"""The contract's loader: finds the file, resolves schemas, costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fenix_contract
from fenix_contract import contract


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [
            *([node["$ref"]] if "$ref" in node else []),
            *(ref for value in node.values() for ref in references(value)),
        ]
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []


def test_contract_beside_the_module_comes_before_the_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "conformance" / "fenix_contract" / "contract.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(contract, "__file__", str(module))
    find = contract.contract_path.__wrapped__
    with pytest.raises(FileNotFoundError, match=r"openapi\.yaml"):
        find()
    in_checkout = tmp_path / "openapi.yaml"
    in_checkout.touch()
    assert find() == in_checkout
    in_wheel = module.with_name("openapi.yaml")
    in_wheel.touch()
    assert find() == in_wheel


def test_document_belongs_to_the_caller() -> None:
    contract.document()["paths"].clear()
    assert contract.PROJECT_PATH in contract.document()["paths"]


@pytest.mark.parametrize("name", sorted(contract.document()["components"]["schemas"]))
def test_schema_stands_on_its_own(name: str) -> None:
    schema = contract.schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert references(schema) == []
    contract.validator(name)


def test_unknown_schema_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        contract.schema("Nonsense")


def test_validator_is_compiled_once() -> None:
    assert contract.validator("Reply") is contract.validator("Reply")


def test_importing_loader_and_codec_imports_no_parser_and_no_validator() -> None:
    package_root = str(Path(fenix_contract.__file__).parents[1])
    script = (
        f"import sys; sys.path.insert(0, {package_root!r})\n"
        "import fenix_contract.contract, fenix_contract.alarm\n"
        "print(sorted({'yaml', 'jsonschema_rs', 'jsonschema', 'flask', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
