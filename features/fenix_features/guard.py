"""Steps that cannot fail are refused: pytest-bdd calls an ``async def`` step and never awaits it, so it would pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest


def pytest_bdd_before_step(step_func: Callable[..., object]) -> None:
    """Fail where the step about to run is a coroutine function or an asynchronous generator."""
    function = inspect.unwrap(step_func)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        pytest.fail(
            f"the step {getattr(function, '__name__', function)} is asynchronous: nothing would run it", pytrace=False
        )
