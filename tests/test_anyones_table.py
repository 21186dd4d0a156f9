"""`init`, `check --phase before` and `rehearse` give a right answer for tables of other teams, without touching the plan."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from anyones_tables import CASES, OWN, Case
from genreq_checks.cli import app
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.plan import Plan, load_plan
from rows import execute


def call(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def written(url: str, case: Case, file: Path) -> Plan:
    drops = [word for name in case.loss for word in ("--drop", name)]
    answer = call("init", url, "--table", case.table, *drops, "-o", str(file))
    assert answer.exit_code == 0, answer.output or answer.exception
    return load_plan(file)


@pytest.mark.parametrize("name", CASES)
def test_the_plan_loads_fits_its_table_and_the_question_whether_it_is_safe_has_the_right_answer(
    empty_database: str, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    execute(empty_database, case.schema)
    plan = written(empty_database, case, tmp_path / "plan.toml")
    assert plan.table.key == case.key
    assert plan.cohort.time == case.time
    answer = call("check", empty_database, "--plan", str(tmp_path / "plan.toml"), "--phase", "before", "-f", "json")
    found = {one["id"]: one for one in json.loads(answer.stdout)["checks"]}
    assert {column: found[f"loss.{column}"]["outcome"] for column in case.loss} == case.loss
    wrong = {one: found[one] for one in found if found[one]["outcome"] in ("fail", "unknown")}
    assert {one for one in wrong if not one.startswith("loss.")} == set(), wrong


def test_no_file_is_replaced_and_no_value_of_a_row_gets_into_the_plan(empty_database: str, tmp_path: Path) -> None:
    case, file = CASES["no time"], tmp_path / "plan.toml"
    execute(
        empty_database, OWN + "UPDATE no_time SET label = 'secret ' || code, legacy_label = 'x secret ' || code || ' y'"
    )
    written(empty_database, case, file)
    text = file.read_text()
    assert "secret" not in text
    assert "given_up" in text
    again = call("init", empty_database, "--table", "no_time", "--drop", "legacy_label", "-o", str(file))
    assert isinstance(again.exception, UsageError)
    assert "is there already" in str(again.exception)
    assert file.read_text() == text


def test_what_is_not_there_has_a_near_name(empty_database: str) -> None:
    execute(empty_database, OWN)
    for words, kind, said in (
        (("--table", "no_tim", "--drop", "label"), SourceError, "public.no_time"),
        (("--table", "Order Items", "--drop", "note"), SourceError, "Sales Team.Order Items"),
        (("--table", "no_time", "--drop", "legacy_lable"), UsageError, "Did you mean 'legacy_label'"),
        (("--table", "no_key", "--drop", "at", "--drop", "message", "--drop", "detail"), UsageError, "every column"),
    ):
        answer = call("init", empty_database, *words)
        assert isinstance(answer.exception, kind)
        assert said in str(answer.exception)


def test_the_terminal_has_what_was_seen_and_the_next_commands(empty_database: str, tmp_path: Path) -> None:
    execute(empty_database, OWN)
    answer = call(
        "init", empty_database, "--table", "no_time", "--drop", "legacy_label", "-o", str(tmp_path / "p.toml")
    )
    told = answer.stdout.splitlines()
    assert len(told) <= 12
    assert re.match(r"public\.no_time in PostgreSQL \S+.*: 20 rows, 3 columns", told[0])
    assert "dropped legacy_label: 100 % (20 of 20) rows have a value; follows from label" in answer.stdout
    assert [line.split()[1] for line in told[-3:]] == ["check", "rehearse", "snapshot"]
    to_stdout = call("init", empty_database, "--table", "no_time", "--drop", "legacy_label")
    assert to_stdout.stdout == (tmp_path / "p.toml").read_text()


WARNED = {  # what is dropped with the columns, or cannot be as it was
    "pagila film": {"broken"},
    "chinook Track": {"broken"},
    "composite key": {"broken"},
}
NO_KEY = {"archive", "restore", "rolled-back", "compare"}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_rehearsal_of_the_plan_as_it_is_has_the_right_answer(
    empty_database: str, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    execute(empty_database, case.schema)
    written(empty_database, case, tmp_path / "plan.toml")
    answer = call("rehearse", empty_database, "--plan", str(tmp_path / "plan.toml"), "-f", "json")
    steps = {one["name"]: one for one in json.loads(answer.stdout)["steps"]}
    outcomes = {step: one["outcome"] for step, one in steps.items()}
    expected = dict.fromkeys(WARNED.get(name, ()), "warn") | dict.fromkeys(NO_KEY if not case.key else (), "unknown")
    assert {step: outcome for step, outcome in outcomes.items() if outcome != "pass"} == expected, steps
    assert answer.exit_code == (3 if not case.key else 0)
    if "last_update" in case.schema:
        assert "except last_update, which a trigger of the table rewrites in each UPDATE" in steps["compare"]["message"]


FULL = r"""
CREATE TABLE items (id int PRIMARY KEY, a serial, b int GENERATED ALWAYS AS IDENTITY, c text COLLATE "C" NOT NULL DEFAULT 'x''y',
    d int GENERATED ALWAYS AS (id * 2) STORED, e numeric(5,2) CHECK (e > 0), f text);
