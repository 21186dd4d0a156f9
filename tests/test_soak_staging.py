"""Client or server killed at random moments of retire, undo and finalise: one named state, and the next run goes on from it.

uv run pytest -m soak tests/test_soak_staging.py      # GENREQ_SOAK and GENREQ_SEED as in test_soak.py
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from genreq_checks.embedded import EmbeddedServer, sample, start
from genreq_checks.plan import Plan
from genreq_checks.scratch.database import programs
from genreq_checks.scratch.dump import clean_environment
from staged import dump, finalise, psql, restamp, write
from test_soak import MOMENTS, SEED, query
from test_staging import retired

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
COLUMNS = """
    SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'generation_requests'::regclass
    AND attnum > 0 AND NOT attisdropped AND (attname LIKE '\\_retired%' OR attname IN ('download_url', 'conversation'))
"""


def state(url: str) -> str:
    """The one state that the table is in."""
    (found,) = query(url, COLUMNS)[0]
    names = str(found or "").split()
    if not names:
        return "finalised"
    if names == ["conversation", "download_url"]:
        return "there"
    assert len(names) == 2, names
    assert all(name.startswith("_retired_") for name in names), names
    return "retired"


def run_and_kill(url: str, file: Path, after: float, *, is_server: bool) -> bool:
    """Run a file with psql, and kill it, or the server's process that works for it; was it killed?"""
    command = [programs() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", str(file)]
    with subprocess.Popen(
        command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            if not is_server:
                process.kill()
            else:
                with suppress(psycopg.Error, ProcessLookupError), psycopg.connect(url) as connection:
                    found = connection.execute(
                        "SELECT pid FROM pg_stat_activity WHERE application_name = 'psql' AND datname = current_database()"
                    ).fetchall()
                    for (pid,) in found:
                        os.kill(pid, signal.SIGKILL)  # the server then restarts all of its processes
            process.wait(60)
            return True
    return False


@pytest.mark.parametrize("victim", ["client", "server"])
def test_killed_at_any_moment_the_table_is_in_one_state(plan: Plan, tmp_path: Path, victim: str) -> None:
    dice = random.Random(f"{SEED} staging {victim}")
    print(f"staging, {victim}: seed {SEED}, {MOMENTS} moments")
    seen: dict[tuple[str, str], int] = {}
    with start() as server:
        made = prepared(server, plan, tmp_path)
        files = {"there": tmp_path / "1-retire.sql", "retired": tmp_path / "undo.sql"}
        was = "there"
        for _ in range(MOMENTS):
            time.sleep(0.02)
            run_and_kill(made, files[was], dice.uniform(0.0, 0.12), is_server=victim == "server")
            until_quiet(made)
            now = state(made)
            assert now in ("there", "retired")
            seen[was, now] = seen.get((was, now), 0) + 1
            was = now
        print(seen)
        if was == "retired":
            psql(made, tmp_path / "undo.sql")
        assert plain(dump(made)) == plain((tmp_path / "before").read_text())
    assert len(seen) > 2, "no kill came before the end, or each did"


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_drop_that_is_killed_is_whole_or_was_not(plan: Plan, tmp_path: Path, victim: str) -> None:
    dice = random.Random(f"{SEED} finalise {victim}")
    seen: set[str] = set()
    with start() as server:
        template = prepared(server, plan, tmp_path)
        psql(template, tmp_path / "1-retire.sql")
        since = datetime.now(UTC) - timedelta(days=8)
        restamp(template, at=f"{since:%Y-%m-%dT%H:%M:%S.%fZ}")
        finalise(plan, template, tmp_path, since)
        for number in range(max(4, MOMENTS // 4)):
            url = server.create_database(f"killed_{number}", "leo")
            run_and_kill(url, tmp_path / "2-finalise.sql", dice.uniform(0.0, 0.12), is_server=victim == "server")
            until_quiet(url)
            seen.add(state(url))
            assert state(url) in ("retired", "finalised")
            psql(url, tmp_path / "2-finalise.sql")
            assert (state(url), retired(url)) == ("finalised", [])
            query(server.url(), "SELECT 1")
            server.drop_database(f"killed_{number}")
    print(seen)


def prepared(server: EmbeddedServer, plan: Plan, folder: Path) -> str:
    """A database with the history and the files for it."""
    url = server.create_database("leo")
    sample.create_table(url)
    sample.load_history(url)
    write(plan, url, folder)
    (folder / "before").write_text(dump(url))
    return url


def plain(text: str) -> str:
    """A dump without the sequences' values, which jump when a server is killed."""
    return re.sub(r"(?m)^SELECT pg_catalog.setval.*$", "", text)


def until_quiet(url: str) -> None:
    """Wait until no other session works in the database: what was killed has ended by then."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    for _ in range(200):
        with suppress(psycopg.Error, AssertionError):
            if query(url, others) == [(0,)]:
                return
        time.sleep(0.05)
    raise AssertionError("a session stays")
