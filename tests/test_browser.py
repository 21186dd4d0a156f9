"""The notebooks and the dashboard in a real browser: their numbers, their controls, and hostile text."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page
from psycopg import sql

import browsing
from browsing import cell, page, picture
from conftest import Server
from genreq_checks.outputs.verdict import headline
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.text import percent
from npm import install
from rows import execute, insert
from serving import Served, dashboard, serving, until
from test_facets import table_scans

pytestmark = pytest.mark.browser
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"
DONE = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}
HOSTILE = ('<img src=x onerror="window.hit=1">', "javascript:window.hit=1", "\x1b[31mred\x1b[0m", "x" * 10_000)
DRAWN = '[data-cell-name="files"] marimo-download'
# The test server's socket is a path of the machine that runs the tests: a picture of the documentation does not show it.
NEUTRAL = """() => {
    const visit = node => {
        if (node.nodeType === 3) node.data = node.data
            .replace(/postgresql:\\/\\/\\w*@\\/browsed\\?host=[^\\s',]*/g, 'postgresql://reader@db.example.org/leo');
        if (node.shadowRoot) node.shadowRoot.childNodes.forEach(visit);
        node.childNodes.forEach(visit);
    };
    visit(document.body);
}"""
SPARKLINE = '[data-cell-name="rates"] marimo-mime-renderer svg.marks'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsing.browser() as running:
        yield running


@pytest.fixture(scope="module")
def cleaned(server: Server, leo_template: str) -> Iterator[str]:
    """A database in which the clean-up worked except for one row, with hostile values in some others."""
    url = server.create_database("browsed", leo_template)
    insert(url, *({"completed_at": f"2025-01-{day:02} 10:00", "github_url": GITHUB} for day in range(1, 11)))
    insert(url, *({"completed_at": "2025-01-05", "github_url": value} for value in HOSTILE))
    execute(url, load_plan().sql.forward)
    insert(url, *({"completed_at": f"2025-01-{day:02} 13:00", **DONE} for day in range(10, 20) for _ in range(3)))
    insert(url, {"completed_at": "2025-01-12", **DONE, "artifacts_github_url": HOSTILE[0]})
    yield url
    server.drop_database("browsed")


@pytest.fixture(scope="module")
def served(cleaned: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with dashboard(tmp_path_factory.mktemp("dashboard"), cleaned, "--cutover", CUTOVER.isoformat()) as running:
        yield running


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("axe")
    install(Path(__file__).parent / "axe" / "package.json", folder)
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def report_on(url: str) -> Report:
    plan = load_plan()
    return check(plan, observe(plan, url, CUTOVER), cutover=CUTOVER)


def shows_the_report(shown: Page, report: Report) -> bool:
    rates = cell(shown, "rates")
    after = [rate for rate in report.rates if rate.side == "after"]
    return headline(report) in cell(shown, "verdict") and all(
        f"{rate.column} " in rates
        and f"{percent(rate.populated, rate.rows)} {rate.populated:,} of {rate.rows:,}" in rates
        for rate in after
    )


def read_again(shown: Page) -> None:
    shown.locator('[data-cell-name="read"] marimo-refresh button').first.click()


def test_the_first_screen_has_the_reports_answer(chromium: Browser, served: Served, cleaned: str) -> None:
    report = report_on(cleaned)
    assert report.outcome == "fail"
    with page(chromium, served.url, DRAWN) as shown:
        shown.wait_for_selector(SPARKLINE)
        shown.evaluate(NEUTRAL)
        picture(shown, "dashboard")
        assert shows_the_report(shown, report)
        assert "✗ FAIL" in cell(shown, "verdict")
        assert "derivation.artifacts_github_url" in cell(shown, "evidence")
        assert "LIVE" in cell(shown, "shows")
        failed = report.check("derivation.artifacts_github_url")
        assert failed.findings[0].message in cell(shown, "evidence")
        assert f"genreq-checks rows {failed.id} " in cell(shown, "evidence")
        assert "wrong" in cell(shown, "evidence")  # the first row behind it, with its finding
        assert shown.locator("a[href*='***']").count() == 0
        assert cell(shown, "dropped").count("✓ gone") == 2
        assert " by " in cell(shown, "read")
        for name, screens in (("shows", 1), ("verdict", 1), ("evidence", 1), ("rates", 2), ("dropped", 2), ("read", 2)):
            box = shown.locator(f'[data-cell-name="{name}"]').bounding_box()
            assert box is not None
            assert box["y"] < 800 * screens, f"{name} begins below screen {screens}"
        with shown.expect_download() as kept:
            shown.locator('[data-cell-name="files"] marimo-download').first.locator("a, button").first.click()
        told = json.loads(Path(kept.value.path()).read_text())
        own = json.loads(report.model_dump_json())
        for part in ("outcome", "counts", "rates", "derivation", "changes", "statuses"):
            assert told[part] == own[part]


def test_a_new_row_is_seen_after_the_next_reading(chromium: Browser, served: Served, cleaned: str) -> None:
    with page(chromium, served.url, DRAWN) as shown:
        insert(cleaned, {"completed_at": "2025-01-19 14:00", **DONE})
        report = report_on(cleaned)
        until(lambda: (read_again(shown), shows_the_report(shown, report))[1], bool)


def test_the_last_answer_stays_while_the_database_is_down_and_is_updated_afterwards(
    chromium: Browser, served: Served, cleaned: str, server: Server
) -> None:
    report = report_on(cleaned)
    name = sql.Identifier("browsed")
    with page(chromium, served.url, DRAWN) as shown, psycopg.connect(server.url(), autocommit=True) as boss:
        try:
            boss.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
            boss.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'browsed'")
            until(lambda: (read_again(shown), cell(shown, "stale"))[1], lambda text: "could not be read" in text)
            assert "This was read" in cell(shown, "stale")
            assert shows_the_report(shown, report)
            picture(shown, "dashboard-stale")
        finally:
            boss.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        until(lambda: (read_again(shown), cell(shown, "stale"))[1], lambda text: "could not be read" not in text)
        assert shows_the_report(shown, report)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_shows_all(chromium: Browser, served: Served, axe: Path, scheme: str) -> None:
    with page(chromium, served.url, DRAWN, viewport={"width": 400, "height": 800}, color_scheme=scheme) as shown:
        shown.wait_for_selector(SPARKLINE)
        shown.wait_for_selector('[data-cell-name="trends"] svg')
        picture(shown, f"dashboard-phone-{scheme}")
        wide = "[...document.querySelectorAll('[data-cell-name] .output > *')].filter(e => e.scrollWidth > 400).length"
        assert shown.evaluate(wide) == 0, "something is wider than the phone"
        assert "\n".join(browsing.violations(shown, axe)) == ""


def test_a_link_carries_its_view(chromium: Browser, served: Served) -> None:
    with page(chromium, f"{served.url}?check=url-shape.artifacts_github_url", DRAWN) as shown:
        select = shown.locator('[data-cell-name="evidence"] select')
        assert select.evaluate("s => s.options[s.selectedIndex].text") == "url-shape.artifacts_github_url"
        shown.wait_for_selector('[data-cell-name="trends"] svg')

        def choose() -> str:  # again until the session has run: before, a choice is not heard
            for name in ("url-shape.artifacts_github_url", "derivation.artifacts_github_url"):
                select.select_option(label=name)
            shown.wait_for_timeout(2000)
            return str(shown.url)

        until(choose, lambda url: "check=derivation.artifacts_github_url" in url)


def test_the_printed_page_is_not_cut(chromium: Browser, served: Served) -> None:
    with page(chromium, served.url, DRAWN) as shown:
        shown.wait_for_selector('[data-cell-name="trends"] svg')
        shown.emulate_media(media="print")
        shown.set_viewport_size({"width": 794, "height": 1123})  # A4 at 96 dots an inch
        every = "[...document.querySelectorAll('[data-cell-name] .output *')]"
        right = f"Math.max(...{every}.map(e => e.getBoundingClientRect().right))"
        until(lambda: shown.evaluate(right), lambda pixels: pixels <= 794)
        assert shown.evaluate("getComputedStyle(document.querySelector('#App')).overflow") == "visible"


def test_everything_can_be_reached_by_keyboard(chromium: Browser, served: Served) -> None:
    with page(chromium, served.url, DRAWN) as shown:
        wanted, reached = {"Read again now", "Read again every", "JSON", "CSV"}, set()
        for _ in range(300):
            shown.keyboard.press("Tab")
            reached.add(
                shown.evaluate("""() => { let at = document.activeElement;
                    while (at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
                    return at.getAttribute('aria-label') || at.textContent.trim(); }""")
            )
            if wanted <= reached:
                break
        assert wanted <= reached


def test_hostile_text_stays_text(chromium: Browser, cleaned: str, plan: Plan, tmp_path: Path) -> None:
    taken = observe(plan, cleaned, CUTOVER)
    image, link, ansi, long = HOSTILE
    source = taken.source.model_copy(update={"role": image, "server": f"{link} {ansi}", "location": f"{long} {image}"})
    taken.model_copy(update={"source": source}).save(tmp_path / "hostile.json")
    arguments = ("--cutover", CUTOVER.isoformat())
    with (
        dashboard(tmp_path, str(tmp_path / "hostile.json"), *arguments) as served,
        page(chromium, served.url, DRAWN, viewport={"width": 400, "height": 800}) as shown,
    ):
        told = cell(shown, "read")
        assert image in told
        assert link in told
        assert "\x1b" not in told
        assert shown.evaluate("window.hit") is None
        assert shown.locator("img[src=x]").count() == 0
        assert shown.locator("a[href^='javascript:']").count() == 0


@pytest.fixture(scope="module")
def rates_notebook(cleaned: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with run_notebook("population_rates", cleaned, tmp_path_factory.mktemp("rates")) as running:
        yield running


def run_notebook(name: str, source: str, folder: Path) -> object:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["marimo", "run", str(NOTEBOOKS / f"{name}.py"), "--headless", "--no-token", "--port", str(port)]
    return serving(folder, command, "URL: ", GENREQ_SOURCE=source, GENREQ_CUTOVER=CUTOVER.isoformat())


def test_population_rates_opens_and_its_cutover_does_not_read_the_database(
    chromium: Browser, rates_notebook: Served, cleaned: str
) -> None:
    report = report_on(cleaned)
    with page(chromium, rates_notebook.url, '[data-cell-name="day_table"] marimo-table') as shown:
        shown.wait_for_selector('[data-cell-name="rates"] svg')
        shown.evaluate(NEUTRAL)
        picture(shown, "review")
        assert headline(report) in cell(shown, "verdict")
        for rate in report.rates:
            if rate.side == "after":
                assert f"{rate.populated:,} of {rate.rows:,}" in cell(shown, "stats")
        drawn, scans = cell(shown, "rates"), table_scans(cleaned)
        chosen = shown.locator('[data-cell-name="controls"] select').first
        assert chosen.evaluate("s => s.options[s.selectedIndex].text") == "2025-01-10"  # a date, not its number
        chosen.select_option(label="2025-01-07")
        until(lambda: cell(shown, "rates"), lambda text: text not in (drawn, ""))
        assert table_scans(cleaned) == scans
        assert shown.evaluate("window.hit") is None


def test_dropped_columns_opens_and_says_what_the_report_says(chromium: Browser, cleaned: str, tmp_path: Path) -> None:
    report = report_on(cleaned)
    last = '[data-cell-name="requirements"] marimo-table'
    with run_notebook("dropped_columns", cleaned, tmp_path) as running, page(chromium, running.url, last) as shown:
        picture(shown, "review-columns")
        assert headline(report) in cell(shown, "verdict")
        for result in report.checks:
            if result.id.startswith("dropped."):
                assert result.findings[0].message in cell(shown, "dropped")
