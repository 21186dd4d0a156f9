"""The first rows behind each failing check: those of `rows`, masked, bounded; and the command that lists all of them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from genreq_checks.archive import write_archive
from genreq_checks.cli import app
from genreq_checks.evidence.commands import Call, Commands, call_for
from genreq_checks.facts import SourceInfo
from genreq_checks.outputs.grid import NONE, Counted, counted
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.postgres.connection import parse
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.report import Report
from genreq_checks.run import check, observe, with_examples
from genreq_checks.sources import first_rows
from genreq_checks.sources.first_rows import MOST, shown_key
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
SINCE = ("--cutover", "2025-01-10T12:00Z")
NEW = {"completed_at": "2025-01-12 08:00"}
GITHUB = "https://github.com/leo/secret-app"
SECRET = "Ada's text"
READ_AT = datetime(2025, 1, 20, tzinfo=UTC)


@pytest.fixture
def failing(database: str) -> str:
    """Rows without a repository, with a wrong derivation, with a token and with text in place of a URL."""
    insert(database, *({"completed_at": "2025-01-02", "github_url": GITHUB} for _ in range(20)))
    insert(database, *(NEW for _ in range(25)))
    insert(database, *(NEW | {"github_url": GITHUB, "artifacts_github_url": GITHUB} for _ in range(3)))
    insert(database, *(NEW | {"github_url": GITHUB, "deployment_url": SECRET} for _ in range(40)))
    insert(database, NEW | {"github_url": "https://ghp_0123456789@github.com/a/b"})
    return database


def judged(plan: Plan, url: str, **options: float) -> Report:
    now = observe(plan, url, CUTOVER)
    return with_examples(check(plan, now, cutover=CUTOVER), plan, url, now, **options)


def keys_of(report: Report, name: str) -> list[str]:
    examples = report.check(name).examples
    assert examples is not None
    return [row.key[0] for row in examples.rows]


def test_each_failing_check_with_rows_has_its_first_ones(plan: Plan, failing: str) -> None:
    report = judged(plan, failing)
    shown = {one.id: one.examples for one in report.checks if one.examples is not None}
    assert {"population.github_url", "derivation.artifacts_github_url", "url-shape.deployment_url"} <= shown.keys()
    assert {report.check(name).outcome for name in shown} == {"fail", "warn"}
    population = shown["population.github_url"]
    assert (population.of, len(population.rows), population.key) == (25, MOST, ("id",))
    assert keys_of(report, "population.github_url") == [str(n) for n in range(21, 31)]
    assert population.rows[0].time == "2025-01-12 08:00:00"
    assert population.rows[0].finding == "null"
    assert population.rows[0].values == ("NULL",)
    assert population.read_at is not None


def test_each_kind_of_finding_is_among_the_first_rows(plan: Plan, failing: str) -> None:
    report = judged(plan, failing)
    derivation = report.check("derivation.artifacts_github_url").examples
    shape = report.check("url-shape.github_url").examples
    assert derivation is not None
    assert shape is not None
    assert {row.finding for row in derivation.rows} == {"missing", "wrong"}
    assert len(derivation.rows) <= MOST
    assert [row.finding for row in shape.rows] == ["credentials"]


def test_no_value_is_in_the_report(plan: Plan, failing: str) -> None:
    text = judged(plan, failing).model_dump_json()
    assert "ghp_0123456789" not in text
    assert "secret-app" not in text
    assert SECRET not in text
    assert "text, 10 characters" in text


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("17", "17"),
        ("-3", "-3"),
        ("0b1c7f5e-2222-4000-8000-000000000001", "0b1c7f5e-2222-4000-8000-000000000001"),
        ("ada@example.org", "text, 15 characters"),
        ("Ada Lovelace", "text, 12 characters"),
        ("https://github.com/leo/app", "https://github.com/***/***"),
        ("", "'' (empty)"),
        (None, "NULL"),
        ("x" * 65, "text, 65 characters"),
    ],
)
def test_a_key_is_shown_when_it_is_an_identifier(key: str | None, shown: str) -> None:
    assert shown_key(key) == shown


def test_what_could_not_be_read_is_said_and_changes_no_outcome(plan: Plan, failing: str) -> None:
    now = observe(plan, failing, CUTOVER)
    report = check(plan, now, cutover=CUTOVER)
    execute(failing, "ALTER TABLE generation_requests RENAME COLUMN deployment_url TO gone")
    partly = with_examples(report, plan, failing, now)
    examples = partly.check("url-shape.deployment_url").examples
    assert examples is not None
    assert "has no column 'deployment_url'" in examples.problem
    assert keys_of(partly, "population.github_url")
    execute(failing, "DROP TABLE generation_requests CASCADE")
    for made in (
        with_examples(report, plan, failing, now),
        with_examples(report, plan, failing, now, deadline=Deadline.after(0)),
    ):
        found = [one.examples for one in made.checks if one.examples is not None]
        assert len(found) > 3
        assert all(one.problem and not one.rows for one in found)
        assert (made.outcome, made.counts) == (report.outcome, report.counts)


def test_a_fault_in_the_selection_of_rows_does_not_hide_the_verdict(
    plan: Plan, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("hidden-detail")

    now = observe(plan, failing, CUTOVER)
    report = check(plan, now, cutover=CUTOVER)
    monkeypatch.setattr(first_rows, "select_rows", broken)
    made = with_examples(report, plan, failing, now)
    assert (made.outcome, made.counts) == (report.outcome, report.counts)
    examples = made.check("population.github_url").examples
    assert examples is not None
    assert examples.problem == "They were not selected (KeyError)."
    assert "hidden-detail" not in made.model_dump_json()


def test_rows_that_are_gone_since_are_said_to_be(plan: Plan, failing: str) -> None:
    now = observe(plan, failing, CUTOVER)
    execute(failing, "DELETE FROM generation_requests")
    examples = (
        with_examples(check(plan, now, cutover=CUTOVER), plan, failing, now).check("population.github_url").examples
    )
    assert examples is not None
    assert not examples.rows
    assert "the rows have changed" in examples.problem


def test_a_slow_statement_is_stopped_and_the_others_are_read(
    plan: Plan, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = observe(plan, failing, CUTOVER)
    report = check(plan, now, cutover=CUTOVER)
    with psycopg.connect(failing) as blocker:
        blocker.execute("LOCK TABLE generation_requests IN ACCESS EXCLUSIVE MODE")
        made = with_examples(report, plan, failing, now, timeout=0.3)
    found = [one.examples for one in made.checks if one.examples is not None]
    assert found
    assert all(one.problem for one in found)


def test_the_command_lists_the_same_rows(plan: Plan, failing: str, tmp_path: Path) -> None:
    """The command is run as it stands in the report, by a shell; the password comes from the environment."""
    file = tmp_path / "report.json"
    run = CliRunner().invoke(app, ["check", failing, *SINCE, "--format", "json", "--output", str(file)])
    assert run.exit_code == 1, run.output
    data = json.loads(file.read_text())
    one = next(found for found in data["checks"] if found["id"] == "population.github_url")
    assert one["command"] in one["findings"][0]["remedy"]
    assert "SOURCE" not in json.dumps([found["findings"] for found in data["checks"]])
    told = psycopg.conninfo.conninfo_to_dict(failing)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if told.get("password"):
        assert str(told["password"]) not in file.read_text()
        environment["PGPASSWORD"] = str(told["password"])
    done = subprocess.run(["sh", "-c", one["command"]], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = [words.split()[0] for words in done.stdout.splitlines()[1:]]
    assert len(listed) == one["examples"]["of"] == 25
    assert listed[:MOST] == [row["key"][0] for row in one["examples"]["rows"]]


def test_no_examples_leaves_the_rows_out_and_keeps_the_command(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(first_rows, "first_rows", never)
    run = CliRunner().invoke(app, ["check", failing, *SINCE, "--format", "json", "--no-examples"])
    data = json.loads(run.stdout)
    assert all("examples" not in one for one in data["checks"])
    assert any(one.get("command") for one in data["checks"])


def test_a_snapshot_has_no_rows_and_says_the_command(plan: Plan, failing: str, tmp_path: Path) -> None:
    now = observe(plan, failing, CUTOVER)
    now.save(tmp_path / "now.json")
    run = CliRunner().invoke(app, ["check", str(tmp_path / "now.json"), *SINCE, "--format", "json"])
    one = next(one for one in json.loads(run.stdout)["checks"] if one["id"] == "population.github_url")
    assert "examples" not in one
    assert "postgresql://" in one["command"]


ROWS = """id,status,completed_at,github_url,artifacts_github_url,deployment_url
1,completed,2025-01-12 08:00:00,,,
2,completed,2025-01-12T09:00:00+02:00,https://github.com/leo/app,https://github.com/leo/wrong,Ada's text
3,failed,2025-01-12 08:00:00,,,
4,completed,2025-01-02 08:00:00,,,
"""


def test_row_files_have_first_rows_too(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    now = observe(plan, file, CUTOVER)
    report = with_examples(check(plan, now, cutover=CUTOVER), plan, file, now)
    derivation = report.check("derivation.artifacts_github_url").examples
    assert derivation is not None
    assert [(row.key, row.time, row.finding) for row in derivation.rows] == [(("2",), "2025-01-12 07:00:00", "wrong")]
    shape = report.check("url-shape.deployment_url").examples
    assert shape is not None
    assert [row.values for row in shape.rows] == [("text, 10 characters",)]
    assert keys_of(report, "population.github_url") == ["1"]
    assert report.check("population.github_url").command == ""
    file.write_text(ROWS.replace("id,", "number,"))
    lacking = with_examples(check(plan, now, cutover=CUTOVER), plan, file, now).check("population.github_url").examples
    assert lacking is not None
    assert lacking.problem == "The files have no column 'id'."
    file.unlink()
    gone = with_examples(check(plan, now, cutover=CUTOVER), plan, file, now).check("population.github_url").examples
    assert gone is not None
    assert "could not be read again" in gone.problem


SMALL = """
plan_version = 1
title = "Shippers without their fax number"
[table]
name = "shippers"
[dropped.fax]
"""


@pytest.mark.parametrize(("key", "of_key"), [("", ()), ('key = ["id"]\n', ("7",))])
@pytest.mark.parametrize(
    ("cohort", "time"),
    [
        ("", None),
        ('[cohort]\ncolumn = "state"\nvalues = ["new"]\n', None),
        ('[cohort]\ntime = "at"\n', "2025-01-12 00:00:00"),
    ],
)
def test_a_small_plan_has_first_rows_too(
    empty_database: str, key: str, of_key: tuple[str, ...], cohort: str, time: str | None
) -> None:
    execute(
        empty_database,
        "CREATE TABLE shippers (id int, state text, at timestamp, fax text);"
        "INSERT INTO shippers VALUES (7, 'new', '2025-01-12', '123')",
    )
    plan = parse_plan(SMALL.replace("[dropped", f"{key}{cohort}[dropped"), "small")
    now = observe(plan, empty_database)
    examples = with_examples(check(plan, now, phase="before"), plan, empty_database, now).check("loss.fax").examples
    assert examples is not None
    assert [(row.key, row.time, row.values) for row in examples.rows] == [(of_key, time, ("text, 3 characters",))]


SOURCE = SourceInfo(kind="postgresql", location="postgresql://me@db.example:6432/app", read_at=READ_AT)
URL = SOURCE.location


@pytest.mark.parametrize(
    ("call", "cutover", "check_id", "command"),
    [
        (Call(), None, "loss.a", f"genreq-checks rows loss.a {URL}"),
        (Call(), CUTOVER, "loss.a", f"genreq-checks rows loss.a {URL} --cutover 2025-01-10T12:00:00Z"),
        (Call(plan="a b.toml", table="a.b"), None, "loss.a", f"genreq-checks rows loss.a {URL} --plan 'a b.toml' --table a.b"),
        (Call(variable="LEO_DATABASE_URL"), None, "loss.a", 'genreq-checks rows loss.a "$LEO_DATABASE_URL"'),
        (Call(), None, "loss.a; rm x", f"genreq-checks rows 'loss.a; rm x' {URL}"),
    ],
)  # fmt: skip
def test_the_words_of_a_command(call: Call, cutover: datetime | None, check_id: str, command: str) -> None:
    assert Commands(SOURCE, cutover, call).rows(check_id) == command


def test_a_socket_is_named_as_libpq_reads_it() -> None:
    there = SOURCE.model_copy(update={"location": "postgresql://me@/app?host=/run/pg:5433"})
    source = shlex.split(Commands(there, None, Call()).rows("loss.a"))[-1]
    assert psycopg.conninfo.conninfo_to_dict(source) == {
        "user": "me",
        "dbname": "app",
        "host": "/run/pg",
        "port": "5433",
    }


@pytest.mark.parametrize("about", [{"kind": "files"}, {"sample": True}])
def test_no_command_names_rows_that_cannot_be_listed(about: dict[str, object]) -> None:
    commands = Commands(SOURCE.model_copy(update=about), None, Call())
    assert commands.rows("loss.a") == ""
    assert commands.filled_in("genreq-checks rows loss.a SOURCE") == "genreq-checks rows loss.a SOURCE"


def test_a_server_that_the_environment_names_is_in_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    assert parse("postgresql:///app").location == "postgresql://localhost/app"
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "6432")
    assert parse("postgresql:///app").location == "postgresql://db.example:6432/app"
    assert parse("postgresql://other:5433/app").location == "postgresql://other:5433/app"
    monkeypatch.setenv("PGHOST", "/run/pg")
    there = SOURCE.model_copy(update={"location": parse("postgresql:///app").location})
    words = shlex.split(Commands(there, None, Call()).rows("loss.a"))
    assert psycopg.conninfo.conninfo_to_dict(words[-1]) == {"dbname": "app", "host": "/run/pg", "port": "6432"}


def test_commands_in_a_remedy_are_complete() -> None:
    commands = Commands(SOURCE, CUTOVER, Call(row_hashes="b.parquet", plan="p.toml"))
    remedy = "Keys: genreq-checks rows loss.a SOURCE. Archive them (genreq-checks archive SOURCE -o FILE), or SOURCE."
    since = "--cutover 2025-01-10T12:00:00Z --plan p.toml"
    archived = f"genreq-checks archive {URL} --plan p.toml -o FILE"
    assert (
        commands.filled_in(remedy)
        == f"Keys: genreq-checks rows loss.a {URL} {since}. Archive them ({archived}), or SOURCE."
    )
    hashes = commands.filled_in("genreq-checks rows rows SOURCE --row-hashes FILE.")
    assert hashes == f"genreq-checks rows rows {URL} --row-hashes b.parquet {since}."


def test_a_program_that_gave_a_plan_of_its_own_is_told_to_name_it(plan: Plan) -> None:
    assert call_for(plan) == Call()
    assert call_for(plan.with_table("audit.generation_requests")) == Call(table="audit.generation_requests")
    assert call_for(plan.model_copy(update={"title": "another"})) == Call(plan="FILE")


def test_the_counts_of_the_grid_are_of_the_rows_that_were_judged(plan: Plan, failing: str) -> None:
    report = judged(plan, failing)
    found = {one.id: counted(one) for one in report.checks}
    assert found["population.github_url"] == Counted("69", "44", "25")
    assert found["derivation.artifacts_github_url"] == Counted("69", "25", "44")
    assert found["url-shape.deployment_url"] == Counted("69", "29", "40")
    assert found["url-shape.github_url"] == Counted("89", "88", "1")
    assert found["population.artifacts_github_url"].failed == NONE  # it passes: what is missing is within the rule
    assert found["dropped.download_url"] == Counted(NONE, NONE, NONE)


def test_rows_that_an_archive_has_are_not_failed_ones(plan: Plan, database: str, tmp_path: Path) -> None:
    insert(database, {"download_url": "https://x.example/a"}, {"download_url": None})
    write_archive(plan, database, tmp_path / "a.parquet")
    for archive, outcome, failed in ((None, "fail", "1"), (tmp_path / "a.parquet", "pass", NONE)):
        result = check(plan, observe(plan, database, archive=archive), phase="before").check("loss.download_url")
        assert (result.outcome, result.failing) == (outcome, 1)
        assert counted(result).failed == failed
