"""The pure parts: latencies, settings, limits."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_loadtest.histogram import Histogram
from fenix_loadtest.recorder import Recorder
from fenix_loadtest.settings import OPTIONS, Mix, Settings, mix_of, origin_of, starts
from fenix_loadtest.thresholds import failures_threshold, judge, latency_threshold, milliseconds

latencies = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=200)


@given(latencies, st.floats(0.01, 1.0))
def test_a_percentile_is_exact_to_one_percent(values, share):
    """By nearest rank, and never more than the largest."""
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(1, -int(-(share * len(values)) // 1)) - 1]
    assert histogram.percentile(share) == pytest.approx(exact, rel=0.011)
    assert exact * (1 - 1e-9) <= histogram.percentile(share) <= max(values)


@given(latencies, latencies)
def test_merged_counts_are_those_of_all(first, second):
    """Whatever process they were counted in, and over the wire."""
    parts = []
    for values in (first, second):
        part = Recorder()
        for value in values:
            part.add("GET list", value, "answered 500" if value > 1 else None)
        parts.append(msgspec.msgpack.decode(msgspec.msgpack.encode(part.as_plain())))
    merged, whole = Recorder(), Recorder()
    for plain in parts:
        merged.merge_plain(plain)
    for value in first + second:
        whole.add("GET list", value, "answered 500" if value > 1 else None)
    assert merged.of("GET list").latencies.counts == whole.of("GET list").latencies.counts
    assert (merged.requests, merged.failures) == (whole.requests, whole.failures)
    assert merged.total().latencies.largest == max(first + second)


def test_nothing_counted_has_no_percentile():
    """And reads so."""
    assert Histogram().percentile(0.5) is None
    assert milliseconds(None) == "-"


def test_errors_are_bounded():
    """A server that says something new each time fills no memory."""
    recorder = Recorder()
    for number in range(1000):
        recorder.add("GET list", 0.1, f"error {number}")
    assert recorder.failures == 1000
    assert len(recorder.of("GET list").errors) == 51


@pytest.mark.parametrize(
    ("text", "mix"),
    [("list=8,reply=1", Mix(8, 1)), ("reply=3", Mix(0, 3)), (" list=1 , reply=0", Mix(1, 0)), ("wave", Mix(0, 0))],
)
def test_mixes(text, mix):
    """A kind that is left out has no weight."""
    assert mix_of(text) == mix


@pytest.mark.parametrize(
    "text", ["", "list", "list=", "list=-1", "get=1", "list=1,list=2", "list=0,reply=0", "list=1.5"]
)
def test_what_is_no_mix(text):
    """One line that says what is."""
    with pytest.raises(ValueError, match=r"list=8,reply=1|say wave"):
        mix_of(text)


@pytest.mark.parametrize("text", ["", "h", "ftp://h", "http://", "http://h:x", "http://h?a", "http://h:99999"])
def test_what_is_no_url(text):
    """One line that says what is."""
    with pytest.raises(ValueError, match="is not an http or https URL"):
        origin_of(text)


def test_a_mix_picks_by_weight():
    """Eight lists to one reply."""
    rng = random.Random(1)
    picks = [Mix(8, 1).pick(rng) for _ in range(9000)]
    assert 850 < picks.count("reply") < 1150


def test_even_arrivals():
    """Every so many milliseconds."""
    assert list(itertools.islice(starts(4, "even", random.Random(0)), 5)) == [0, 0.25, 0.5, 0.75, 1.0]


def test_poisson_arrivals():
    """The same rate on the whole, in a random order that the seed decides."""
    first, second = (list(itertools.islice(starts(100, "poisson", random.Random(7)), 5000)) for _ in range(2))
    assert first == second == sorted(first)
    assert first[-1] == pytest.approx(50, rel=0.1)


def test_defaults_of_flags_and_of_the_settings_agree():
    """A run without flags is the run that ``Settings()`` says."""
    assert Settings.of_options({option.name: option.default for option in OPTIONS} | {"report": None}) == Settings()


@pytest.mark.parametrize("text", ["", "x", "50", "=50ms", "GET list=", "-1s"])
def test_what_is_no_limit_of_latency(text):
    """Refused when it is read."""
    with pytest.raises(ValueError, match=r"is not a duration|names nothing"):
        latency_threshold("p95", text)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "101%", "1.%", "%"])
def test_what_is_no_limit_of_failures(text):
    """Refused when it is read."""
    with pytest.raises(ValueError, match="failures"):
        failures_threshold(text)


def rows(threshold):
    recorder = Recorder()
    for number in range(100):
        recorder.add("GET list", 0.010)
        recorder.add("PUT reply", 0.030, "answered 409" if number < 3 else None)
    return [(row.threshold, row.limit, row.actual, row.held) for row in judge(threshold, recorder)]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (latency_threshold("p95", "20ms"), [("p95 of GET list", True), ("p95 of PUT reply", False)]),
        (latency_threshold("p99", "PUT reply=1s"), [("p99 of PUT reply", True)]),
        (latency_threshold("p99", "PUT rely=1s"), [("p99 of PUT rely", False)]),
        (failures_threshold("0"), [("failures", False)]),
        (failures_threshold("3"), [("failures", True)]),
        (failures_threshold("1%"), [("failures", False)]),
        (failures_threshold("1.5%"), [("failures", True)]),
    ],
)
def test_verdicts(threshold, expected):
    """For each name by itself, unless one is named; what was never measured does not hold."""
    assert [(name, held) for name, _, _, held in rows(threshold)] == expected


def test_a_verdict_says_limit_and_actual():
    """In the same units."""
    assert rows(failures_threshold("1%")) == [("failures", "1%", "1.5%", False)]
    assert rows(latency_threshold("p95", "GET list=20ms")) == [("p95 of GET list", "20 ms", "10 ms", True)]
