"""The check `generation`: how facts are judged, each with the fault that makes it fail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app as command_line
from genreq_checks.cli.generate import report_on
from genreq_checks.errors import UsageError
from genreq_checks.facts import Copied, Derived, GenerationFacts
from genreq_checks.leo.generation.saved import save_facts
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe

GITHUB = Copied(column="github_url", field="github_url", sent="https://github.com/o/r", stored="as sent", changed=True)
FLYIO = Copied(column="deployment_url", field="flyio_url", sent="https://a.fly.dev", stored="as sent", changed=True)
ARTIFACTS = Derived(column="artifacts_github_url", source="github_url", derivation="match")
FACTS = GenerationFacts(
    run_at=datetime(2025, 1, 2, tzinfo=UTC),
    table="public.generation_requests",
    request="1",
    server="ws://h/wsi",
    database="postgresql://h/leo",
    reached=True,
    status="completed",
    completed=True,
    copied=(GITHUB, FLYIO),
    derived=(ARTIFACTS,),
)
UNSENT: dict[str, Any] = {"sent": None, "unsent": "for a reason", "stored": "null", "changed": False}


def judged(plan: Plan, facts: GenerationFacts) -> dict[str, str]:
    return {f.subject: f.outcome for f in report_on(plan, facts).check("generation").findings}


def test_a_run_whose_row_is_right_passes(plan: Plan) -> None:
    assert set(judged(plan, FACTS).values()) == {"pass"}
    assert report_on(plan, FACTS).exit_code() == 0


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"table": "public.other"}, "unknown"),
        ({"reached": False, "problem": "Nobody there."}, "unknown"),
        ({"unread": "No right."}, "unknown"),
        ({"problem": "It closed."}, "fail"),
        ({"completed": False}, "fail"),
        ({"completed": False, "status": "generating"}, "fail"),
    ],
)
def test_a_failed_run_judges_no_columns(plan: Plan, changes: dict[str, Any], outcome: str) -> None:
    assert judged(plan, FACTS.model_copy(update=changes)) == {"generation": outcome}


@pytest.mark.parametrize(
    ("copied", "outcome"),
    [
        ({"stored": "null"}, "fail"),
        ({"stored": "blank"}, "fail"),
        ({"stored": "another value"}, "fail"),
        (UNSENT, "unknown"),
        (UNSENT | {"lawful": True}, "skip"),
        (UNSENT | {"lawful": True, "changed": True}, "fail"),
    ],
)
def test_a_copied_column_is_judged_by_what_was_sent(plan: Plan, copied: dict[str, Any], outcome: str) -> None:
    facts = FACTS.model_copy(update={"copied": (GITHUB, FLYIO.model_copy(update=copied))})
    found = judged(plan, facts)
    assert found.pop("deployment_url") == outcome
    assert set(found.values()) == {"pass"}


@pytest.mark.parametrize(
    ("derivation", "outcome"),
    [("match", "pass"), ("none", "unknown"), ("missing", "fail"), ("wrong", "fail"), ("unexpected", "fail")],
)
def test_a_derived_column_is_judged_by_its_class(plan: Plan, derivation: str, outcome: str) -> None:
    derived = ARTIFACTS.model_copy(update={"derivation": derivation})
    assert judged(plan, FACTS.model_copy(update={"derived": (derived,)}))["artifacts_github_url"] == outcome


def test_a_check_of_the_table_skips_a_generation_that_was_not_run(plan: Plan, database: str) -> None:
    report = check(plan, observe(plan, database))
    assert report.check("generation").outcome == "skip"
    assert next(row for row in report.requirements if row.id == "test:1").outcome == "skip"


@pytest.mark.parametrize(("embedded", "outcome"), [(False, "pass"), (True, "unknown")])
def test_a_saved_run_proves_the_requirement_unless_it_was_the_reference_servers_own(
    database: str, tmp_path: Path, embedded: bool, outcome: str
) -> None:
    file = tmp_path / "generation.json"
    save_facts(FACTS.model_copy(update={"embedded": embedded}), file)
    arguments = ["check", database, "--generation", str(file), "--format", "json"]
    report = Report.model_validate_json(CliRunner().invoke(command_line, arguments).stdout)
    assert report.check("generation").outcome == outcome
    assert next(row for row in report.requirements if row.id == "test:1").outcome == outcome


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"format": "another"}', b"\xff"])
def test_a_file_that_is_not_a_saved_run_is_a_wrong_call(database: str, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "generation.json"
    if content is not None:
        file.write_bytes(content)
    result = CliRunner().invoke(command_line, ["check", database, "--generation", str(file)])
    assert isinstance(result.exception, UsageError)
    assert "generation.json" in str(result.exception)
