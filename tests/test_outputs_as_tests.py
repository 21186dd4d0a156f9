"""The checks in a team's own test suite: the function, the fixture, and the package's public names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import genreq_checks
from genreq_checks.errors import PlanError, UsageError
from genreq_checks.facts.recovery import Recovery
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Report
from genreq_checks.run import observe
from reports import CUTOVER, GITHUB
from rows import execute, insert

GOOD = {
    "completed_at": "2025-01-11 12:00",
    "github_url": GITHUB,
    "artifacts_github_url": f"{GITHUB}-artifacts",
    "deployment_url": "https://a.fly.dev",
}


@pytest.fixture
def clean(database: str, plan: Plan) -> str:
    """The URL of a database whose clean-up worked."""
    insert(database, *({"completed_at": "2025-01-02 10:00", "github_url": GITHUB} for _ in range(40)))
    execute(database, plan.sql.forward)
    insert(database, *(GOOD for _ in range(40)))
    return database


@pytest.mark.parametrize(
    "cutover", [CUTOVER, CUTOVER.replace(tzinfo=None), "2025-01-10T12:00", "2025-01-10T13:00+01:00"]
)
def test_a_clean_database_gives_its_report(clean: str, cutover: datetime | str) -> None:
    report = genreq_checks.assert_clean(clean, cutover=cutover)
    assert report.outcome == "pass"
    assert report.plan.cutover == datetime(2025, 1, 10, 12, tzinfo=UTC)


def test_a_failed_check_is_an_assertion_with_the_findings(clean: str) -> None:
    execute(clean, "UPDATE generation_requests SET artifacts_github_url = NULL WHERE completed_at > '2025-01-10'")
    with pytest.raises(AssertionError, match=r"FAIL  The clean-up did not work[\s\S]*40 rows of 40 completed rows"):
        genreq_checks.assert_clean(clean, cutover=CUTOVER)


def test_the_first_line_names_the_checks(clean: str, tmp_path: Path) -> None:
    execute(clean, "UPDATE generation_requests SET artifacts_github_url = NULL WHERE completed_at > '2025-01-10'")
    with pytest.raises(AssertionError) as caught:
        genreq_checks.assert_clean(clean, cutover=CUTOVER)
    first, blank, *_ = str(caught.value).splitlines()
    failed, unknown = first.split("; ")
    assert failed == "fail: population.artifacts_github_url, derivation.artifacts_github_url"
    assert unknown == "unknown: url-shape.artifacts_github_url"  # it has no value whose shape could be judged
    assert blank == ""
    done = run_suite(tmp_path, clean)
    assert "test_clean - AssertionError: fail: population.art" in done.stdout
    with pytest.raises(AssertionError) as caught:
        genreq_checks.assert_clean("postgresql://nobody@127.0.0.1:1/none", cutover=CUTOVER)
    assert str(caught.value).splitlines()[0].startswith("unknown: dependents.download_url, ")
    assert " more" in str(caught.value).splitlines()[0]


def test_a_standby_within_the_limit_is_judged(clean: str, monkeypatch: pytest.MonkeyPatch) -> None:
    late = observe(load_plan(), clean, CUTOVER)
    state = Recovery(paused=False, lag=5.0)
    late = late.model_copy(update={"source": late.source.model_copy(update={"recovery": state})})
    assert genreq_checks.assert_clean(late, cutover=CUTOVER, max_lag=60).outcome == "pass"
    with pytest.raises(AssertionError, match="unknown: "):
        genreq_checks.assert_clean(late, cutover=CUTOVER, max_lag=1)


def test_what_cannot_be_judged_is_not_a_pass(clean: str) -> None:
    with pytest.raises(AssertionError, match="UNKNOWN"):
        genreq_checks.assert_clean(clean)
    with pytest.raises(AssertionError, match=r"could not be read"):
        genreq_checks.assert_clean("postgresql://nobody@127.0.0.1:1/none", cutover=CUTOVER)


def test_a_warning_fails_only_when_strict(clean: str) -> None:
    insert(clean, GOOD | {"deployment_url": "null"})
    assert genreq_checks.assert_clean(clean, cutover=CUTOVER).outcome == "warn"
    with pytest.raises(AssertionError, match="with 1 warning"):
        genreq_checks.assert_clean(clean, cutover=CUTOVER, strict=True)


def test_a_baseline_and_a_plan_may_be_files(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, *({"completed_at": "2025-01-02 10:00", "github_url": GITHUB} for _ in range(40)))
    file = tmp_path / "before.json"
    genreq_checks.observe(plan, database, CUTOVER).save(file)
    execute(database, plan.sql.forward)
    insert(database, *(GOOD for _ in range(40)))
    report = genreq_checks.assert_clean(database, baseline=file, cutover=CUTOVER, plan=plan)
    assert set(report.sources) == {"before", "after"}
    with pytest.raises(PlanError):
        genreq_checks.assert_clean(database, plan=tmp_path / "none.toml")


def test_a_wrong_call_is_not_a_finding(clean: str) -> None:
    with pytest.raises(UsageError, match="Did you mean 'after'"):
        genreq_checks.assert_clean(clean, phase="aftr")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is not a point in time"):
        genreq_checks.assert_clean(clean, cutover="yesterday")


def test_the_fixture_takes_the_environments_database(
    clean: str, monkeypatch: pytest.MonkeyPatch, genreq_check: Callable[..., Report]
) -> None:
    monkeypatch.setenv("LEO_DATABASE_URL", clean)
    assert genreq_check(cutover=CUTOVER).outcome == "pass"
    assert genreq_check(clean, cutover=CUTOVER).outcome == "pass"


SUITE = """
def test_clean(genreq_check):
    genreq_check(cutover="2025-01-10T12:00Z")

def test_function():
    import os, genreq_checks
    genreq_checks.assert_clean(os.environ["LEO_DATABASE_URL"], cutover="2025-01-10T12:00Z")
"""


def run_suite(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """A team's test suite in a process of its own; the plugin comes by its entry point."""
    (folder / "test_team.py").write_text(SUITE, "utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=junit.xml", "test_team.py"]
    environment = os.environ | {"LEO_DATABASE_URL": url}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_teams_suite_passes_and_records_the_counts(clean: str, tmp_path: Path) -> None:
    done = run_suite(tmp_path, clean)
    assert done.returncode == 0, done.stdout
    properties = {p.get("name"): p.get("value") for p in ET.parse(tmp_path / "junit.xml").iter("property")}
    assert properties["genreq_outcome"] == "pass"
    assert "0 fail" in (properties["genreq_counts"] or "")


def test_a_teams_suite_fails_with_the_report_and_without_the_password(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "postgresql://leo:hunter2@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stdout.count("UNKNOWN  Not proven that the clean-up worked") >= 2
    assert "hunter2" not in done.stdout + done.stderr + (tmp_path / "junit.xml").read_text("utf-8")


def test_importing_the_package_and_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, genreq_checks, genreq_checks.testing.pytest_plugin; dir(genreq_checks);"
        "heavy = {'pydantic', 'sqlalchemy', 'psycopg', 'pandas', 'altair', 'rich', 'typer'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", genreq_checks.__all__)
def test_each_public_name_is_there_and_documented(name: str) -> None:
    assert name in dir(genreq_checks)
    assert getattr(genreq_checks, name).__doc__
    assert getattr(genreq_checks, name) is getattr(genreq_checks, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = genreq_checks.nonsense
