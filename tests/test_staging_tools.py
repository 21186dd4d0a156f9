"""The files of a staging in the hands of the tools that apply migrations: drizzle-kit and Alembic."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

import drizzle_kit
from drizzle_kit import DrizzleProject
from genreq_checks.cli import app
from genreq_checks.embedded import sample
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import execute
from staged import CATALOG, hold_passed, psql, restamp
from test_staging import retired

ROW = "INSERT INTO generation_requests (status, download_url, conversation) VALUES ('completed', 'https://a', '[1]')"


@pytest.fixture(params=[drizzle_kit.PROJECT, drizzle_kit.CANDIDATE], ids=["0.31", "1.0 rc"])
def project(request: pytest.FixtureRequest, tmp_path: Path, empty_database: str) -> DrizzleProject:
    """A project whose one migration is applied; the table has a row."""
    project = drizzle_kit.new_project(tmp_path / "project", request.param)
    project.kit("generate", "--name", "make")
    project.kit("migrate", url=empty_database)
    execute(empty_database, ROW)
    return project


def stage(url: str, folder: Path, *more: str) -> str:
    done = CliRunner().invoke(app, ["stage", url, "-o", str(folder), *more])
    assert done.exit_code == 0, done.output
    return done.stderr


def put(project: DrizzleProject, name: str, text: str) -> None:
    """The text as that of the migration that drizzle-kit has just made."""
    (file,) = [*project.out.glob(f"*_{name}.sql"), *project.out.glob(f"*_{name}/migration.sql")]
    file.write_text(text)


def values(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, download_url, conversation::text FROM generation_requests").fetchall()


def states(plan: Plan, url: str, folder: Path) -> dict[str, tuple[str, str]]:
    """Each migration's state, and what it does in words, by its name without the number or time before it."""
    now = observe(plan, url, only=CATALOG, fingerprints="none", migrations=folder)
    found = check(plan, now, phase="held", only=["migrations"]).check("migrations").findings
    return {
        one.subject.partition("_")[2]: (one.evidence["state"], one.message.partition(", ")[2].partition(",")[0])
        for one in found
    }


@pytest.mark.node
def test_drizzle_goes_through_all_of_it(
    project: DrizzleProject, empty_database: str, plan: Plan, tmp_path: Path
) -> None:
    files, before = tmp_path / "staging", values(empty_database)
    told = stage(empty_database, files, "--for", "drizzle", "--migrations", str(project.out))
    assert ('"idx": 1' in told) == (project.out / "meta" / "_journal.json").exists()
    project.set_schema("after")
    project.kit("generate", "--name", "retire")
    put(project, "retire", (files / "1-retire.sql").read_text())
    assert states(plan, empty_database, project.out)["retire"] == (
        "pending",
        "which hides download_url and conversation",
    )
    project.kit("migrate", url=empty_database)
    assert len(retired(empty_database)) == 2
    assert states(plan, empty_database, project.out)["retire"][0] == "applied"
    project.kit("migrate", url=empty_database)
    assert "No schema changes" in project.kit("generate", "--name", "nothing")
    project.set_schema("before")
    project.kit("generate", "--name", "undo")
    put(project, "undo", (files / "undo.sql").read_text())
    project.kit("migrate", url=empty_database)
    assert values(empty_database) == before

    stage(empty_database, tmp_path / "again", "--for", "drizzle")
    project.set_schema("after")
    project.kit("generate", "--name", "retire_again")
    put(project, "retire_again", (tmp_path / "again" / "1-retire.sql").read_text())
    project.kit("migrate", url=empty_database)
    since = datetime.now(UTC) - timedelta(days=8)
    restamp(empty_database, at=f"{since:%Y-%m-%dT%H:%M:%S.%fZ}")
    (tmp_path / "held.json").write_text(hold_passed(plan, empty_database, since).model_dump_json())
    stage(empty_database, tmp_path / "last", "--for", "drizzle", "--finalise", str(tmp_path / "held.json"))
    project.kit("generate", "--custom", "--name", "finalise")
    put(project, "finalise", (tmp_path / "last" / "2-finalise.sql").read_text())
    assert states(plan, empty_database, project.out)["finalise"] == (
        "pending",
        "which drops download_url and conversation",
    )
    project.kit("migrate", url=empty_database)
    assert retired(empty_database) == []
    assert {state for state, _ in states(plan, empty_database, project.out).values()} == {"applied"}
    now = observe(plan, empty_database, only=CATALOG)
    assert check(plan, now, only=["dropped.*"]).outcome == "pass"


