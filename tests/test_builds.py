"""Builds with Drizzle, SQLAlchemy and Prisma, one that knows the dropped columns and one that does not, really run on the
table without them: what the oracle says of their statements is what happens.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import psycopg
import pytest

from genreq_checks.embedded import sample, start
from genreq_checks.plan import Plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.rehearsal.command_log import FILE, SETTINGS, read_log
from genreq_checks.rehearsal.commands import Commands
from genreq_checks.report import Finding, Report
from genreq_checks.sources.queries import read_queries
from npm import install_once, node
from rows import insert

pytestmark = [pytest.mark.node, pytest.mark.slow]
BUILDS = Path(__file__).with_name("builds")
APP = "build"
COLUMNS = ("download_url", "conversation")


@dataclass(frozen=True)
class Live:
    """A server whose log has every statement of the role `build`; `url` is ours, `app` is the build's, by TCP."""

    folder: Path
    url: str
    app: str


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with start(SETTINGS, network=True) as server:
        url = server.create_database("live")
        sample.create_table(url)
        insert(url, {"download_url": "x", "conversation": "{}"}, {"status": "queued"})
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in (
                "CREATE ROLE build LOGIN BYPASSRLS PASSWORD 'of-the-build'",
                "ALTER ROLE build SET log_statement = 'all'",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO build",
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO build",
            ):
                connection.execute(statement.encode())
        app = f"postgresql://build:of-the-build@127.0.0.1:{server.port}/live"
        monkeypatch.setenv("DATABASE_URL", app)
        yield Live(server.folder, url, app)


@dataclass(frozen=True)
class Outcome:
    """By column, the statements that the oracle says break, and those that failed on the copy for want of it."""

    predicted: dict[str, list[str]]
    happened: dict[str, list[str]]
    report: Report


def tried(live: Live, plan: Plan, command: str, scheme: str = "postgresql") -> Outcome:
    """Run a build on the live database, judge the statements of its log, then run it on the copy without the columns."""
    environment = os.environ | {"DATABASE_URL": live.app.replace("postgresql", scheme, 1)}
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(live.url, autocommit=True) as connection:
        log = read_log(connection, live.folder, "live")
    assert log.sessions
    assert log.failures == [], "with the columns nothing fails"
    facts = read_queries(plan, live.url, [live.folder / FILE])
    assert [one.text for one in facts.statements if one.judged.worst == "unknown"] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", environment["DATABASE_URL"])
        report = rehearse(plan, live.url, commands=Commands((command,), seconds=120))
    return Outcome(
        {name: sorted(one.text for one in facts.statements if one.judged.fates[name] == "breaks") for name in COLUMNS},
        {name: sorted(one.evidence["text"] for one in broken(report, name)) for name in COLUMNS},
        report,
    )


def broken(report: Report, column: str) -> list[Finding]:
    return [finding for finding in report.check(f"readers.{column}").findings if finding.outcome == "fail"]


def with_packages(name: str, folder: Path) -> Path:
    """A copy of a build's folder beside its packages from npm."""
    node()
    installed = install_once(BUILDS / name)
    place = folder / name
    shutil.copytree(BUILDS / name, place, ignore=shutil.ignore_patterns("node_modules", "build"))
    (place / "node_modules").symlink_to(installed, target_is_directory=True)
    return place


def drizzle(folder: Path) -> str:
    return f"node {quote(str(with_packages('drizzle', folder) / 'build.mjs'))}"


def sqlalchemy(_: Path) -> str:
    return f"{quote(sys.executable)} {quote(str(BUILDS / 'sqlalchemy' / 'build.py'))}"


def prisma(folder: Path) -> str:
    """The client is generated from the schema, by WebAssembly: the engine's program is asked for, and not used."""
    place = with_packages("prisma", folder)
    schema = (place / "old.prisma").read_text()
    without = "\n".join(line for line in schema.splitlines() if not any(name in line for name in COLUMNS))
    (place / "new.prisma").write_text(without.replace("./old", "./new") + "\n")
    environment = os.environ | {"PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true", "CHECKPOINT_DISABLE": "1"}
    for build in ("old", "new"):
        command = [place / "node_modules" / ".bin" / "prisma", "generate", "--schema", f"{build}.prisma"]
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return f"node {quote(str(place / 'build.mjs'))}"


BUILT = [(drizzle, "postgresql"), (sqlalchemy, "postgresql+psycopg"), (prisma, "postgresql")]


@pytest.mark.parametrize(("build", "scheme"), BUILT, ids=[build.__name__ for build, _ in BUILT])
def test_what_is_predicted_of_a_build_is_what_happens(
    live: Live, plan: Plan, tmp_path: Path, build: Callable[[Path], str], scheme: str
) -> None:
    command = build(tmp_path)
    old = tried(live, plan, f"{command} old", scheme)
    assert old.predicted == old.happened
    assert all(len(statements) >= 3 for statements in old.happened.values())
    assert {old.report.check(f"readers.{name}").outcome for name in COLUMNS} == {"fail"}
    (live.folder / FILE).write_text("")
    new = tried(live, plan, f"{command} new", scheme)
    assert new.predicted == new.happened == {name: [] for name in COLUMNS}
    assert {new.report.check(f"readers.{name}").outcome for name in COLUMNS} == {"pass"}
    assert new.report.exit_code() == 0
