"""Fifty viewers at once, and the first chart against an empty notebook's: what the dashboard costs its machine and its database.

    uv run benchmarks/dashboard_load.py [--viewers 50] [--intervals 3] [--rounds 5]
    uv run benchmarks/dashboard_load.py --write        (also writes the table in docs/performance.md)

A viewer is a WebSocket that asks for a session as the page does, and then for a new reading once an interval, as its
refresh control does. Tables are counted by the server's own statistics, memory as the serving process's resident set.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx
import psutil
from websockets.asyncio.client import connect

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests")]

import page as pages  # noqa: E402
from browsing import browser  # noqa: E402
from genreq_checks.embedded import sample, start  # noqa: E402
from rows import insert  # noqa: E402
from serving import dashboard, serving  # noqa: E402
from test_facets import table_scans  # noqa: E402

INTERVAL = 10.0  # seconds; shorter than anyone may choose, so that this ends soon
EMPTY = """
import marimo
app = marimo.App(width="medium")

@app.cell
def chart():
    import altair as alt
    alt.Chart(alt.InlineData(values=[{"a": 1, "b": 2}, {"a": 2, "b": 3}])).mark_line().encode(x="a:Q", y="b:Q").properties(
        usermeta={"embedOptions": {"actions": False, "renderer": "svg"}}
    )
    return

if __name__ == "__main__":
    app.run()
"""


async def view(url: str, intervals: int, ready: asyncio.Barrier) -> tuple[float, int]:
    """One viewer: seconds until the whole page was computed, and how many times it was computed."""
    session = f"s_{uuid.uuid4().hex[:6]}"
    await ready.wait()
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        page = await client.get(url)
        page.raise_for_status()
        first, runs = 0.0, 0
        refresh = ""
        async with connect(
            f"{url.replace('http', 'ws')}ws?session_id={session}", max_size=None, proxy=None, ping_interval=None
        ) as socket:
            while runs <= intervals:
                message = json.loads(await asyncio.wait_for(socket.recv(), 120))
                text = json.dumps(message)
                operation = message.get("op") or message.get("data", {}).get("op")
                if "marimo-refresh" in text and "object-id" in text and not refresh:
                    refresh = object_id(text)
                if operation == "completed-run":
                    runs += 1
                    first = first or time.monotonic() - began
                    if runs <= intervals:
                        await asyncio.sleep(INTERVAL)
                        body = {"objectIds": [refresh], "values": [f"30s ({runs})"]}
                        await ask(client, url, session, "set_ui_element_value", body)
    return first, runs


def object_id(text: str) -> str:
    """The refresh control's id, from the HTML in which it stands."""
    before = text[: text.index("<marimo-refresh")]
    return before.rpartition("object-id=")[2].lstrip("\\'\"").split("\\")[0].split("'")[0].split('"')[0]


async def ask(client: httpx.AsyncClient, url: str, session: str, what: str, body: dict[str, object]) -> None:
    headers = {"Marimo-Session-Id": session}
    (await client.post(f"{url}api/kernel/{what}", json=body, headers=headers)).raise_for_status()


async def views(url: str, viewers: int, intervals: int) -> list[tuple[float, int]]:
    ready = asyncio.Barrier(viewers)
    return await asyncio.gather(*(view(url, intervals, ready) for _ in range(viewers)))


def load(url: str, folder: Path, viewers: int, intervals: int) -> list[str]:
    """The lines of the table about many viewers at once."""
    with dashboard(folder, url, "--cutover", "2025-01-10", refresh=f"{INTERVAL:g}") as served:
        process = psutil.Process(served.process.pid)
        idle = process.memory_info().rss
        scans, began = table_scans(url), time.monotonic()
        found = asyncio.run(views(served.url, viewers, intervals))
        seconds = time.monotonic() - began
        scans = table_scans(url) - scans
        firsts = sorted(first for first, _ in found)
        memory = process.memory_info().rss / 1e6
        whole = sum(runs > intervals for _, runs in found)
    return [
        f"| viewers with the whole page | {whole} of {viewers} | {viewers} |",
        f"| whole page after | {statistics.median(firsts):.1f} s in the median, {firsts[-1]:.1f} s at most | |",
        f"| statements against the table | {scans} in {seconds / INTERVAL:.1f} intervals of {INTERVAL:g} s | one an interval |",
        f"| memory | {memory:.0f} MB with {viewers} viewers, {idle / 1e6:.0f} MB idle | 500 MB |",
    ]


def first_chart(url: str, folder: Path, rounds: int) -> list[str]:
    """The line of the table about the first chart."""
    empty = folder / "empty.py"
    empty.write_text(EMPTY)
    command = ["marimo", "run", str(empty), "--headless", "--no-token", "--port", "28197"]
    times: dict[str, list[float]] = {"empty": [], "dashboard": []}
    with (
        dashboard(folder, url, "--cutover", "2025-01-10", refresh="30") as served,
        serving(folder, command, "URL: ") as other,
        browser() as chromium,
    ):
        for _ in range(rounds + 1):
            for name, address in (("empty", other.url), ("dashboard", served.url)):
                context = chromium.new_context(viewport={"width": 1280, "height": 800})
                page = context.new_page()
                began = time.monotonic()
                page.goto(address)
                page.wait_for_selector("marimo-mime-renderer svg, marimo-vega svg, .vega-embed svg", timeout=120_000)
                times[name].append(time.monotonic() - began)
                context.close()
    middle = {name: statistics.median(found[1:]) for name, found in times.items()}
    ratio = middle["dashboard"] / middle["empty"]
    seconds = f"{middle['dashboard']:.1f} s and {middle['empty']:.1f} s, medians of {rounds}"
    what = "first chart, against an empty marimo notebook with one chart, same browser and run"
    return [f"| {what} | **{ratio:.2f}** times ({seconds}) | 1.5 times |"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--intervals", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with start() as server, tempfile.TemporaryDirectory() as name:
        url = server.create_database("load")
        sample.create_table(url)
        sample.load_history(url)
        insert(url, *({"completed_at": f"2025-01-{day:02} 13:00"} for day in range(10, 20)))
        lines = ["| | measured | limit |", "| --- | --- | --- |"]
        lines += load(url, Path(name), options.viewers, options.intervals)
        if options.rounds:
            lines += first_chart(url, Path(name), options.rounds)
    print(*lines, sep="\n")
    if options.write:
        pages.write("dashboard_load", lines)


if __name__ == "__main__":
    main()
