"""A server that does not answer, and Ctrl-C: every reading ends in time, with the reason, and the statement is cancelled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from genreq_checks.archive import write_archive
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.streaming import streamed
from genreq_checks.run import observe
from genreq_checks.sources import counts
from rows import execute
from serving import until
from stalling import active, none_active, proxy, stopped
from test_archive import FILL

pytestmark = pytest.mark.slow

SLOW = "SELECT pg_catalog.pg_sleep(60)"
LOCK = "LOCK TABLE generation_requests IN ACCESS EXCLUSIVE MODE"


@contextmanager
def frozen_at(number: int, pids: list[int]) -> Iterator[list[int]]:
    """Stop the backend just before the statement of that number; `pids` gets its process."""
    seen = [0]

    def before(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen[0] += 1
        if seen[0] == number:
            pids.append(cursor.connection.info.backend_pid)
            os.kill(pids[-1], signal.SIGSTOP)

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)


@pytest.fixture
def filled(database: str) -> str:
    execute(database, FILL)
    return database


def genreq(*words: object, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "genreq_checks", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def test_a_stopped_backend_ends_at_the_statements_limit(filled: str, plan: Plan) -> None:
    pids: list[int] = []
    began = time.monotonic()
    with stopped(pids), frozen_at(12, pids):
        snapshot = observe(plan, filled, timeout=0.5)
        took = time.monotonic() - began
    assert pids
    assert took < 10
    problem = snapshot.problem("tally")
    assert problem is not None
    assert "The time limit of 0.5 s passed while reading public.generation_requests; the server did not answer" in (
        problem.message
    )
    assert "--timeout" in problem.hint


def test_a_deadline_cancels_the_statement_and_says_so(filled: str) -> None:
    began = time.monotonic()
    with (
        pytest.raises(sa.exc.DBAPIError, match=r"deadline of 0\.7 s passed; the statement was cancelled"),
        reading(parse(filled), 300, Deadline.after(0.7)) as connection,
    ):
        connection.execute(sa.text(SLOW))
    assert time.monotonic() - began < 4
    none_active(filled)


def test_a_deadline_ends_the_run_and_keeps_the_parts_read_before(
    filled: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(connection: sa.Connection, _select: object, _parameters: object) -> Any:
        return streamed(connection, sa.select(sa.func.pg_sleep(60)), {})

    monkeypatch.setattr(counts, "streamed", slow)
    snapshot = observe(plan, filled, timeout=300, deadline=Deadline.after(2))
    assert snapshot.table is not None
    assert snapshot.dependents is not None
    reasons = {problem.part: problem.message for problem in snapshot.problems}
    reason = "The deadline of 2 s passed while reading public.generation_requests; the statement was cancelled."
    assert reasons == {"tally": reason, "bookkeeping": reason}


def test_after_the_deadline_nothing_is_sent(filled: str, plan: Plan) -> None:
    snapshot = observe(plan, filled, deadline=Deadline.after(-1))
    problem = snapshot.problem()
    assert problem is not None
    assert "the deadline of -1 s passed" in problem.message


def test_a_proxy_that_accepts_the_connection_and_never_answers(filled: str, plan: Plan) -> None:
    with proxy(filled) as between:
        assert observe(plan, between.url(filled)).problems == ()
        between.stalls.set()
        began = time.monotonic()
        problem = observe(plan, between.url(filled), deadline=Deadline.after(1)).problem()
        assert time.monotonic() - began < 3
        assert problem is not None
        assert "the deadline of 1 s passed while connecting" in problem.message
        slow = observe(plan, between.url(filled) + " connect_timeout=2").problem()
        assert slow is not None
        assert "timeout" in slow.message
        assert time.monotonic() - began < 12


def test_a_proxy_that_stops_answering_during_a_reading(filled: str, plan: Plan) -> None:
    with proxy(filled) as between, reading(parse(between.url(filled)), 0.5) as connection:
        between.stalls.set()
        began = time.monotonic()
        with pytest.raises(sa.exc.DBAPIError, match="the server did not answer and the connection was closed"):
            connection.execute(sa.text("SELECT 1"))
        assert time.monotonic() - began < 8


def test_no_thread_outlives_a_reading(filled: str, plan: Plan) -> None:
    before = set(threading.enumerate())
    pids: list[int] = []
    with stopped(pids), frozen_at(12, pids):
        observe(plan, filled, timeout=0.2)
        assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("limits", [{"timeout": 1.0}, {"deadline": 2.0}], ids=lambda limits: next(iter(limits)))
def test_an_archive_of_a_server_that_stops_ends_in_time(
    filled: str, plan: Plan, tmp_path: Path, limits: dict[str, float]
) -> None:
    execute(filled, FILL)
    pids: list[int] = []

    def freeze(rows: int) -> None:
        if not pids:
            found = active(filled)
            pids.extend(pid for pid, _ in found)
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)

    end = Deadline.after(limits["deadline"]) if "deadline" in limits else None
    began = time.monotonic()
    with stopped(pids), pytest.raises(SourceError) as caught:
        write_archive(plan, filled, tmp_path / "a", timeout=limits.get("timeout"), deadline=end, progress=freeze)
    assert pids
    assert time.monotonic() - began < 12
    assert "the server did not answer" in str(caught.value)
    assert os.listdir(tmp_path) == []
    until(lambda: [one for one in threading.enumerate() if one.name == "genreq-call"], lambda left: not left)


@pytest.mark.parametrize("command", ["check", "snapshot", "rows", "archive"])
def test_ctrl_c_cancels_in_the_server(filled: str, tmp_path: Path, command: str) -> None:
    words = {
        "check": ["check", filled, "--format", "json", "-o", tmp_path / "out"],
        "snapshot": ["snapshot", filled, "-o", tmp_path / "out"],
        "rows": ["rows", "loss.download_url", filled, "-o", tmp_path / "out"],
        "archive": ["archive", filled, "-o", tmp_path / "out"],
    }[command]
    with psycopg.connect(filled) as other:
        other.execute(LOCK)  # so that the statement on the table waits, for up to lock_timeout
        run = subprocess.Popen(
            [sys.executable, "-m", "genreq_checks", *map(str, words)], stderr=subprocess.PIPE, text=True
        )
        try:
            until(lambda: active(filled), bool)
            run.send_signal(signal.SIGINT)
            none_active(filled)
            _, told = run.communicate(timeout=20)
        finally:
            run.kill()
            run.wait()
    assert told == "genreq-checks: Stopped by Ctrl-C.\n"
    assert run.returncode == 130
    assert os.listdir(tmp_path) == []


def test_check_writes_its_outputs_when_the_deadline_passes(filled: str, tmp_path: Path) -> None:
    with psycopg.connect(filled) as other:
        other.execute(LOCK)
        out = ("--format", "json", "-o", tmp_path / "r.json", "--format", "junit", "-o", tmp_path / "r.xml")
        done = genreq("check", filled, "--deadline", "3", *out)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["outcome"] == "unknown"
    assert "The deadline of 3 s passed while reading" in (tmp_path / "r.json").read_text()
    assert (tmp_path / "r.xml").exists()


def test_ctrl_c_is_not_treated_as_an_unreadable_part(filled: str, plan: Plan) -> None:
    pids: list[int] = []
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        until(lambda: pids, bool)
        signal.pthread_kill(main, signal.SIGINT)

    began = time.monotonic()
    with stopped(pids), frozen_at(12, pids), ThreadPoolExecutor(1) as other:
        other.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            observe(plan, filled)
    assert time.monotonic() - began < 15
