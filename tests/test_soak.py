"""Killed at random moments, the server too, and with a full disk: nothing is lost, nothing is partial, a rerun finishes.

    uv run pytest -m soak -n 2        # GENREQ_SOAK=10 for ten moments each in place of a hundred

Each run prints the seed of its moments; GENREQ_SEED repeats them.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from conftest import Server
from genreq_checks.archive import write_archive
from genreq_checks.errors import GenreqError
from genreq_checks.plan import Plan
from genreq_checks.snapshot import load_snapshot
from genreq_checks.sources.archive import read_facts
from rows import execute
from test_archive import FILL

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
MOMENTS = int(os.environ.get("GENREQ_SOAK", "100"))
SEED = int(os.environ.get("GENREQ_SEED", str(random.SystemRandom().randrange(10**6))))
VALUES = "SELECT id, download_url, conversation::text FROM generation_requests ORDER BY id"
FORGET = "UPDATE generation_requests SET download_url = NULL, conversation = NULL"


def begin(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "genreq_checks", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(*words: object) -> tuple[int, str]:
    with begin(*words) as process:
        _, told = process.communicate(timeout=300)
        return process.returncode, told


def moments(seconds: float, word: str) -> Iterator[float]:
    """Random moments within a run that takes so many seconds, most of them after its imports.

    A run that ended before its moment took less: the moments after it are within that time.
    """
    print(f"{word}: seed {SEED}, {MOMENTS} moments in {seconds:.2f} s")
    dice = random.Random(f"{SEED} {word}")
    for _ in range(MOMENTS):
        low, high = (0.0, 0.3) if dice.random() < 0.1 else (0.3, 1.0)
        moment, start = dice.uniform(low * seconds, high * seconds), time.monotonic()
        yield moment
        seconds = min(seconds, time.monotonic() - start) if time.monotonic() - start < moment else seconds


def timed(*words: object) -> float:
    start = time.monotonic()
    code, told = finish(*words)
    assert code == 0, told
    return time.monotonic() - start


def killed(process: subprocess.Popen[str], after: float) -> bool:
    """Kill the process after so many seconds; False when it had ended by then."""
    with process:
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return process.returncode == -signal.SIGKILL
    assert process.returncode == 0
    return False


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    for _ in range(100):  # a server that was killed is back in a moment
        with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload,no-any-return]
        time.sleep(0.1)
    raise AssertionError("the server did not come back")


def contents(path: Path) -> list[tuple[str | None, ...]]:
    """The rows of an archive that is whole, by key: two archives of the same rows may have them in another order."""
    assert read_facts(path).verified
    table = pq.read_table(path)
    return sorted(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))


@pytest.fixture
def filled(database: str) -> str:
    execute(database, FILL)
    return database


@pytest.fixture
def archive(filled: str, plan: Plan, tmp_path: Path) -> Path:
    """An archive of the first half of the rows; afterwards the table has twice as many."""
    path = tmp_path / "a.parquet"
    write_archive(plan, filled, path)
    execute(filled, FILL)
    return path


def backends(url: str) -> list[int]:
    """The server processes that work for this program in the database."""
    found = query(
        url,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'",
    )
    return [int(str(row[0])) for row in found]


def test_a_killed_archive_leaves_the_old_one_or_the_new_one(filled: str, archive: Path) -> None:
    old = contents(archive)
    seconds = timed("archive", filled, "-o", archive.with_name("timed.parquet"))
    new = contents(archive.with_name("timed.parquet"))
    archive.with_name("timed.parquet").unlink()
    first, count = archive.read_bytes(), 0
    for moment in moments(seconds, "archive"):
        count += killed(begin("archive", filled, "-o", archive), moment)
        assert contents(archive) in (old, new)
        assert {p.name for p in archive.parent.iterdir()} <= {"a.parquet", ".a.parquet.part", ".a.parquet.part.spill"}
        archive.write_bytes(first)
    assert finish("archive", filled, "-o", archive)[0] == 0
    assert (contents(archive), [p.name for p in archive.parent.iterdir()]) == (new, ["a.parquet"])
    print(f"archive: {count} of {MOMENTS} runs killed, no archive lost")


def test_a_killed_restore_is_finished_by_the_next(filled: str, plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_archive(plan, filled, path)
    whole, before = path.read_bytes(), query(filled, VALUES)
    known = {row[0]: row for row in before}
    execute(filled, FORGET)
    seconds = timed("restore", path, filled, "--yes")
    assert query(filled, VALUES) == before
    count = 0
    for place, moment in enumerate(moments(seconds, "restore")):
        if place % 10 == 0:
            execute(filled, FORGET)
        count += killed(begin("restore", path, filled, "--yes"), moment)
        found = query(filled, VALUES)
        assert len(found) == len(before)
        assert all(cell in (None, then) for row in found for cell, then in zip(row, known[row[0]], strict=True))
        if place % 10 == 9:
            assert finish("restore", path, filled, "--yes")[0] == 0
            assert query(filled, VALUES) == before
    assert finish("restore", path, filled, "--yes")[0] == 0
    assert (query(filled, VALUES), path.read_bytes()) == (before, whole)
    print(f"restore: {count} of {MOMENTS} runs killed, every value back")


def test_a_killed_snapshot_leaves_the_old_one_or_the_new_one(filled: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    seconds = timed("snapshot", filled, "-o", path)
    execute(filled, FILL)
    count = 0
    for moment in moments(seconds, "snapshot"):
        count += killed(begin("snapshot", filled, "-o", path), moment)
        tally = load_snapshot(path).tally
        assert tally is not None
        assert tally.total in (40_000, 80_000)
        assert {p.name for p in tmp_path.iterdir()} <= {"s.json", ".s.json.part"}
    assert finish("snapshot", filled, "-o", path)[0] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]
    print(f"snapshot: {count} of {MOMENTS} runs killed, no snapshot lost")


@pytest.mark.parametrize("command", ["archive", "restore", "snapshot"])
def test_a_killed_server_is_reported_and_nothing_is_lost(
    command: str, server: Server, filled: str, plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    write_archive(plan, filled, path)
    before, old = query(filled, VALUES), path.read_bytes()
    output = path if command != "snapshot" else tmp_path / "s.json"
    words = ["restore", path, filled, "--yes"] if command == "restore" else [command, filled, "-o", output]
    if command == "restore":
        execute(filled, FORGET)
    seconds = timed(*words)
    dice, count = random.Random(f"{SEED} server {command}"), 0
    for _ in range(max(MOMENTS // 10, 3)):
        if command == "restore":
            execute(filled, FORGET)
        process, found = begin(*words), list[int]()
        while not found and process.poll() is None:
            found = backends(filled)
        time.sleep(dice.random() ** 2 * seconds / 4)
        for pid in found + backends(filled):  # the server ends all its processes, and begins again
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, told = process.communicate(timeout=300)
        # a snapshot that lacks what was not read any more does not take the place of a whole one
        assert process.returncode in (0, 3) or (command == "snapshot" and "was not replaced" in told), told
        assert "Traceback" not in told
        if process.returncode == 3:
            count += 1
            assert "could not be written" not in told
        if command == "archive":
            assert contents(path)
        elif command == "snapshot":
            assert load_snapshot(output).tally is not None
        assert query(filled, "SELECT count(*) FROM generation_requests") == [(40_000,)]
    assert finish(*words)[0] == 0
    assert query(filled, VALUES) == before
    assert command != "restore" or path.read_bytes() == old
    assert count > 0
    print(f"{command}: the server was killed in {count} runs")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system with little room. It takes root to mount one."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("room", [4, 64, 300, 700, 1000])
def test_a_full_disk_loses_nothing(room: int, filled: str, plan: Plan, tmp_path: Path) -> None:
    write_archive(plan, filled, tmp_path / "whole.parquet")
    size = (tmp_path / "whole.parquet").stat().st_size
    with small_disk(tmp_path / "disk", f"{(size // 1024) + room}k") as disk:
        path = disk / "a.parquet"
        shutil.copyfile(tmp_path / "whole.parquet", path)
        old = contents(path)
        execute(filled, FILL)
        for words in (
            ["archive", filled, "-o", path],
            ["snapshot", filled, "-o", disk / "s.json"],
            ["check", filled, "--format", "html", "--output", disk / "r.html"],
        ):
            (disk / "filler").write_bytes(b"")
            with suppress(OSError), (disk / "filler").open("wb") as filler:
                while True:
                    filler.write(b"x" * 4096)
                    filler.flush()
            code, told = finish(*words)
            assert "Traceback" not in told
            assert code in (2, 3), told
            assert "No space left" in told
            (disk / "filler").unlink()
            assert [p.name for p in disk.iterdir()] == ["a.parquet"]
            assert contents(path) == old
    with pytest.raises(GenreqError):
        read_facts(tmp_path / "disk" / "a.parquet")
