"""Durations and delivery policies as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.delivery import format_delivery, parse_delivery
from fenix_simulator.durations import format_duration, parse_duration
from fenix_simulator.ports import DeliveryPolicy


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("20m", 1200),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("1.5s", 1.5),
        ("2d", 172_800),
        ("1d2h3m4s5ms", 93_784.005),
        ("0s", 0),
        (" 5M ", 300),
        ("0.5h", 1800),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "90",
        "s",
        "-5s",
        "+5s",
        "5 s",
        "30m1h",
        "5s5s",
        "1:30",
        "5min",
        "1e3s",
        "\u0663s",
        "5.s",
        ".5s",
        "9" * 20 + "d",
        "1.0000001s",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("is not a duration like 90s, 20m, 1h30m or 250ms")):
        parse_duration(text)


def test_a_duration_longer_than_a_century_is_refused() -> None:
    assert parse_duration("36500d") == timedelta(days=36_500)
    for text in ("36500d1ms", "999999999d", "999999999h"):
        with pytest.raises(ValueError, match=f"'{text}' is longer than 36500d"):
            parse_duration(text)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=36_500)))
def test_a_duration_that_was_written_reads_back(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(minutes=90), "1h30m"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(milliseconds=250), "250ms"),
        (timedelta(microseconds=1500), "1.5ms"),
        (timedelta(seconds=1.5), "1.5s"),
        (timedelta(), "0s"),
    ],
)
def test_durations_are_written_short(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


def test_a_negative_duration_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("aodh", DeliveryPolicy()),
        ("retry:5s,30s", DeliveryPolicy("retry", (timedelta(seconds=5), timedelta(seconds=30)))),
        ("retry:250ms", DeliveryPolicy("retry", (timedelta(milliseconds=250),))),
    ],
)
def test_a_delivery_policy_reads_and_reads_back(text: str, policy: DeliveryPolicy) -> None:
    assert parse_delivery(text) == policy
    assert format_delivery(policy) == text


@pytest.mark.parametrize("text", ["", "retry", "retry:", "aodh:5s", "often", "retry:5", "retry:5s,"])
def test_what_is_no_delivery_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"retry:|duration"):
        parse_delivery(text)
