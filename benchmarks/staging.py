"""Retire and undo under 200 writes a second: how long does a writer wait, and is every value there afterwards?

uv run benchmarks/staging.py [ROWS]        (default 5,000,000: some minutes, 6 GB)
uv run benchmarks/staging.py --quick       (few rows and seconds: does it run?)
uv run benchmarks/staging.py --write       (also writes the table in docs/performance.md)

Each write is a transaction of its own, durable (fsync). The control run is the same without any file. Exit code 1 when the
longest wait of a writer is more than 10 ms above that of the control run, or anything was lost.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

import page
from archive_speed import FILL
from genreq_checks.embedded import sample, start
from genreq_checks.plan import load_plan
from genreq_checks.run import observe
from genreq_checks.staging import RETIRE, UNDO, stage_retire

WRITERS, A_SECOND = 4, 200
MOST_ABOVE = 0.010  # seconds
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_wal_size": "8GB"}
INSERT = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status)
    VALUES ('00000000-0000-4000-8000-000000000001', 'written meanwhile', '', '', 'completed')
"""
UPDATE = "UPDATE generation_requests SET github_url = 'https://github.com/a/' || id WHERE id = %s"
DIGEST = """
    SELECT count({0}), bit_xor(hashtextextended({0}, id)), bit_xor(hashtextextended({1}::text, id))
    FROM generation_requests WHERE app_name <> 'written meanwhile'
"""
PLACE = """
    SELECT c.relfilenode, array_agg(a.attnum ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.oid = 'generation_requests'::regclass AND a.attnum > 0 GROUP BY c.relfilenode
"""


@dataclass
class Load:
    """Writers at a steady pace: how long each write took, and how many rows were inserted."""

    url: str
    rows: int
    waits: list[float] = field(default_factory=list)
    inserted: int = 0
    failed: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def write(self, number: int) -> None:
        pace = WRITERS / A_SECOND
        with psycopg.connect(self.url, autocommit=True) as connection:
            due, turn = time.monotonic(), 0
            while not self.stopped.is_set():
                due, turn = due + pace, turn + 1
                time.sleep(max(0.0, due - time.monotonic()))
                begun = time.monotonic()
                try:
                    if turn % 2:
                        connection.execute(INSERT)
                    else:
                        connection.execute(UPDATE, (1 + (turn * 7919 + number * 104729) % self.rows,))
                except psycopg.Error as error:
                    self.failed.append(type(error).__name__)
                self.waits.append(time.monotonic() - begun)
                self.inserted += turn % 2


@contextmanager
def writers(url: str, rows: int) -> Iterator[Load]:
    """The load, for as long as the block runs."""
    load = Load(url, rows)
    threads = [threading.Thread(target=load.write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopped.set()
        for thread in threads:
            thread.join()


def apply(url: str, text: str) -> float:
    """Run a file as psql does; its time."""
    with psycopg.connect(url, autocommit=True) as connection:
        begun = time.monotonic()
        connection.execute(text.encode())
        return time.monotonic() - begun


def in_turn(url: str, files: tuple[str, str], seconds: float) -> list[float]:
    """Retire and undo in turn for so many seconds, once a second; how long each file took."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        for text in files:
            took.append(apply(url, text))
            time.sleep(0.5)
    return took


def behind_a_reader(url: str, retire: str) -> tuple[float, bool]:
    """With a reader in the way: how long the file tried, and whether it gave up and named the reader."""
    with psycopg.connect(url, application_name="long report") as reader:
        reader.execute("SELECT count(*) FROM generation_requests WHERE id < 1000")
        begun = time.monotonic()
        try:
            apply(url, retire)
        except psycopg.errors.RaiseException as error:
            return time.monotonic() - begun, f"session {reader.info.backend_pid} (long report" in str(error)
    return 0.0, False


def line(name: str, load: Load, files: str) -> str:
    """A run's line of the table."""
    ordered = sorted(load.waits)
    quantiles = statistics.median(ordered), ordered[int(0.95 * len(ordered))], ordered[-1]
    return f"| {name} | {len(ordered):,} | {' | '.join(f'{1000 * one:.1f} ms' for one in quantiles)} | {files} |"


def one(url: str, statement: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rows, seconds = (2_000, 3.0) if given.quick else (given.rows, given.seconds)
    plan = load_plan()
    with start(DURABLE) as server, tempfile.TemporaryDirectory() as name:
        url = server.create_database("leo")
        sample.create_table(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL, [rows])
            connection.execute("VACUUM (ANALYZE) generation_requests")
            connection.execute("CHECKPOINT")
        stage_retire(plan, url, observe(plan, url, only=["dropped.*", "dependents.*"], fingerprints="none"), Path(name))
        files = Path(name, RETIRE).read_text(), Path(name, UNDO).read_text()
        stood, digest = one(url, PLACE), one(url, DIGEST.format("download_url", "conversation"))
        with writers(url, rows) as control:
            time.sleep(seconds)
        with writers(url, rows) as staged:
            took = in_turn(url, files, seconds)
        with writers(url, rows) as blocked:
            tried, is_named = behind_a_reader(url, files[0])
        kept = one(url, "SELECT count(*) FROM generation_requests WHERE app_name = 'written meanwhile'")[0]
        unchanged = stood == one(url, PLACE), digest == one(url, DIGEST.format("download_url", "conversation"))
    written = control.inserted + staged.inserted + blocked.inserted
    what = (
        "relfilenode, attnum and the digest of the old values are unchanged" if all(unchanged) else "IT IS NOT THE SAME"
    )
    lines = [
        "| run | writes | median wait | 95 % | longest | files |",
        "| --- | --- | --- | --- | --- | --- |",
        line("control", control, "none"),
        line(
            "retire and undo in turn",
            staged,
            f"{len(took)}, {1000 * statistics.median(took):.1f} ms each, at most {1000 * max(took):.1f} ms",
        ),
        line("retire behind a reader", blocked, f"gave up after {tried:.1f} s{' and named it' if is_named else ''}"),
        "",
        f"Of {rows:,} rows, {kept:,} of {written:,} written meanwhile are there; {what}.",
    ]
    print(*lines, sep="\n")
    if given.write:
        page.write("staging", lines)
    above = max(staged.waits) - max(control.waits)
    failed = [*control.failed, *staged.failed, *blocked.failed]
    if not all(unchanged) or kept != written or failed or not is_named or (above > MOST_ABOVE and not given.quick):
        sys.exit(f"longest wait {1000 * above:+.1f} ms, {len(failed)} writes failed")


if __name__ == "__main__":
    main()
