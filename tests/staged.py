"""Staging in tests: write the files, run them with psql, and what the database is before and after."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from genreq_checks.plan import Plan
from genreq_checks.run import observe
from genreq_checks.scratch.database import programs
from genreq_checks.scratch.dump import clean_environment
from genreq_checks.staging import Written, stage_retire

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
