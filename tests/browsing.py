"""A browser for tests: Debian's Chromium, driven by Playwright; a page that records its errors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from npm import cannot

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60_000  # milliseconds; a cold server on a busy machine
HARMLESS = ("was preloaded using link preload but not used",)


@contextmanager
def browser() -> Iterator[Browser]:
    """A running Chromium. Without one the test is skipped, or fails where CI is set."""
    installed = filter(None, map(shutil.which, BROWSERS))
    program = os.environ.get("GENREQ_TEST_CHROMIUM") or next(installed, None)
    if program is None:
        cannot("There is no Chromium; Debian has it as the package chromium.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield running
        running.close()


@contextmanager
def page(running: Browser, url: str, sentinel: str, **options: Any) -> Iterator[Page]:
    """A page that has drawn its sentinel; a console error or an exception in it fails the test at the end."""
    errors: list[str] = []
    context = running.new_context(**{"viewport": {"width": 1280, "height": 800}, "accept_downloads": True} | options)
    shown = context.new_page()
    shown.set_default_timeout(PATIENCE)

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in HARMLESS):
            errors.append(f"{message.type}: {message.text}")

    shown.on("console", note)
    shown.on("pageerror", lambda error: errors.append(str(error)))
    try:
        shown.goto(url)
        shown.wait_for_selector(sentinel, state="attached")
        yield shown
        assert "\n".join(errors) == ""
    finally:
        context.close()


def cell(shown: Page, name: str) -> str:
    """All text of a named cell, that of its shadow roots included."""
    script = """name => {
        const text = node => node.nodeType === 3 ? node.data :
            ['STYLE', 'SCRIPT'].includes(node.tagName) ? '' :
            [...(node.shadowRoot ? node.shadowRoot.childNodes : []), ...node.childNodes].map(text).join(' ');
        return [...document.querySelectorAll(`[data-cell-name="${name}"]`)].map(text).join(' ').replace(/\\s+/g, ' ');
    }"""
    return str(shown.evaluate(script, name))


def picture(shown: Page, name: str) -> None:
    """Save a screenshot for people who read the test run."""
    ARTEFACTS.mkdir(exist_ok=True)
    shown.screenshot(path=ARTEFACTS / f"{name}.png")


def violations(shown: Page, axe: Path) -> list[str]:
    """What axe-core finds, as `rule: the element`."""
    shown.add_script_tag(path=axe)
    found = shown.evaluate("axe.run().then(result => result.violations)")
    return [f"{one['id']}: {node['html'][:160]} {node['target']}" for one in found for node in one["nodes"]]
