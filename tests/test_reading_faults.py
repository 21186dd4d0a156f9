"""A fault at each statement of a reading: what was read is right, the rest is unknown, and no exception is raised."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from genreq_checks.archive import write_archive
from genreq_checks.archive.target import examine
from genreq_checks.checks import needs_of, rows_behind
from genreq_checks.cli import app
from genreq_checks.dashboard.answer import reader
from genreq_checks.dashboard.settings import Settings
from genreq_checks.dashboard.shared import Board
from genreq_checks.errors import GenreqError
from genreq_checks.facts import Reconciliation
from genreq_checks.leo.messages import reconcile
from genreq_checks.leo.request_row import read_row, readable_columns
from genreq_checks.plan import Plan
from genreq_checks.postgres import bounded, waiting
from genreq_checks.postgres.connection import parse
from genreq_checks.report import Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from genreq_checks.sources.rows import listing
from rows import execute, insert
from stalling import stopped

pytestmark = pytest.mark.slow

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
LIMIT = 1.0
Plant = Callable[[str, int], str | None]
GITHUB = "https://github.com/leo/app"


def terminate(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        while other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            time.sleep(0.005)


def refuse(url: str, pid: int) -> str:
    return "SELECT 1 / 0"


def cancel(url: str, pid: int) -> str:
    return "SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)"


def freeze(url: str, pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def failing(state: str) -> Plant:
    """A statement that fails with that SQLSTATE, as a stand-in for what cannot be had at will."""

    def plant(url: str, pid: int) -> str:
        return f"DO $$ BEGIN RAISE EXCEPTION 'a value of the user' USING ERRCODE = '{state}'; END $$"

    plant.__name__ = {
        "42501": "permission_denied",
        "53200": "out_of_memory",
        "53100": "disk_full",
        "40001": "recovery_conflict",
        "57P04": "database_dropped_by_recovery",
    }[state]
    return plant


PLANTS = [terminate, refuse, cancel, *map(failing, ("42501", "53200", "53100", "40001", "57P04"))]
# A server that was stopped is waited for at every statement: half a minute each, by `-m soak`. tests/test_deadline.py has one.
each_fault = pytest.mark.parametrize(
    "plant", [*PLANTS, pytest.param(freeze, marks=pytest.mark.soak)], ids=lambda plant: plant.__name__
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was stopped will not answer, however long one waits."""
    monkeypatch.setattr(waiting, "GRACE", 0.1)
    monkeypatch.setattr(bounded, "ANSWER", 0.1)


@contextmanager
def fault_at(number: int, url: str, plant: Plant) -> Iterator[list[int]]:
    """Plant a fault in place of, or before, the statement of that number; the list has the number of statements seen."""
    seen = [0]
    pids: list[int] = []

    def before(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
        seen[0] += 1
        if seen[0] == number:
            pids.append(cursor.connection.info.backend_pid)
            other = plant(url, pids[0])
            if other is not None:
                return other, ()
        return statement, parameters

    sa.event.listen(sa.Engine, "before_cursor_execute", before, retval=True)
    try:
        with stopped(pids):
            yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)


def outcomes(report: Report) -> dict[str, str]:
    return {one.id: one.outcome for one in report.checks}


@pytest.fixture
def filled(database: str) -> str:
    insert(
        database,
        *(
            {
                "github_url": GITHUB,
                "artifacts_github_url": f"{GITHUB}-artifacts",
                "completed_at": f"2025-01-{day:02} 13:00",
            }
            for day in range(1, 28)
        ),
    )
    return database


@each_fault
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_fault_at_any_statement_makes_nothing_green(filled: str, plan: Plan, plant: Plant, phase: Phase) -> None:
    before = observe(plan, filled, CUTOVER)
    if phase == "after":
        execute(filled, plan.sql.forward)
    with fault_at(0, filled, plant) as seen:
        clean = observe(plan, filled, CUTOVER)
    good, baseline = outcomes(judged(plan, clean, before, phase)), seen[0]
    assert clean.problems == ()
    assert baseline > 8
    for number in range(1, baseline + 1):
        with fault_at(number, filled, plant):
            broken = observe(plan, filled, CUTOVER, timeout=LIMIT)
        found = outcomes(judged(plan, broken, before, phase))
        worse = {name for name, outcome in found.items() if outcome not in (good[name], "unknown")}
        assert worse <= {"identity"}  # which warns when the server does not say what it is
        assert found["identity"] in (good["identity"], "unknown", "warn")
        for name in ("table", "tally", "dependents", "books"):
            part = {"books": "bookkeeping"}.get(name, name)
            there = getattr(broken, name)
            assert there == getattr(clean, name) or name == "table" or broken.problem(part) is not None, (number, name)
        if broken.problem("tally"):
            assert judged(plan, broken, before, phase).exit_code() in (1, 3)


def judged(plan: Plan, now: Snapshot, before: Snapshot, phase: Phase) -> Report:
    baseline = before if phase == "after" else None
    return check(plan, now, baseline, cutover=CUTOVER if phase == "after" else None, phase=phase)