@pytest.mark.node
def test_drizzle_drops_nothing_with_retire_and_finalise_in_one_folder(
    project: DrizzleProject, empty_database: str, plan: Plan, tmp_path: Path
) -> None:
    """It applies all pending files in one run; that fails as a whole, and so does the next run."""
    files, before = tmp_path / "staging", values(empty_database)
    stage(empty_database, files, "--for", "drizzle")
    finalise = finalise_of(empty_database, plan, files, tmp_path)
    project.set_schema("after")
    project.kit("generate", "--name", "retire")
    put(project, "retire", (files / "1-retire.sql").read_text())
    project.kit("generate", "--custom", "--name", "finalise")
    put(project, "finalise", finalise)
    for _ in range(2):
        project.kit("migrate", url=empty_database, code=1)
        assert (retired(empty_database), values(empty_database)) == ([], before)


def finalise_of(url: str, plan: Plan, files: Path, folder: Path) -> str:
    """A file that drops, made after a hold that is then undone."""
    psql(url, files / "1-retire.sql")
    since = datetime.now(UTC) - timedelta(days=8)
    restamp(url, at=f"{since:%Y-%m-%dT%H:%M:%S.%fZ}")
    (folder / "held.json").write_text(hold_passed(plan, url, since).model_dump_json())
    stage(url, folder / "last", "--finalise", str(folder / "held.json"))
    psql(url, files / "undo.sql")
    return (folder / "last" / "2-finalise.sql").read_text()


ALEMBIC_INI = "[alembic]\nscript_location = {folder}\n"
ALEMBIC_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ["URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def alembic(folder: Path, url: str, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "alembic", "-c", str(folder / "alembic.ini"), *arguments]
    environment = {"URL": url.replace("postgresql://", "postgresql+psycopg://"), "PATH": "/usr/bin:/bin"}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == code, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def test_alembic_goes_through_all_of_it(database: str, plan: Plan, tmp_path: Path) -> None:
    sample.load_history(database)
    before = values(database)
    versions = tmp_path / "project" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "project" / "alembic.ini").write_text(ALEMBIC_INI.format(folder=tmp_path / "project"))
    (tmp_path / "project" / "env.py").write_text(ALEMBIC_ENV)
    (versions / "first.py").write_text('revision = "first"\ndown_revision = None\ndef upgrade(): pass\n')
    project = tmp_path / "project"
    alembic(project, database, "upgrade", "head")
    finalise = finalise_in_alembic(database, plan, tmp_path)
    stage(database, tmp_path / "files", "--for", "alembic", "--migrations", str(project))
    retire = (tmp_path / "files" / "1_retire.py").read_text()
    assert "down_revision = 'first'" in retire
    (versions / "1_retire.py").write_text(retire)
    both = finalise.replace("down_revision = None", f"down_revision = {retire.partition('revision = ')[2].split()[0]}")
    (versions / "2_finalise.py").write_text(both)
    now = observe(plan, database, only=CATALOG, fingerprints="none", migrations=project)
    found = check(plan, now, phase="held", only=["migrations"]).check("migrations").findings
    assert [(one.subject, one.evidence["state"], one.evidence["unclear"]) for one in found] == [
        ("first", "applied", ""),
        (found[1].subject, "pending", ""),
        (found[2].subject, "pending", ""),
    ]
    assert "Its guard refuses: download_url is not hidden" in found[2].message
    said = alembic(project, database, "upgrade", "head", code=1)
    assert "refused to finalise: download_url was retired in this very transaction" in said
    assert values(database) == before
    (versions / "2_finalise.py").unlink()
    alembic(project, database, "upgrade", "head")
    assert len(retired(database)) == 2
    alembic(project, database, "downgrade", "-1")
    assert values(database) == before


def finalise_in_alembic(url: str, plan: Plan, folder: Path) -> str:
    """The same for Alembic."""
    stage(url, folder / "psql")
    psql(url, folder / "psql" / "1-retire.sql")
    since = datetime.now(UTC) - timedelta(days=8)
    restamp(url, at=f"{since:%Y-%m-%dT%H:%M:%S.%fZ}")
    (folder / "held.json").write_text(hold_passed(plan, url, since).model_dump_json())
    stage(url, folder / "last", "--finalise", str(folder / "held.json"), "--for", "alembic")
    psql(url, folder / "psql" / "undo.sql")
    return (folder / "last" / "2_finalise.py").read_text()
