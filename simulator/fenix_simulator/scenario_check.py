"""From what pydantic found to lines for people: where it is in the file, what it is, what would be right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fenix_simulator.scenario_errors import Finding, Place, shorten
from fenix_simulator.scenario_types import NOT_ALLOWED, guess

Model = type[BaseModel]

#: pydantic's type of an error → our sentence; the context's members and ``input`` may stand in it.
_SENTENCES = {
    "missing": "is missing",
    "int_type": "must be a whole number, not {input}",
    "float_type": "must be a number, not {input}",
    "bool_type": "must be true or false, not {input}",
    "string_type": "must be text, not {input}{quotes}",
    "string_pattern_mismatch": "{input} has characters that are not taken here",
    "string_too_short": "must not be empty",
    "string_too_long": "must not be longer than {max_length} characters",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "model_type": "must be a mapping, not {input}",
    "mapping_type": "must be a mapping, not {input}",
    "dict_type": "must be a mapping, not {input}",
    "tuple_type": "must be a list, not {input}",
    "too_short": "must have at least {min_length}",
    "too_long": "must have at most {max_length}",
    "literal_error": "must be {expected}, not {input}",
}


def translate(model: Model, error: ValidationError) -> Iterator[Finding]:
    """What is wrong, with its place in the data that was validated."""
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_is_below(other["loc"], detail["loc"]) for other in details):
            continue  # the list is short because an item of it was bad: pydantic reports both
        place, around = _locate(model, detail["loc"])
        yield place, *_say(detail, around)


def _is_below(inner: Sequence[str | int], outer: Sequence[str | int]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _say(detail: ErrorDetails, around: Sequence[Model]) -> tuple[str, list[str]]:
    context: dict[str, Any] = detail.get("ctx", {})
    if detail["type"] == "extra_forbidden":
        return _unknown_member(str(detail["loc"][-1]), around)
    if detail["type"] == NOT_ALLOWED:
        return str(context["sentence"]), list(context["allowed"])
    if detail["type"] == "value_error":
        return str(context["error"]), []
    sentence = _SENTENCES.get(detail["type"])
    if sentence is None:
        return detail["msg"][:1].lower() + detail["msg"][1:], []
    quotes = ": put it in quotes" if isinstance(detail["input"], int | float) else ""
    return sentence.format(**{**context, "input": shorten(detail["input"]), "quotes": quotes}), []


def _unknown_member(name: str, around: Sequence[Model]) -> tuple[str, list[str]]:
    known = sorted({field for model in around for field in model.model_fields})
    return f"is not a member here{guess(name, known)}", known


def _locate(model: Model, location: Place) -> tuple[Place, list[Model]]:
    """The place in the file that pydantic's location means, and the models of the mapping that it is a member of.

    pydantic puts more into a location than the data has: the tag of the kind of inventory, and ``[key]`` behind a
    mapping's key that is wrong.
    """
    place: list[str | int] = []
    around, inside = [model], [model]
    for part in location:
        chosen = [candidate for candidate in inside if candidate.__name__ == part]
        if chosen:
            inside = chosen
            continue
        around = inside
        fields = [candidate.model_fields[str(part)] for candidate in inside if str(part) in candidate.model_fields]
        if fields:
            inside = [found for field in fields for found in _models(field.annotation)]
        if part != "[key]":
            place.append(part)
    return tuple(place), around


def _models(annotation: Any) -> Iterator[Model]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
