"""Benchmarks: which rounds count, their ratios, when a server is warm, and how results come into the document."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from fenix_benchmarks import report, rounds  # isort: skip
from generator import Figures  # isort: skip

RATES = st.floats(1, 1e6)


def figures(rate: float = 100.0, *, refused: int = 0, failed: int = 0, generator: float = 0.5, cpu: float | None = 10):
    return Figures(rate=rate, p99=1.0, cpu=cpu, refused=refused, failed=failed, generator=generator)


def told(*rates: float | None) -> list[rounds.Round]:
    return [rounds.Round(None, "no") if rate is None else rounds.judged(figures(rate)) for rate in rates]


def raising(error: Exception):
    def measure():
        raise error

    return measure


@pytest.mark.parametrize(
    ("given", "void"),
    [
        (figures(), None),
        (figures(generator=0.9), None),
        (figures(generator=0.91), "the generator used 91% of its core"),
        (figures(refused=1), "1 answers were errors"),
        (figures(failed=2, refused=1), "2 requests failed"),
        (figures(0), "nothing was answered"),
    ],
)
def test_a_round_is_void_where_errors_were_answered_or_the_generator_was_the_limit(given, void):
    assert rounds.judged(given).void == void


@pytest.mark.parametrize("error", [RuntimeError("wrk:  said\nno"), OSError("gone"), FileNotFoundError()])
def test_a_round_that_cannot_be_measured_is_void_and_says_why(error):
    attempt = rounds.attempt(raising(error))
    assert attempt.figures is None
    assert attempt.void in ("wrk: said no", "gone", "FileNotFoundError")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ((2, 4, 6), (1, 1, 1), (4, 2, 6, 3)),
        ((2, 4, 6), (2, 1, 2), (3, 1, 4, 3)),
        ((10, None, 30), (10, 10, 10), (2, 1, 3, 2)),
        ((10, 20), (None, 10), (2, 2, 2, 1)),
        ((None, 20), (10, None), None),
        ((), (), None),
    ],
)
def test_a_ratio_is_the_median_of_the_pairs_in_which_both_rounds_count(one, other, ratio):
    found = rounds.ratio(told(*one), told(*other))
    assert found == (None if ratio is None else rounds.Ratio(*ratio))


@given(st.lists(st.tuples(RATES, RATES), min_size=1, max_size=9))
def test_a_ratio_lies_between_its_least_and_most_and_turns_over(pairs):
    one, other = (told(*rates) for rates in zip(*pairs, strict=True))
    there, back = rounds.ratio(one, other), rounds.ratio(other, one)
    assert there.least <= there.median <= there.most
    assert there.least == pytest.approx(1 / back.most)
    assert rounds.ratio(one, one) == rounds.Ratio(1, 1, 1, len(pairs))


def test_cpu_is_compared_like_the_rate_and_where_it_is_not_known_not_at_all():
    cheap, dear, unknown = ([rounds.judged(figures(cpu=cpu))] for cpu in (5.0, 20.0, None))
    cpu = report._cpu_each
    assert rounds.ratio(dear, cheap, cpu) == rounds.Ratio(4, 4, 4, 1)
    assert rounds.ratio(dear, unknown, cpu) is None
    assert rounds.median(unknown, cpu) is None


def test_medians_and_reasons_are_of_the_rounds_that_count_and_those_that_do_not():
    own = [*told(10, None, 30, 20), rounds.judged(figures(1000, refused=3)), rounds.Round(None, "no")]
    assert rounds.median(own, lambda one: one.rate) == 20
    assert rounds.voids(own) == ["no", "3 answers were errors"]


@pytest.mark.parametrize(
    ("rates", "plateau"),
    [((), False), ((9, 9), False), ((1, 100, 100, 95), True), ((100, 100, 89), False), ((100, 91, 100), True)],
)
def test_a_plateau_is_three_rounds_alike(rates, plateau):
    assert rounds.is_plateau(rates) is plateau


@pytest.mark.parametrize(("rates", "took"), [((1, 5, 10, 10, 10), 5), ((10, 10, 10), 3), ((1, 2, 4, 8, 16, 32), 6)])
def test_a_server_is_warm_on_a_plateau_or_when_it_had_rounds_enough(rates, took):
    left = iter(rates)
    assert rounds.warm(lambda: figures(next(left)), 6) == took


def test_warming_ends_with_a_round_that_cannot_be_measured():
    assert rounds.warm(raising(RuntimeError("no")), 6) == 1


def test_rounds_are_in_turn():
    asked: list[str] = []

    def of(name: str):
        return lambda: asked.append(name) or figures()

    assert {name: len(own) for name, own in rounds.in_turn(2, {"a": of("a"), "b": of("b")}).items()} == {"a": 2, "b": 2}
    assert asked == ["a", "b", "a", "b"]


def test_results_take_the_place_of_those_before_and_nothing_else():
    document = f"# Head\n\n{report.BEGIN}\nold\n{report.END}\n\ntail\n"
    once = report.put_into(document, "new\n")
    assert once == f"# Head\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\ntail\n"
    assert report.put_into(once, "new\n") == once
    with pytest.raises(ValueError, match="no place for the results"):
        report.put_into("# Head\n", "new")


def test_the_document_in_the_repository_has_a_place_for_results():
    document = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    assert "new" in report.put_into(document, "new")


SIZES = [
    {"instances": 1_000, "event": 4.0, "move": 20.0, "bytes": 280.0, "copied": 90.0},
    {"instances": 1_000_000, "event": 5.0, "move": 25.0, "bytes": 200.0, "copied": 95.0},
]


def test_the_tables_tell_ratios_reasons_and_what_was_left_out():
    serving = report.Told()
    serving.rounds["get-2"] = {"serve": told(200, 200), "Prism": told(100, None)}
    serving.left_out["WireMock"] = "java is not installed"
    serving.versions["Prism"] = "Prism 5"
    serving.started["Prism"] = 2.0
    alarms = {1: {"simulator": told(300), "requests": told(100)}}
    text = report.markdown(report.Results(serving, ["waitress"], alarms, SIZES), "growth.svg")
    assert "| Prism | 100 | 2 (2 to 2) |" in text
    assert "1 of 2 |" in text
    assert "- Prism: no" in text
    assert "| Prism 5 | - | 2 |" in text
    assert "- left out: WireMock: java is not installed" in text
    assert "| the simulator's | 300 | 3 (3 to 3) |" in text
    assert "| 1,000,000 | 200,000 | 5.0 | 1.25 | 200 | 95 |" in text
    assert "(growth.svg)" in text
