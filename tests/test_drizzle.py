"""The real drizzle-kit generates, applies, skips and pushes; the check `migrations` is right about each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import drizzle_kit
from conftest import Server
from drizzle_kit import DrizzleProject
from genreq_checks.plan import Bookkeeping, Plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import CheckResult, Phase, Report
from genreq_checks.run import check, observe
from rows import execute

pytestmark = pytest.mark.node

MAKE, DROP = "0000_make", "0001_drop"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the migrations as they were after the first and after the second `drizzle-kit generate`."""
    project = drizzle_kit.new_project(tmp_path_factory.mktemp("drizzle") / "project")
    project.kit("generate", "--name", "make")
    shutil.copytree(project.out, project.folder / "first")
    project.set_schema("after")
    project.kit("generate", "--name", "drop")
    return project.folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> DrizzleProject:
    """A project with both migrations."""
    new = drizzle_kit.new_project(tmp_path / "project")
    shutil.copytree(made / "drizzle", new.out)
    new.set_schema("after")
    return new


@pytest.fixture
def first_applied(made: Path, project: DrizzleProject, empty_database: str) -> str:
    """A database that has the first migration, applied by drizzle-kit when there was no second one."""
    shutil.rmtree(project.out)
    shutil.copytree(made / "first", project.out)
    project.kit("migrate", url=empty_database)
    shutil.rmtree(project.out)
    shutil.copytree(made / "drizzle", project.out)
    return empty_database


def report_of(plan: Plan, url: str, project: DrizzleProject, phase: Phase = "after") -> Report:
    return check(plan, observe(plan, url, migrations=project.out), phase=phase)


def judge(plan: Plan, url: str, project: DrizzleProject, phase: Phase = "after") -> CheckResult:
    return report_of(plan, url, project, phase).check("migrations")


def states(result: CheckResult) -> dict[str, tuple[str, str]]:
    return {f.subject: (f.evidence["state"], f.outcome) for f in result.findings}


def test_fresh(plan: Plan, empty_database: str, project: DrizzleProject) -> None:
    result = judge(plan, empty_database, project, "before")
    assert states(result) == {MAKE: ("pending", "pass"), DROP: ("pending", "pass")}


def test_first_applied(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    done = {MAKE: ("applied", "pass")}
    assert states(judge(plan, first_applied, project, "before")) == done | {DROP: ("pending", "pass")}
    assert states(judge(plan, first_applied, project)) == done | {DROP: ("pending", "fail")}


def test_applied(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    project.kit("migrate", url=first_applied)
    report = report_of(plan, first_applied, project)
    assert states(report.check("migrations")) == {MAKE: ("applied", "pass"), DROP: ("applied", "pass")}
    assert report.check("migrations").outcome == report.check("dropped.conversation").outcome == "pass"


def test_clock_behind(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    journal = project.out / "meta" / "_journal.json"
    entries = json.loads(journal.read_text())
    entries["entries"][1]["when"] = entries["entries"][0]["when"] - 1
    journal.write_text(json.dumps(entries))
    assert states(judge(plan, first_applied, project, "before"))[DROP] == ("skipped", "fail")
    assert "applied successfully" in project.kit("migrate", url=first_applied)
    report = report_of(plan, first_applied, project)
    assert states(report.check("migrations")) == {MAKE: ("applied", "pass"), DROP: ("skipped", "fail")}
    assert report.check("dropped.conversation").outcome == "fail"


def test_rolled_back(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    project.kit("migrate", url=first_applied)
    execute(first_applied, plan.sql.rollback)
    assert states(judge(plan, first_applied, project))[DROP] == ("contradicted", "fail")
    assert states(judge(plan, first_applied, project, "rolled-back"))[DROP] == ("contradicted", "warn")
    assert "applied successfully" in project.kit("migrate", url=first_applied)
    assert states(judge(plan, first_applied, project))[DROP] == ("contradicted", "fail")


def test_pushed(plan: Plan, empty_database: str, project: DrizzleProject) -> None:
    project.set_schema("before")
    project.kit("push", "--force", url=empty_database)
    assert states(judge(plan, empty_database, project)) == {MAKE: ("unrecorded", "warn"), DROP: ("pending", "fail")}
    project.set_schema("after")
    project.kit("push", "--force", url=empty_database)
    assert states(judge(plan, empty_database, project)) == {MAKE: ("unrecorded", "warn"), DROP: ("unrecorded", "warn")}


def test_edited(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    project.kit("migrate", url=first_applied)
    file = project.out / f"{DROP}.sql"
    file.write_text(
        file.read_text() + '\n--> statement-breakpoint\nALTER TABLE "generation_requests" DROP COLUMN "id";'
    )
    project.kit("migrate", url=first_applied)
    assert states(judge(plan, first_applied, project)) == {MAKE: ("applied", "pass"), DROP: ("edited", "warn")}


def test_crlf(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    project.kit("migrate", url=first_applied)
    for file in project.out.glob("*.sql"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    result = judge(plan, first_applied, project)
    assert states(result) == {MAKE: ("line-endings", "pass"), DROP: ("line-endings", "pass")}
    assert result.outcome == "pass"


def test_custom_table(plan: Plan, empty_database: str, project: DrizzleProject) -> None:
    project.kit("migrate", url=empty_database, books="ops.done")
    assert judge(plan, empty_database, project).outcome == "unknown"
    named = plan.model_copy(update={"migrations": Bookkeeping(schema="ops", table="done")})
    assert states(judge(named, empty_database, project)) == {MAKE: ("applied", "pass"), DROP: ("applied", "pass")}


def test_not_in_the_journal(plan: Plan, first_applied: str, project: DrizzleProject) -> None:
    journal = project.out / "meta" / "_journal.json"
    entries = json.loads(journal.read_text())
    del entries["entries"][1]
    journal.write_text(json.dumps(entries))
    assert "applied successfully" in project.kit("migrate", url=first_applied)
    assert states(judge(plan, first_applied, project)) == {MAKE: ("applied", "pass"), DROP: ("unlisted", "fail")}


@pytest.mark.parametrize("remark", [b"", b"-- only a remark\n"])
def test_byte_order_mark(
    plan: Plan, first_applied: str, project: DrizzleProject, server: Server, remark: bytes
) -> None:
    file = project.out / f"{DROP}.sql"
    file.write_bytes(b"\xef\xbb\xbf" + remark + file.read_bytes())
    result = judge(plan, first_applied, project, "before")
    assert states(result) == {MAKE: ("applied", "pass"), DROP: ("pending", "fail")}
    assert "begins with a byte-order mark" in str([f.message for f in result.findings])
    rehearsed = rehearse(plan, first_applied, forward=file, scratch_url=server.url())
    forward = next(step for step in rehearsed.steps if step.name == "forward")
    assert forward.outcome == "fail"
    assert "begins with a byte-order mark: save it without" in forward.message
    project.kit("migrate", url=first_applied, code=1)
    assert states(judge(plan, first_applied, project))[DROP] == ("pending", "fail")
