"""Several formats in one run, each in its place; GitHub's step summary and the annotations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from junitparser import JUnitXml
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.outputs.formats import MODULES
from genreq_checks.plan import Plan
from genreq_checks.run import observe
from reports import CUTOVER
from rows import insert

RUN = CliRunner()


@pytest.fixture
def snapshot(database: str, plan: Plan, tmp_path: Path) -> Path:
    insert(database, {"completed_at": "2025-01-11 10:00", "github_url": "https://github.com/leo/app"})
    file = tmp_path / "now.json"
    observe(plan, database, CUTOVER).save(file)
    return file


def test_every_format_at_once_and_text_on_stdout(snapshot: Path, tmp_path: Path) -> None:
    words: list[str] = []
    for name in MODULES:
        words += ["--format", name, "--output", "-" if name == "text" else str(tmp_path / f"report.{name}")]
    done = RUN.invoke(app, ["check", str(snapshot), *words])
    assert done.exit_code == 1
    assert "\nFAIL  The clean-up did not work" in done.stdout
    assert all(len(row) <= 80 for row in done.stdout.splitlines())
    counts = json.loads((tmp_path / "report.json").read_text("utf-8"))["counts"]
    suite = JUnitXml.fromfile(str(tmp_path / "report.junit"))
    assert (suite.failures, suite.errors) == (counts["fail"], counts["unknown"])
    assert {file.suffix for file in tmp_path.glob("report.*")} == {f".{name}" for name in MODULES if name != "text"}
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_github_adds_to_the_step_summary(snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("## Before\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = RUN.invoke(app, ["check", str(snapshot), "--format", "github"])
    assert done.exit_code == 1
    assert done.stdout.startswith("::error title=genreq-checks%3A FAIL::")
    written = summary.read_text("utf-8")
    assert written.startswith("## Before\n")
    assert written.index("SNAPSHOT") < written.index("\n## ✗ FAIL: ") < 500  # what is shown, then the verdict


def test_a_step_summary_that_is_nearly_full_is_not_made_too_large(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (1024 * 1024 - 1500) + "\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert RUN.invoke(app, ["check", str(snapshot), "--format", "github"]).exit_code == 1
    assert 1024 * 1024 - 1400 < summary.stat().st_size <= 1024 * 1024
    assert "more lines do not fit here" in summary.read_text("utf-8")


def test_outside_of_a_job_the_missing_summary_is_reported_on_stderr(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    done = RUN.invoke(app, ["check", str(snapshot), "--format", "github"])
    assert done.exit_code == 1
    assert "no step summary was written" in done.stderr
    assert all(line.startswith("::") for line in done.stdout.splitlines())


def test_an_unwritable_step_summary_loses_no_annotation(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "summary.md"))
    done = RUN.invoke(app, ["check", str(snapshot), "--format", "github"])
    assert done.stdout.startswith("::error ")
    assert "GITHUB_STEP_SUMMARY" in str(done.exception)


def test_an_unknown_format_is_named_before_anything_is_read(snapshot: Path) -> None:
    done = RUN.invoke(app, ["check", str(snapshot), "--format", "junti"])
    assert "Did you mean 'junit'?" in str(done.exception)
    assert done.stdout == ""
