"""What the members of a scenario file are made of: durations, words, references; and how their errors read.

Every error is a ``PydanticCustomError`` or a ValueError whose message is a sentence without the member's name: the
loader puts file, line and member in front of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from fenix_contract.vocabulary import FINAL_STATES, REPLY_STATES, Action, AlarmState, State
from fenix_simulator.durations import format_duration, parse_duration
from fenix_simulator.inventory import Project
from fenix_simulator.scenario_errors import shorten

#: Whole numbers are no larger than every reader of JSON can hold.
_LARGEST = 2**53

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAX_PROJECT_ID = 128
#: The project id that the administrator's notifications have.
_ADMIN = "admin"
_BASE_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
#: Characters: of a trait's 255, origin, path, session and the longest project id leave so many.
MAX_BASE_PATH = 48

#: The type of errors that list what is allowed (``ctx["allowed"]``).
NOT_ALLOWED = "not_allowed"


class Part(BaseModel):
    """A mapping of the file: frozen, and no member but the ones it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def guess(value: Any, allowed: Sequence[str]) -> str:
    """``, did you mean X?`` where one of ``allowed`` is close, else nothing."""
    near = get_close_matches(str(value), allowed, n=1) or get_close_matches(str(value).upper(), allowed, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _word(words: list[StrEnum]) -> Callable[[Any], StrEnum]:
    allowed = [word.value for word in words]

    def parse(value: Any) -> StrEnum:
        if isinstance(value, str) and value in allowed:
            return words[allowed.index(value)]
        sentence = f"{shorten(value)} is not allowed{guess(value, allowed)}"
        raise PydanticCustomError(NOT_ALLOWED, "{sentence}", {"sentence": sentence, "allowed": allowed})

    return parse


def one_of(words: type[StrEnum] | tuple[StrEnum, ...]) -> BeforeValidator:
    """Takes one of ``words`` exactly as it is written on the wire."""
    return BeforeValidator(_word(list(words)))


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float):
        raise ValueError(f"{value!r} has no unit, write a duration like 90s, 20m, 1h30m or 250ms")
    if not isinstance(value, str):
        raise ValueError(f"{shorten(value)} is not a duration like 90s, 20m, 1h30m or 250ms")
    return parse_duration(value)


def _passing(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be longer than 0s")
    return value


def _selection(value: Any) -> Any:
    if value == "all":
        return value
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"must be all or a list of numbers and names, not {shorten(value)}")
    for item in value:
        _reference(item)
    return tuple(value)


def _reference(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 1):
        raise ValueError(f"{shorten(value)} is neither a number from 1 on nor a name")
    return value


def index_projects(projects: Sequence[Project]) -> dict[int | str, str]:
    """Every way to refer to a project (number from 1, name, id) and the id that it means."""
    index: dict[int | str, str] = {project.name: project.project_id for project in projects}
    index.update((project.project_id, project.project_id) for project in projects)
    index.update((number, project.project_id) for number, project in enumerate(projects, 1))
    return index


def _project_id(value: Any) -> str:
    if not isinstance(value, str):
        quotes = ": put it in quotes" if isinstance(value, int | float) else ""
        raise ValueError(f"must be text, not {shorten(value)}{quotes}")
    if not _PLAIN.fullmatch(value) or len(value) > _MAX_PROJECT_ID:
        raise ValueError(
            f"{shorten(value)} is no id of a project: at most {_MAX_PROJECT_ID} letters, digits and . _ -, "
            "of which the first is a letter or digit, because it stands in URLs"
        )
    if value == _ADMIN:
        raise ValueError(f"{value!r} is how alarms name the administrator: take another id")
    return value


def parse_base_path(value: Any) -> str:
    """A path that stands before ``/v1/maintenance`` in the URLs of alarms, without a slash at its end.

    It is short enough for every URL to fit into an alarm's trait. ValueError for anything else.
    """
    if not isinstance(value, str):
        raise ValueError(f"must be a path like /maintenance/7f3a, not {shorten(value)}")
    if not _BASE_PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError(
            f"{shorten(value)} is no path like /maintenance/7f3a: it begins with /, has no / at its end and no //, "
            "and between them letters, digits and . _ ~ -"
        )
    if len(value) > MAX_BASE_PATH:
        raise ValueError(f"must not be longer than {MAX_BASE_PATH} characters: a URL has to fit into an alarm's trait")
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be text or a number, not {shorten(value)}")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"must not be larger than {_LARGEST}")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration)]
#: A duration in which something can happen.
Window = Annotated[Duration, AfterValidator(_passing)]

ActionWord = Annotated[Action, one_of(Action)]
AlarmWord = Annotated[AlarmState, one_of(AlarmState)]
StateWord = Annotated[State, one_of(State)]
ReplyStateWord = Annotated[State, one_of(REPLY_STATES)]
FinalStateWord = Annotated[State, one_of(FINAL_STATES)]

Whole = Annotated[int, Field(strict=True, ge=0, le=_LARGEST)]
Positive = Annotated[int, Field(strict=True, ge=1, le=_LARGEST)]
#: Text of people: one line, nothing invisible.
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
#: What stands in a URL's path and in host lists without quoting.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
#: An id that is given to a project.
ProjectId = Annotated[str, BeforeValidator(_project_id)]
#: What stands before ``/v1/maintenance`` in alarms' URLs.
BasePath = Annotated[str, BeforeValidator(parse_base_path)]
#: A project or host: its number in the inventory, from 1, or its name (a project also by its id).
Reference = Annotated[int | str, BeforeValidator(_reference)]
#: A value that an alarm's trait can have.
Scalar = Annotated[int | float | str, BeforeValidator(_scalar)]
Selection = Annotated[Literal["all"] | tuple[int | str, ...], BeforeValidator(_selection)]
