"""The command line: exit codes, one clear line for an error, pairs of format and output, only the report on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from genreq_checks.plan import Plan
from genreq_checks.run import observe
from rows import execute, insert

GITHUB = "https://github.com/leo/app"
DONE = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it: another process, no terminal."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("LEO_", "PG"))}
    command = [sys.executable, "-m", "genreq_checks", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=plain | environment, check=False, timeout=120
    )


@pytest.fixture
def cleaned(database: str, plan: Plan) -> str:
    """A database after a clean-up that worked: 40 rows before 2025-01-10, 40 after."""
    insert(database, *({"completed_at": "2025-01-05", "github_url": GITHUB} for _ in range(40)))
    execute(database, plan.sql.forward)
    insert(database, *({"completed_at": "2025-01-11", **DONE} for _ in range(40)))
    return database


def test_check_passes_and_its_json_is_the_contract(cleaned: str) -> None:
    done = run("check", cleaned, "--cutover", "2025-01-10T00:00:00Z", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    schema = json.loads(run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema)
    assert report["outcome"] == "pass"
    assert {
        "schema_version",
        "tool",
        "plan",
        "phase",
        "sources",
        "outcome",
        "counts",
        "rates",
        "derivation",
        "changes",
        "daily",
        "checks",
    } <= set(report)
    rate = next(r for r in report["rates"] if (r["column"], r["side"]) == ("artifacts_github_url", "after"))
    assert (rate["rows"], rate["populated"], rate["rate"]) == (40, 40, 1.0)


def test_a_failed_check_is_exit_code_1_and_says_what_to_do(cleaned: str) -> None:
    insert(cleaned, {"completed_at": "2025-01-11", "github_url": GITHUB})
    done = run("check", cleaned, "--cutover", "2025-01-10")
    assert done.returncode == 1
    assert "\nFAIL  The clean-up did not work: 1 of" in done.stdout
    assert "\n    genreq-checks rows derivation.artifacts_github_url " in done.stdout
    assert "SOURCE" not in done.stdout
    assert "read as UTC" in done.stdout


def test_a_warning_is_exit_code_0_and_1_when_strict(cleaned: str) -> None:
    insert(cleaned, {"completed_at": "2025-01-11", **DONE, "deployment_url": "null"})
    arguments = ("check", cleaned, "--cutover", "2025-01-10Z", "--format", "json")
    assert json.loads(run(*arguments).stdout)["outcome"] == "warn"
    assert (run(*arguments).returncode, run(*arguments, "--strict").returncode) == (0, 1)


def test_an_unreachable_server_is_exit_code_3_with_a_report_and_a_line(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = run("check", "postgresql://u:hidden-word@127.0.0.1:1/x", "--format", "json", "--output", str(file))
    assert done.returncode == 3
    assert "could not be read" in done.stderr
    assert "hidden-word" not in done.stderr + file.read_text()
    assert json.loads(file.read_text())["outcome"] == "unknown"


def test_without_source_and_variable_the_demo_is_named() -> None:
    done = run("check")
    assert done.returncode == 3
    assert "LEO_DATABASE_URL is not set" in done.stderr
    assert "genreq-checks demo" in done.stderr


def test_the_variable_names_the_source(cleaned: str) -> None:
    assert run("check", "--cutover", "2025-01-10Z", LEO_DATABASE_URL=cleaned).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "x.json"], "x.json could not be read"),
        (["check", "nothing"], "neither a database URL nor a file"),
        (["check", "postgresql://h/d", "--cutover", "yesterday"], "is not a point in time"),
        (["check", "postgresql://h/d", "--cutover", "0001-01-01T00:00+14:00"], "is not a point in time"),
        (["check", "postgresql://h/d", "--phase", "afer"], "Did you mean 'after'"),
        (["check", "postgresql://h/d", "--format", "jsn"], "Did you mean 'json'"),
        (["check", "postgresql://h/d", "--format", "json", "--format", "text"], "Only one format can go to stdout"),
        (["check", "postgresql://h/d", "--output", "a", "--output", "b"], "in pairs"),
        (
            ["check", "postgresql://h/d", "-f", "text", "-f", "junit", "-o", "r.xml"],
            "r.xml would get the format text, not junit",
        ),
        (["dashboard", "r.json"], "r.json could not be read"),
        (["check", "postgresql://h/d", "--output", "no/such/folder/a"], "does not exist"),
        (["check", "postgresql://h/d", "--plan", "no.toml"], "could not be read"),
        (["check", "postgresql://h/d", "--timeout", "inf"], "--timeout"),
        (["check", "postgresql://h/d", "--table", "."], "does not name a table"),
        (["check", "postgresql://h/d", "--table", ""], "does not name a table"),
        (["check", "--bseline", "x"], "No such option"),
        (["chek"], "No such command"),
        (["explain", "populaton"], "Did you mean 'population'"),
        (["snapshot", "postgresql://h/d"], "--output"),
    ],
)
def test_a_mistake_is_exit_code_2_one_line_and_no_traceback(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_gives_no_verdict(cleaned: str) -> None:
    command = f"exec {sys.executable} -m genreq_checks check '{cleaned}' --cutover 2025-01-10Z"
    full = subprocess.run(["sh", "-c", f"{command} > /dev/full"], capture_output=True, text=True, check=False)
    assert (full.returncode, full.stderr) == (3, "genreq-checks: No space left on device.\n")
    closed = subprocess.run(["sh", "-c", f"{command} >&-"], capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (0, "")


def test_a_plan_with_faults_lists_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("plan_version = 2\ntitel = 'x'\n[table]\nname = 'a'\nkey = 'id'\n")
    done = run("check", "postgresql://h/d", "--plan", "plan.toml", cwd=tmp_path)
    assert done.returncode == 2
    for words in ("plan_version", "Did you mean 'title'", "table.key", "dropped: missing"):
        assert words in done.stderr


def test_a_snapshot_is_a_baseline_and_a_source(cleaned: str, tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    taken = run("snapshot", cleaned, "--cutover", "2025-01-10Z", "-o", str(file))
    assert (taken.returncode, taken.stdout) == (0, "")
    assert "80 rows of public.generation_requests" in taken.stderr
    insert(cleaned, {"completed_at": "2025-01-12", **DONE})
    done = run("check", cleaned, "--baseline", str(file), "--cutover", "2025-01-10Z", "--format", "json")
    assert json.loads(done.stdout)["sources"]["before"]["location"].startswith("postgresql://")
    again = run("check", str(file), "--cutover", "2025-01-10Z", "--format", "json")
    assert json.loads(again.stdout)["outcome"] == "pass"


def test_a_snapshot_of_nothing_is_not_written(empty_database: str, tmp_path: Path) -> None:
    done = run("snapshot", empty_database, "-o", str(tmp_path / "s.json"))
    assert done.returncode == 3
    assert "No snapshot was written: There is no table" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_several_formats_are_written_to_several_files(cleaned: str, tmp_path: Path) -> None:
    places = ("--format", "text", "--output", "r.txt", "--format", "json", "--output", "r.json")
    done = run("check", cleaned, "--cutover", "2025-01-10Z", *places, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "r.json").read_text())["outcome"] == "pass"
    assert "\nPASS" in (tmp_path / "r.txt").read_text()


@pytest.mark.parametrize(("phase", "loaded"), [("after", "[]"), ("rolled-back", "[]"), ("before", "['sqlglot']")])
def test_nothing_heavy_is_loaded_before_it_is_used(
    plan: Plan, database: str, tmp_path: Path, phase: str, loaded: str
) -> None:
    """Before the drop the plan's SQL is read, and only then its parser is loaded."""
    observe(plan, database).save(tmp_path / "s.json")
    heavy = {
        "sqlalchemy",
        "psycopg",
        "pandas",
        "altair",
        "marimo",
        "duckdb",
        "pyarrow",
        "scipy",
        "statsmodels",
        "sqlglot",
        "tree_sitter",
    }
    program = f"""
import sys
sys.argv = ["genreq-checks", "check", {str(tmp_path / "s.json")!r}, "--phase", {phase!r}]
from genreq_checks.cli import main
try:
    main()
except SystemExit:
    pass
print(sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == loaded


def test_list_and_explain_have_every_check() -> None:
    ids = [line.split()[0] for line in run("list").stdout.splitlines()]
    assert "dropped.download_url" in ids
    for name in {identifier.split(".")[0] for identifier in ids}:
        assert run("explain", name).stdout.startswith(f"# {name}: ")
