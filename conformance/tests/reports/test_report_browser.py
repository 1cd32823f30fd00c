"""The HTML report in a real browser: it fits, it is legible, it works by mouse and keyboard, and it calls nobody."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from fenix_conformance.reports import Baseline, write_html
from fenix_conformance.results import Case, Evidence, EvidenceKind, Outcome, Result, RunResult, Timing

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine (apt install chromium)")

SCHEMES: Final = ("light", "dark")
WIDTHS: Final = (360, 800, 1400)

#: The contrast of every text that a selector finds with what lies behind it, as WCAG 2 defines it.
CONTRASTS = """selector => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (let one = node; one; one = one.parentElement) {
      const colour = channels(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll(selector)].filter(node => node.checkVisibility()).map(node => {
    const pair = [channels(getComputedStyle(node).color), behind(node)].map(luminance).sort((a, b) => b - a);
    return [node.className || node.tagName, (pair[0] + 0.05) / (pair[1] + 0.05)];
  });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about, and every request that was not for the report itself."""
    return []


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """``open_report(run, scheme=…, width=…, baseline=…, anchor=…)``: the report in a fresh profile, offline."""
    contexts = []

    def open_it(
        run: RunResult,
        *,
        scheme: str = "light",
        width: int = 1400,
        baseline: Baseline | None = None,
        anchor: str = "",
        before: str = "",
    ) -> Page:
        path = tmp_path / "report.html"
        write_html(run, path, None if baseline is None else baseline.judge(run))
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light", offline=True
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()

        def asked(request: Request) -> None:
            if not request.url.startswith((path.as_uri(), "data:image/svg+xml")):
                complaints.append(f"asked for {request.url}")

        def said(message: ConsoleMessage) -> None:
            complaints.append(f"{message.type}: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if before:
            page.add_init_script(before)
        page.goto(path.as_uri() + anchor)
        return page

    yield open_it
    for context in contexts:
        context.close()


def shown(page: Page) -> list[str]:
    """The ids of the requirements that can be seen."""
    return [one.inner_text() for one in page.locator(".requirement h3").all() if one.is_visible()]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("role", ["server", "vnfm"])
def test_it_fits_its_window_with_everything_open_and_without_a_complaint(
    scheme: str, width: int, role: str, open_report: Callable[..., Page], complaints: list[str],
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    run = request.getfixturevalue("long_run" if role == "server" else "vnfm_run")
    page = open_report(run, scheme=scheme, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = "node => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1"
    assert page.evaluate(f"[...document.querySelectorAll('body *')].filter({wide}).map(node => node.className)") == []
    assert complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_scheme_is_the_readers_and_every_text_can_be_read(
    scheme: str, open_report: Callable[..., Page], every_outcome: RunResult
) -> None:
    page = open_report(every_outcome, scheme=scheme, baseline=Baseline("mine", {"is-fail": "", "is-pass": ""}))
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) < 200) == (scheme == "dark")
    texts = "h1, h2, h3, h4, p, dt, dd, .outcome, .tag, .stamp, .status, .said, .when, code, button, .count, .statement"
    found = page.evaluate(CONTRASTS, texts)
    assert len(found) > 100
    assert [one for one in found if one[1] < 4.5] == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_advice_places_and_reply_times_can_be_read(
    scheme: str, width: int, open_report: Callable[..., Page], vnfm_run: RunResult
) -> None:
    page = open_report(vnfm_run, scheme=scheme, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = page.evaluate(CONTRASTS, ".advice dt, .advice dd, th, td, td *, .of, .origin, .more")
    assert len(found) > 100
    assert [one for one in found if one[1] < 4.5] == []


def test_what_to_change_and_the_few_places_of_a_failure_are_in_sight(
    open_report: Callable[..., Page], vnfm_run: RunResult
) -> None:
    page = open_report(vnfm_run)
    few, many = page.locator("#req-actions-cover"), page.locator("#req-reply-in-time")
    expect(few.locator(".advice")).to_contain_text("Put one member for every id")
    rows = few.locator(".places tbody tr")
    assert [one.locator("td").first.inner_text() for one in rows.all()] == ["fail"] * 2 + ["pass"] * 4
    expect(rows.first).to_contain_text("session 47479bca")
    expect(many.locator(".places tbody")).to_be_hidden()
    many.locator(".places > summary").click()
    expect(many.locator(".places tbody")).to_be_visible()
    assert many.locator(".places tbody tr").count() == 40
    expect(page.locator(".timings tbody tr").nth(1)).to_contain_text("-301 ms")


def test_evidence_of_a_vnfm_says_who_sent_what_and_which_entry_it_is(
    open_report: Callable[..., Page], vnfm_run: RunResult
) -> None:
    page = open_report(vnfm_run)
    row = page.locator("#req-actions-cover")
    alarm, listing = row.locator("details.piece").nth(0), row.locator("details.piece").nth(1)
    expect(alarm.locator(".origin")).to_have_text("#35 happy-path")
    alarm.locator("summary").click()
    expect(alarm.get_by_text("Alarm to the VNFM", exact=True)).to_be_visible()
    expect(alarm.get_by_text("Deliver it again", exact=True)).to_be_visible()
    listing.locator("summary").click()
    expect(listing.get_by_text("Request of the VNFM", exact=True)).to_be_visible()


def test_the_filter_shows_one_outcome_and_all_again(
    open_report: Callable[..., Page], every_outcome: RunResult, complaints: list[str]
) -> None:
    page = open_report(every_outcome)
    everything = ["is-error", "is-fail", "is-warn", "is-untestable", "is-not-applicable", "is-pass"]
    assert shown(page) == everything
    for outcome in Outcome:
        button = page.locator(f"[data-show='{outcome}']")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert shown(page) == [f"is-{outcome}"]
        assert page.locator(".group:not([hidden])").count() == 1
        assert page.locator("#shown").inner_text() == "1 of 6 requirements shown"
    page.locator("[data-show='']").click()
    assert shown(page) == everything
    assert complaints == []


def test_find_looks_at_ids_and_statements(open_report: Callable[..., Page], every_outcome: RunResult) -> None:
    page = open_report(every_outcome)
    page.locator("#search").fill("WARN asks")
    assert shown(page) == ["is-warn"]
    page.locator("#search").fill("no such thing")
    assert shown(page) == []
    expect(page.locator("#nothing")).to_be_visible()
    page.locator("#search").press("Escape")
    assert len(shown(page)) == 6


def test_failures_are_open_and_evidence_opens_to_request_answer_and_curl(
    open_report: Callable[..., Page], every_outcome: RunResult
) -> None:
    page = open_report(every_outcome)
    assert page.locator(".requirement > details[open]").count() == 2
    row = page.locator("#req-is-warn")
    row.locator("summary").first.click()
    expect(row.get_by_text("Expected")).to_be_visible()
    piece = row.locator("details.piece").nth(3)
    expect(piece.locator(".exchange")).to_be_hidden()
    piece.locator("summary").click()
    expect(piece.get_by_label("Request body")).to_contain_text('"state": "NACK_PLANNED_MAINTENANCE"')
    expect(piece.get_by_label("Answer body")).to_contain_text("<h1>Oops</h1>")
    expect(piece.locator(".command code")).to_contain_text("curl -i -X PUT")


def test_expand_all_and_collapse_all(open_report: Callable[..., Page], every_outcome: RunResult) -> None:
    page = open_report(every_outcome)
    page.locator("#expand").click()
    assert page.locator(".requirement > details[open]").count() == 6
    expect(page.locator("#expand")).to_have_text("Collapse all")
    page.locator("#expand").click()
    assert page.locator(".requirement > details[open]").count() == 0


def test_the_keyboard_reaches_everything(open_report: Callable[..., Page], every_outcome: RunResult) -> None:
    page = open_report(every_outcome)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the requirements"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert shown(page) == ["is-error"]
    page.locator("#req-is-error > details > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#req-is-error > details[open]").count() == 0
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "selection"])
def test_copy_takes_the_line_with_and_without_the_clipboard_api(
    clipboard: bool,
    open_report: Callable[..., Page],
    every_outcome: RunResult,
    complaints: list[str],
) -> None:
    fake = "Object.defineProperty(navigator, 'clipboard', {value: %s})"
    working = "{writeText: text => { window.copied = text; return Promise.resolve(); }}"
    page = open_report(every_outcome, before=fake % (working if clipboard else "undefined"))
    page.evaluate("document.addEventListener('copy', () => { window.copied = String(getSelection()) })")
    command = page.locator("#req-is-fail .command").first
    command.locator("button").click()
    expect(command.locator("button")).to_have_text("Copied")
    assert page.evaluate("window.copied") == "fenix-conformance server http://fenix.example:12347 --only is-fail"
    assert complaints == []


def test_a_link_to_a_requirement_opens_it(open_report: Callable[..., Page], long_run: RunResult) -> None:
    page = open_report(long_run, anchor="#req-list-json")
    expect(page.locator("#req-list-json .findings")).to_be_visible()
    expect(page.locator("#req-list-json")).to_be_in_viewport()
    page.locator("[data-show='fail']").click()
    page.evaluate("location.hash = '#req-methods'")
    expect(page.locator("#req-methods .findings")).to_be_visible()


def test_paper_gets_what_was_not_met_and_no_buttons(open_report: Callable[..., Page], every_outcome: RunResult) -> None:
    page = open_report(every_outcome, scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".requirement > details[open]").count() == 5
    assert not any(one.is_visible() for one in page.locator("button, input").all())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".requirement > details[open]").count() == 2
    assert page.pdf().startswith(b"%PDF-")


def test_nothing_that_a_server_said_becomes_more_than_text(
    open_report: Callable[..., Page],
    make_result: Callable[..., Result],
    make_run: Callable[..., RunResult],
    evidence: tuple[Evidence, ...],
    complaints: list[str],
) -> None:
    attack = "</script></style></code><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
    piece = Evidence(
        EvidenceKind.REQUEST, evidence[0].at, attack, attack, attack, {attack: attack}, attack, 200, {attack: attack}
    )
    texts = dict.fromkeys(("statement", "source", "message", "expected", "actual", "rerun", "advice"), attack)
    case = Case(Outcome.FAIL, attack, attack, attack, attack, attack, (1,))
    row = make_result(attack, evidence=(replace(piece, scenario=attack),), cases=(case,), **texts)
    run = make_run(row, subject=attack, timings=(Timing(attack, 1, 0.1, 0.1, 0.1, None),))
    page = open_report(run, baseline=Baseline(attack, {attack: attack}))
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("window.hit") is None
    assert page.locator("h1").inner_text() == attack
    assert page.evaluate("document.querySelectorAll('script, img').length") == 1
    assert complaints == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(
    open_report: Callable[..., Page], every_outcome: RunResult, complaints: list[str]
) -> None:
    page = open_report(every_outcome)
    page.evaluate("""() => {
      const script = document.createElement('script');
      script.textContent = 'window.hit = 1';
      document.body.append(script);
    }""")
    assert page.evaluate("window.hit") is None
    assert any("Content Security Policy" in one for one in complaints)


def test_without_scripts_everything_can_still_be_read(
    browser: Browser, every_outcome: RunResult, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_html(every_outcome, path)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert not any(one.is_visible() for one in page.locator("button, input").all())
    assert len(shown(page)) == 6
    row = page.locator("#req-is-pass")
    row.locator("summary").first.click()
    expect(row.get_by_text("Expected")).to_be_visible()
    context.close()
