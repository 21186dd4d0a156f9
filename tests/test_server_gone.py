"""A server process that ends during an archive or a restore: the error names the server, and no partial file is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.archive import restore, write_archive
from genreq_checks.archive.statements import look
from genreq_checks.cli import app
from genreq_checks.embedded import sample, start
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.sources.archive import read_facts
from rows import execute
from serving import until
from test_archive import FILL
from test_restore import ALL, back_and_forth, query

pytestmark = pytest.mark.slow

End = Callable[[int], None]
OURS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'genreq-checks' AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server of our own: where one of its processes is killed, it ends all others and recovers."""
    with start() as server:
        yield server


@pytest.fixture
def url(own_server: Server) -> Iterator[str]:
    name = f"gone_{os.urandom(4).hex()}"
    made = own_server.create_database(name)
    sample.create_table(made)
    execute(made, FILL)
    execute(made, "CHECKPOINT")  # the embedded server commits without waiting for the disk
    yield made
    until(lambda: is_up(made), bool)
    own_server.drop_database(name)


def is_up(url: str) -> bool:
    try:
        return bool(query(url, "SELECT 1"))
    except psycopg.OperationalError:
        return False


def terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)  # what pg_terminate_backend does


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def ending(url: str, end: End, told: list[int]) -> Callable[[int], None]:
    """A progress that ends the server's processes that serve us, once, and waits until they are gone."""

    def progress(rows: int) -> None:
        if not told:
            told.append(rows)
            pids = [pid for (pid,) in query(url, OURS)]
            assert pids
            for pid in pids:
                end(pid)
            until(lambda: all(not Path(f"/proc/{pid}").exists() for pid in pids), bool)

    return progress


@pytest.mark.parametrize("end", [terminate, kill])
def test_a_server_error_during_an_archive_is_reported_and_the_old_file_stays(
    url: str, plan: Plan, tmp_path: Path, end: End
) -> None:
    path, told = tmp_path / "a.parquet", list[int]()
    path.touch()
    with pytest.raises(SourceError) as caught:
        write_archive(plan, url, path, progress=ending(url, end, told))
    assert told
    assert caught.value.exit_code == 3
    assert "ended the connection" in caught.value.message or "was lost" in caught.value.message
    assert str(tmp_path) not in str(caught.value)
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"", ["a.parquet"])
    until(lambda: is_up(url), bool)
    assert write_archive(plan, url, path).rows == 40_000


@pytest.mark.parametrize("end", [terminate, kill])
def test_a_server_error_during_a_restore_is_reported_and_the_next_one_finishes(
    url: str, plan: Plan, tmp_path: Path, end: End
) -> None:
    path, told = tmp_path / "a.parquet", list[int]()
    before = query(url, ALL)
    write_archive(plan, url, path)
    back_and_forth(url, plan)
    execute(url, "CHECKPOINT")
    with pytest.raises(SourceError) as caught:
        restore(plan, path, url, progress=ending(url, end, told))
    assert told
    assert caught.value.exit_code == 3
    until(lambda: is_up(url), bool)
    done = restore(plan, path, url)
    assert (done.verified, done.placed + done.already) == (True, 80_000)
    assert query(url, ALL) == before
    assert read_facts(path).verified


def test_a_restore_whose_verification_is_interrupted_is_not_verified(
    url: str, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = tmp_path / "a.parquet", list[int]()
    write_archive(plan, url, path)
    back_and_forth(url, plan)
    end = ending(url, terminate, told)

    def cut_off(*arguments: Any, **options: Any) -> Any:
        end(1)
        return look(*arguments, **options)

    monkeypatch.setattr("genreq_checks.archive.compare.look", cut_off)
    with pytest.raises(SourceError) as caught:
        restore(plan, path, url)
    assert (told, caught.value.exit_code) == ([1], 3)


def test_a_time_limit_that_ends_the_copy_is_reported_as_one(url: str, plan: Plan, tmp_path: Path) -> None:
    def cancel(rows: int) -> None:
        execute(url, OURS.replace("SELECT pid", "SELECT pg_cancel_backend(pid)"))  # its SQLSTATE is the limit's

    with pytest.raises(SourceError, match="time limit"):
        write_archive(plan, url, tmp_path / "a", progress=cancel)
    assert os.listdir(tmp_path) == []


def test_the_command_ends_with_3(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    end = ending(url, terminate, told)
    monkeypatch.setattr("genreq_checks.cli.archive.Progress.show", lambda self, rows: end(rows))
    done = CliRunner().invoke(app, ["archive", url, "-o", str(tmp_path / "a.parquet")])
    assert isinstance(done.exception, SourceError)
    assert done.exception.exit_code == 3
    assert os.listdir(tmp_path) == []
