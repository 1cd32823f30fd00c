"""Reading Python literals in alarms while other threads parse Python too."""

from __future__ import annotations

import ast

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import Trait


def test_a_reading_that_cpython_breaks_off_is_tried_again(monkeypatch):
    """CPython 3.11 may raise SystemError when two threads parse at once; the text is right all the same."""
    read, failures = ast.literal_eval, [SystemError("AST constructor recursion depth mismatch")] * 2

    def literal_eval(text):
        if failures:
            raise failures.pop()
        return read(text)

    monkeypatch.setattr(ast, "literal_eval", literal_eval)
    message = AlarmMessage("maintenance.scheduled", {Trait.ALLOWED_ACTIONS: "['MIGRATE', 'OWN_ACTION']"})
    assert message.allowed_actions == ("MIGRATE", "OWN_ACTION")
