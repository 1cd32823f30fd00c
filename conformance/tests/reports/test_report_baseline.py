"""A baseline lets known failures through, and nothing else in either direction."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fenix_conformance.reports import Baseline, BaselineError, baseline_text, bundled, load_baseline
from fenix_conformance.requirements import requirements
from fenix_conformance.results import ExitCode, Level, Outcome, Result, Role, RunResult

LISTED = Baseline("mine", {"listed": "we know"})


@pytest.mark.parametrize(
    ("identifier", "outcome", "exit_code", "complaint"),
    [
        ("listed", Outcome.FAIL, ExitCode.OK, None),
        ("listed", Outcome.WARN, ExitCode.OK, None),
        (
            "listed",
            Outcome.PASS,
            ExitCode.FAILED,
            "listed is stale: it passes now, so take it out of the baseline mine",
        ),
        ("listed", Outcome.UNTESTABLE, ExitCode.INCONCLUSIVE, None),
        ("listed", Outcome.NOT_APPLICABLE, ExitCode.OK, None),
        ("listed", Outcome.ERROR, ExitCode.BROKEN, None),
        ("other", Outcome.PASS, ExitCode.OK, None),
        ("other", Outcome.FAIL, ExitCode.FAILED, "other failed and is not in the baseline mine"),
        ("other", Outcome.WARN, ExitCode.OK, None),
        ("other", Outcome.UNTESTABLE, ExitCode.INCONCLUSIVE, None),
        ("other", Outcome.NOT_APPLICABLE, ExitCode.OK, None),
        ("other", Outcome.ERROR, ExitCode.BROKEN, None),
    ],
)
def test_what_an_outcome_is_worth(
    identifier: str,
    outcome: Outcome,
    exit_code: int,
    complaint: str | None,
    make_result: Callable[..., Result],
    make_run: Callable[..., RunResult],
) -> None:
    run = make_run(make_result("something-else", Outcome.PASS), make_result(identifier, outcome))
    assessment = LISTED.judge(run)
    assert assessment.exit_code == exit_code
    assert len(assessment.complaints) == (complaint is not None)
    assert complaint is None or assessment.complaints[0].startswith(complaint)
    assert assessment.sentence.endswith(".")


def test_a_should_that_is_untestable_does_not_matter_unless_strict(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    rows = (make_result("a", Outcome.PASS), make_result("b", Outcome.UNTESTABLE, level=Level.SHOULD))
    assert LISTED.judge(make_run(*rows)).exit_code == ExitCode.OK
    assert LISTED.judge(make_run(*rows, strict=True)).exit_code == ExitCode.INCONCLUSIVE


def test_a_run_in_which_nothing_was_tested_is_no_pass(make_run: Callable[..., RunResult]) -> None:
    assert LISTED.judge(make_run()).exit_code == ExitCode.INCONCLUSIVE


def test_known_failures_alone_are_as_the_baseline_has_it(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    assessment = LISTED.judge(make_run(make_result("listed")))
    assert (assessment.exit_code, assessment.known) == (ExitCode.OK, {"listed": "we know"})
    assert assessment.sentence == "As the baseline mine has it: 1 known failure, nothing else failed."


def test_complaints_are_counted_in_words(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    run = make_run(make_result("new"), make_result("newer"), make_result("listed", Outcome.PASS))
    assessment = LISTED.judge(run)
    assert assessment.sentence == "Not as the baseline mine has it: 2 failures not in the baseline, 1 stale entry."
    assert (assessment.unlisted, assessment.stale) == (("new", "newer"), ("listed",))


def test_a_baseline_for_the_other_end_is_refused(make_run: Callable[..., RunResult]) -> None:
    with pytest.raises(BaselineError, match="a baseline for a vnfm, but a server was judged"):
        Baseline("mine", {}, Role.VNFM).judge(make_run())


@pytest.mark.parametrize(
    ("text", "failures", "role"),
    [
        ("baseline: 1\nfailures:\n  a: why\n  b:\n", {"a": "why", "b": ""}, None),
        ("baseline: 1\nrole: vnfm\nfailures: [a, b]\n", {"a": "", "b": ""}, Role.VNFM),
        ("baseline: 1\n", {}, None),
        ('{"baseline": 1, "failures": {"a": "why"}, "role": "server"}', {"a": "why"}, Role.SERVER),
        ('{\n\t"baseline": 1,\n\t"failures": ["a"]\n}', {"a": ""}, None),
    ],
)
def test_yaml_and_json_are_read(text: str, failures: dict[str, str], role: Role | None, tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_text(text, encoding="utf-8")
    baseline = load_baseline(path)
    assert (baseline.failures, baseline.role, baseline.name) == (failures, role, str(path))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("baseline: 1\nfailures: {a: [\n", ":3: not YAML"),
        ("- a\n", "not a baseline; it begins with 'baseline: 1'"),
        ("", "not a baseline"),
        ("failures: [a]\n", "not a baseline"),
        ("baseline: 2\n", "baseline is 2, only version 1 is known"),
        ("baseline: 1\nfailure: [a]\n", "unknown member 'failure'; allowed are baseline, failures, role"),
        ("baseline: 1\nrole: client\n", "role is 'client'; allowed are server, vnfm"),
        ("baseline: 1\nrole: [server]\n", "role is ['server']"),
        ("baseline: 1\nfailures: [a, b, a]\n", "'a' is listed twice"),
        ("baseline: 1\nfailures: a\n", "failures is a list of ids, or an object of id: reason"),
        ("baseline: 1\nfailures: [1]\n", "failures is a list of ids"),
        ("baseline: 1\nfailures: {1: why}\n", "an id with a text as its reason"),
        ("baseline: 1\nfailures: {a: [why]}\n", "an id with a text as its reason"),
    ],
)
def test_a_bad_file_is_refused_in_one_clear_line(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError) as refused:
        load_baseline(path)
    assert str(refused.value).startswith(str(path))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_neither_file_nor_bundled_name_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"no such file, and no bundled baseline of that name \(.*upstream-2019"):
        load_baseline("upstream-1999")
    with pytest.raises(BaselineError, match=str(tmp_path)):
        load_baseline(tmp_path)


def test_an_id_that_does_not_exist_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text("baseline: 1\nfailures: [reply-nak]\n", encoding="utf-8")
    with pytest.raises(BaselineError, match=r"there is no requirement 'reply-nak'; did you mean reply-nack\?"):
        load_baseline(path, {"reply-nack", "list-shape"})
    with pytest.raises(BaselineError, match="there is no requirement 'reply-nak'; --list shows all of them"):
        load_baseline(path, {"methods"})
    assert load_baseline(path, {"reply-nak"}).failures == {"reply-nak": ""}


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_baseline_names_requirements_that_exist(name: str) -> None:
    baseline = load_baseline(name)
    ids = {row.id for row in requirements() if baseline.role in (None, row.role)}
    assert load_baseline(name, ids).name == name
    assert all(baseline.failures.values()), "every entry of a bundled baseline has its reason"


def test_the_manners_of_2019_are_bundled() -> None:
    assert load_baseline("upstream-2019").role is Role.SERVER


def test_a_baseline_of_this_runs_failures_makes_it_pass_and_keeps_old_reasons(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult], tmp_path: Path
) -> None:
    run = make_run(make_result("listed"), make_result("new", actual="it\nbroke\x1b"), make_result("ok", Outcome.PASS))
    path = tmp_path / "known.yaml"
    path.write_text(baseline_text(run, LISTED), encoding="utf-8")
    assert load_baseline(path).failures == {"listed": "we know", "new": "it broke\\x1b"}
    assert load_baseline(path).judge(run).exit_code == ExitCode.OK
    assert yaml.safe_load(path.read_text("utf-8"))["role"] == "server"
    assert json.dumps(load_baseline(path).failures)
