"""Staging in tests: write the files, run them with psql, and what the database is before and after."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime
from pathlib import Path

import psycopg

from genreq_checks.facts.retired import MARK
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.scratch.database import programs
from genreq_checks.scratch.dump import clean_environment
from genreq_checks.staging import Written, stage_finalise, stage_retire

CATALOG = ["dropped.*", "dependents.*"]


def write(plan: Plan, url: str, folder: Path) -> Written:
    """The files of a staging of the table as it is."""
    return stage_retire(plan, url, observe(plan, url, only=CATALOG, fingerprints="none"), folder)


def psql(url: str, file: Path, code: int = 0) -> str:
    """Run a file with psql; what the server said. The exit code must be the one that is expected (3: the file failed)."""
    command = [programs() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", str(file)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)
    assert finished.returncode == code, finished.stdout + finished.stderr
    return finished.stderr


def dump(url: str) -> str:
    """The database by pg_dump, structure and rows, without what differs in each dump."""
    finished = subprocess.run(
        [programs() / "pg_dump", "-d", url],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
        check=True,
    )
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", finished.stdout)


def restamp(url: str, **values: object) -> None:
    """Change what the stamps say."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            "WHERE attrelid = 'generation_requests'::regclass AND attname LIKE '\\_retired%'"
        ).fetchall()
        for name, comment in found:
            stamp = json.loads(comment.removeprefix(MARK)) | values
            text = (MARK + json.dumps(stamp)).replace("'", "''")
            connection.execute(f"COMMENT ON COLUMN generation_requests.\"{name}\" IS '{text}'".encode())


def hold_passed(plan: Plan, url: str, since: datetime) -> Report:
    """A passing report of the hold since then, of this database; only its words about the columns are made up."""
    report = check(
        plan, observe(plan, url, only=CATALOG, fingerprints="none"), phase="held", only=["held.*", "readers.*"]
    )
    made = []
    for one in report.checks:
        (first, *_) = one.findings
        passed = first.model_copy(update={"outcome": "pass", "evidence": {"since": since.isoformat()}})
        made.append(one.model_copy(update={"outcome": "pass", "findings": (passed,)}))
    return report.model_copy(update={"outcome": "pass", "checks": tuple(made), "only": ()})


def finalise(plan: Plan, url: str, folder: Path, since: datetime) -> None:
    """Write the file that drops, after a hold since then."""
    now = observe(plan, url, only=CATALOG, fingerprints="none")
    stage_finalise(plan, url, now, hold_passed(plan, url, since), folder)
