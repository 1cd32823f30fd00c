"""Strangers' text is shown, and steers nothing; JSON is laid out, and stays what it is."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_conformance.reports.escaping import one_line, visible, well_formed
from fenix_conformance.reports.markup import Markup, element
from fenix_conformance.reports.pretty import pretty

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcödé, 試験 \N{GRINNING FACE}", "plain, ünïcödé, 試験 \N{GRINNING FACE}"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("one\r\ntwo", "one\\x0d\ntwo"),
        ("\x00\x7f\x85\x9b", "\\x00\\x7f\\x85\\x9b"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("\u2028\u2066\ufeff\ufffe\uffff", "\\u2028\\u2066\\ufeff\\ufffe\\uffff"),
        ("\ud800 \udfff", "\\ud800 \\udfff"),
    ],
)
def test_what_cannot_be_seen_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_line_is_one_line() -> None:
    assert one_line(" a\n\tb  c\r\n ") == "a b c\\x0d"


def test_well_formed_touches_lone_surrogates_only() -> None:
    assert well_formed("\x1b\u202e\ud834\n") == "\x1b\u202e\\ud834\n"


def test_an_element_escapes_its_text_and_attributes_but_not_markup() -> None:
    made = element("p", "<b>&", element("i", "x"), None, title='"<>', hidden=True, data_a="1", class_=None)
    assert made == '<p title="&quot;&lt;&gt;" hidden data-a="1">&lt;b&gt;&amp;<i>x</i></p>'
    assert isinstance(made, Markup)


@given(JSON)
def test_pretty_json_has_the_same_value(value: object) -> None:
    assert json.loads(pretty(json.dumps(value))) == value
    assert json.loads(pretty(json.dumps(value, ensure_ascii=False, separators=(",", ":")))) == value


def test_pretty_json_keeps_every_character_of_its_values() -> None:
    text = '{"n":1.50e+01,"u":"\\u00e9","twice":1,"twice":2,"deep":[[1,2],{"a":[]}], "long":"' + "x" * 90 + '"}'
    assert re.sub(r"\s", "", pretty(text)) == re.sub(r"\s", "", text)


def test_pretty_json_keeps_a_trait_on_one_line() -> None:
    trait = ["instance_ids", 1, "http://127.0.0.1:12347/v1/maintenance/" + "0" * 80]
    assert json.dumps(trait) in pretty(json.dumps({"traits": [trait, trait, trait, trait]}))


@pytest.mark.parametrize("text", ["", "not JSON", "{", "[1,", "[" * 100_000, "[" * 60 + "]" * 60, "1" * 10_000])
def test_pretty_leaves_alone_what_is_no_json_or_too_deep(text: str) -> None:
    assert pretty(text) == text