COMMENT ON COLUMN items.c IS 'it''s "quoted" \ back';
CREATE INDEX ON items (lower(c)) WHERE e > 1;
INSERT INTO items (id, c, e, f) SELECT n, 'c' || n, n, 'f' FROM generate_series(1, 20) n;
"""


def test_the_rollback_has_everything_that_the_catalog_has(empty_database: str, tmp_path: Path) -> None:
    execute(empty_database, FULL)
    drops = [word for name in "abcde" for word in ("--drop", name)]
    file = tmp_path / "plan.toml"
    told = call("init", empty_database, "--table", "items", *drops, "-o", str(file)).stdout
    assert "note:" not in told  # the plan's own SQL can be read
    plan = load_plan(file)
    assert plan.sql.rollback is not None
    assert r"""COMMENT ON COLUMN public.items.c IS 'it''s "quoted" \ back';""" in plan.sql.rollback
    for part in (
        "OWNED BY public.items.a",
        'COLLATE pg_catalog."C"',
        "STORED",
        "CHECK ((e > (0)::numeric))",
        "USING btree (lower(c))",
    ):
        assert part in plan.sql.rollback
    answer = call("rehearse", empty_database, "--plan", str(file), "-f", "json")
    steps = {one["name"]: one for one in json.loads(answer.stdout)["steps"]}
    assert {name for name, one in steps.items() if one["outcome"] != "pass"} == {"broken"}, steps
    assert "all columns are as they were" in steps["restore"]["message"]


def test_the_next_commands_run_as_printed_and_a_table_without_rows_claims_nothing(
    empty_database: str, tmp_path: Path
) -> None:
    execute(empty_database, "CREATE TABLE empty (id int PRIMARY KEY, gone text)")
    file = tmp_path / "plan.toml"
    told = call("init", empty_database, "--table", "empty", "--drop", "gone", "-o", str(file)).stdout
    assert "dropped gone: the table has no rows" in told
    assert "claim" not in file.read_text("utf-8")
    check, *others = [line.strip() for line in told.splitlines() if line.startswith("  genreq-checks ")]
    assert len(others) == 2
    answer = call(*shlex.split(check)[1:], "-f", "json")
    report = json.loads(answer.stdout)
    assert (answer.exit_code, report["outcome"], report["statuses"]) == (3, "unknown", {})


def test_spark_beside_a_saved_snapshot_is_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "now.json").write_text("{}")
    done = call("check", str(tmp_path / "now.json"), "--spark", "local")
    assert isinstance(done.exception, UsageError)
    assert "SOURCE is a saved snapshot" in str(done.exception)
