"""The HTML report opened from disk in a real browser offline: no request, no console error, accessible, fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from browsing import browser
from genreq_checks.outputs.formats import renderer
from genreq_checks.outputs.html import fragment
from genreq_checks.report import Report
from npm import published
from published import AXE
from reports import HOSTILE, hostile_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def opened(page: Page, file: Path, text: str) -> list[str]:
    """Every request of the page except itself, and every error in its console."""
    told: list[str] = []
    file.write_text(text, "utf-8")
    page.on("request", lambda request: told.append(request.url) if request.url != file.as_uri() else None)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    return told


def calm_report() -> Report:
    return hostile_report("artifacts_github_url")


@pytest.mark.parametrize("case", ["markup", "quotes", "bidi", "links", "long markup"])
def test_it_requests_nothing_and_logs_no_errors(chromium: Browser, tmp_path: Path, case: str) -> None:
    context = chromium.new_context(offline=True)
    assert opened(context.new_page(), tmp_path / "report.html", renderer("html")(hostile_report(HOSTILE[case]))) == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_is_accessible_by_axe_and_fits_the_window(
    chromium: Browser, tmp_path: Path, scheme: str, width: int
) -> None:
    context = chromium.new_context(
        offline=True, bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    assert opened(page, tmp_path / "report.html", renderer("html")(calm_report())) == []
    dark = page.evaluate("getComputedStyle(document.body.firstElementChild).backgroundColor")
    assert dark == ("rgb(17, 21, 26)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(content=published(*AXE).read_text("utf-8"))
    found = page.evaluate(
        "axe.run().then(r => r.violations.map(v => [v.id, v.nodes[0].html, v.nodes[0].failureSummary]))"
    )
    assert found == []
    context.close()


def test_in_print_the_evidence_is_open_and_the_page_is_light(chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True, color_scheme="dark")
    page = context.new_page()
    opened(page, tmp_path / "report.html", renderer("html")(calm_report()))
    folded = page.locator("dl.facts").first
    assert not folded.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert folded.is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.gq')).backgroundColor") == "rgb(255, 255, 255)"
    context.close()


def test_a_notebook_cell_uses_only_its_own_style(chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True)
    page = context.new_page()
    text = f"<!DOCTYPE html><html class='dark'><title>n</title><p id=outside>a</p>{fragment(calm_report())}</html>"
    assert opened(page, tmp_path / "cell.html", text) == []
    colour = "e => getComputedStyle(e).backgroundColor"
    assert page.locator(".gq").evaluate(colour) == "rgb(17, 21, 26)"
    assert page.locator("#outside").evaluate(colour) == "rgba(0, 0, 0, 0)"
    context.close()
