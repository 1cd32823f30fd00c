"""Reading a scenario's YAML so that every value still knows its line, and so that no file does harm.

Scenario files are passed around, so they are not trusted: the size and the nesting are bounded, aliases are refused (a
few lines of them unfold to gigabytes), and only plain YAML types are built. Members that come twice are refused too:
YAML libraries silently keep the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

import yaml
from yaml.constructor import SafeConstructor

from fenix_simulator.scenario_errors import Place, Problem, ScenarioError, path_of, shorten

#: Bytes of a file; an inventory of 10,000 instances that lists each one is about 1 MB.
MAX_BYTES = 2_000_000
#: Levels of nesting; a scenario needs five.
MAX_DEPTH = 12

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: plain data, and where in the file each member is."""

    file: str
    text: str
    data: Any
    node: yaml.Node

    def line_of(self, location: Place) -> int:
        """The line of the member at ``location``, or of the nearest thing around it that the file has."""
        node, line = self.node, _line(self.node)
        for part in location:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return line

    def problem(self, location: Place, message: str, allowed: Sequence[str] = ()) -> Problem:
        """A problem with the member at ``location``."""
        return Problem(self.file, self.line_of(location), path_of(location), message, tuple(allowed))


def read_document(file: str, raw: bytes) -> Document:
    """The one YAML mapping that ``raw`` holds. Raises ScenarioError, which names ``file`` and the line."""
    if len(raw) > MAX_BYTES:
        _fail(file, 0, f"the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _fail(file, raw[: error.start].count(b"\n") + 1, "not UTF-8 text")
    try:
        _guard(file, text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _fail(file, mark.line + 1 if mark else 0, f"not YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError as error:
        _fail(file, text.count("\n", 0, error.position) + 1, f"not YAML: the character {error.character!r}")
    if not isinstance(node, yaml.MappingNode):
        _fail(file, 1, "a scenario is a mapping that begins with version: 1")
    return Document(file, text, _build(file, node), node)


def _guard(file: str, text: str) -> None:
    """Refuse what must not even be composed: aliases and deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            _fail(file, _line(event), f"aliases (*{event.anchor}) are not taken: write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                _fail(file, _line(event), f"nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(file: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(file, node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(file, item) for item in node.value]
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - YAML has no fourth kind of node
    try:
        match node.tag.removeprefix(_PREFIX):
            case "str" | "timestamp":
                return str(node.value)
            case "null":
                return None
            case "bool":
                return SafeConstructor().construct_yaml_bool(node)
            case "int" if ":" in node.value:  # YAML 1.1 reads 1:30 as 90
                return str(node.value)
            case "int":
                return SafeConstructor().construct_yaml_int(node)
            case "float":
                return SafeConstructor().construct_yaml_float(node)
    except ValueError:
        _fail(file, _line(node), f"{shorten(node.value)} is no number")
    return _fail(file, _line(node), f"{shorten(node.value)} is not a plain value: leave its tag out")


def _build_mapping(file: str, node: yaml.MappingNode) -> Mapping[str, Any]:
    built: dict[str, Any] = {}
    for key, value in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            _fail(file, line, "a member's name must be plain text")
        if key.value in built:
            _fail(file, line, f"the member {shorten(key.value)} is there twice")
        built[key.value] = _build(file, value)
    return built


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((_line(key), value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return _line(item), item
    return None


def _line(part: yaml.Node | yaml.Event) -> int:
    return int(part.start_mark.line) + 1 if part.start_mark else 0


def _fail(file: str, line: int, message: str) -> Never:
    raise ScenarioError([Problem(file, line, "", message)])