@each_fault
def test_check_writes_every_output_whatever_fails(filled: str, plant: Plant, tmp_path: Path) -> None:
    def run(number: int) -> tuple[int, int, dict[str, str]]:
        files = tmp_path / f"{number}.json", tmp_path / f"{number}.xml"
        words = ["check", filled, "--phase", "before", "--timeout", str(LIMIT)]
        words += ["--format", "json", "-o", str(files[0]), "--format", "junit", "-o", str(files[1])]
        with fault_at(number, filled, plant) as seen:
            done = CliRunner().invoke(app, words)
        assert isinstance(done.exception, SystemExit | None), done.exception
        told = done.output + files[0].read_text() + files[1].read_text()
        assert "a value of the user" not in told
        assert files[1].read_text().startswith("<?xml")
        report = json.loads(files[0].read_text())
        return seen[0], done.exit_code, {one["id"]: one["outcome"] for one in report["checks"]}

    count, good_code, good = run(0)
    for number in range(1, count + 1):
        _, code, found = run(number)
        assert all(outcome in (good[name], "unknown") for name, outcome in found.items()), number
        assert (code, found) == (good_code, good) or code == 3, number


@each_fault
def test_a_snapshot_is_complete_or_absent(filled: str, plan: Plan, plant: Plant, tmp_path: Path) -> None:
    def run(number: int) -> int:
        file = tmp_path / f"{number}.json"
        with fault_at(number, filled, plant) as seen:
            done = CliRunner().invoke(app, ["snapshot", filled, "-o", str(file), "--timeout", str(LIMIT)])
        if isinstance(done.exception, GenreqError):
            assert done.exception.exit_code == 3
            assert "\n" not in str(done.exception)
            assert not file.exists()
        else:
            assert done.exit_code == 0, done.exception
            assert load_snapshot(file).tally == clean.tally
        return seen[0]

    clean = observe(plan, filled)
    for number in range(1, run(0) + 1):
        run(number)


@pytest.mark.parametrize(
    "plant", [terminate, refuse, pytest.param(freeze, marks=pytest.mark.soak)], ids=lambda plant: plant.__name__
)
def test_the_dashboard_keeps_its_answer_and_recovers(filled: str, plan: Plan, plant: Plant) -> None:
    now = [0.0]
    board = Board(reader(Settings(plan, filled, timeout=LIMIT)), refresh=30, patience=60, clock=lambda: now[0])
    with fault_at(0, filled, plant) as seen:
        first = board.latest()
    assert first.answer is not None
    good = outcomes(first.answer.report)
    for number in range(1, seen[0] + 1):
        now[0] += 30
        with fault_at(number, filled, plant):
            shown = board.latest()
        assert shown.under_way is None
        assert shown.answer is not None
        found = outcomes(shown.answer.report)
        assert all(outcome in (good[name], "unknown") for name, outcome in found.items()), number
        now[0] += 30
        assert not board.latest().is_stale


def read_rows(plan: Plan, url: str, folder: Path) -> object:
    one, selection = rows_behind(plan, "population.github_url")
    with listing(plan, url, selection, needs_of(plan, [one]), CUTOVER, timeout=LIMIT) as found:
        return list(found.rows)


def read_messages(plan: Plan, url: str, folder: Path) -> object:
    file = folder / "messages.jsonl"
    file.write_text(json.dumps({"type": "all_work_complete", "request_id": 1, "github_url": GITHUB}) + "\n")
    return reconcile(plan, url, [file], timeout=LIMIT)


def read_request(plan: Plan, url: str, folder: Path) -> object:
    columns = readable_columns(plan, parse(url), LIMIT)
    return read_row(plan, parse(url), columns, "1", LIMIT)


def archive(plan: Plan, url: str, folder: Path) -> object:
    return write_archive(plan, url, folder / "a.parquet", timeout=LIMIT, replace=True)


def look_before_restoring(plan: Plan, url: str, folder: Path) -> object:
    return examine(plan, folder / "before.parquet", url, LIMIT)


# psycopg warns of a server-side cursor whose FETCH failed: in a transaction that failed there is nothing to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@each_fault
@pytest.mark.parametrize("read", [read_rows, read_messages, read_request, archive, look_before_restoring])
def test_every_other_reader_reports_it_in_one_line(
    filled: str, plan: Plan, plant: Plant, read: Callable[[Plan, str, Path], object], tmp_path: Path
) -> None:
    write_archive(plan, filled, tmp_path / "before.parquet")
    with fault_at(0, filled, plant) as seen:
        read(plan, filled, tmp_path)
    assert seen[0] > 2
    codes = set[int]()
    for number in range(1, seen[0] + 1):
        with fault_at(number, filled, plant):
            try:
                answer = read(plan, filled, tmp_path)
                said = answer.problem or "" if isinstance(answer, Reconciliation) else ""
            except GenreqError as error:
                said = str(error)
                codes.add(error.exit_code)
        assert "\n" not in said
        assert "a value of the user" not in said
    assert codes <= {3}
