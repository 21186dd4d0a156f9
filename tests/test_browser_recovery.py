"""A page of the dashboard that was opened while the database was down shows the answer when it is up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser
from psycopg import conninfo, sql

import browsing
from browsing import cell, page, picture
from conftest import Server
from rows import insert
from serving import dashboard, until
from test_browser import DONE, DRAWN, SPARKLINE, read_again

pytestmark = pytest.mark.browser
UNREAD = '[data-cell-name="verdict"] h2.outcome-unknown'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsing.browser() as running:
        yield running


def allow(server: Server, url: str, allowed: bool) -> None:
    """Let the database take connections, or none."""
    name = sql.Identifier(str(conninfo.conninfo_to_dict(url)["dbname"]))
    with psycopg.connect(server.url(), autocommit=True) as boss:
        boss.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, sql.Literal(allowed)))


@pytest.mark.parametrize("asked", [False, True], ids=["by itself", "asked to"])
def test_a_page_opened_while_the_database_is_down_recovers(
    chromium: Browser, server: Server, database: str, tmp_path: Path, asked: bool
) -> None:
    insert(database, *({"completed_at": f"2025-01-{day:02} 10:00", **DONE} for day in range(1, 9)))
    allow(server, database, False)
    try:
        with dashboard(tmp_path, database) as served, page(chromium, served.url, UNREAD) as shown:
            until(lambda: cell(shown, "verdict"), lambda text: "nothing could be read" in text)
            assert "Has a value" not in cell(shown, "rates_heading")
            picture(shown, "dashboard-down")
            allow(server, database, True)
            until(
                lambda: (asked and read_again(shown), cell(shown, "verdict"))[1],
                lambda text: "nothing could be read" not in text,
            )
            shown.wait_for_selector(DRAWN, state="attached")
            shown.wait_for_selector(SPARKLINE, state="attached")
            until(lambda: cell(shown, "rates"), lambda text: "github_url ✓ 100" in text or "8 of 8" in text)
            assert "Read " in cell(shown, "read")
    finally:
        allow(server, database, True)
