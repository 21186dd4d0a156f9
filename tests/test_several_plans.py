"""`check` with several plans: one verdict and one exit code, and a part for each plan in every output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.errors import UsageError
from rows import execute

PLAN = """
plan_version = 1
title = "{table} without {column}"
[table]
name = "{table}"
key = ["id"]
[dropped.{column}]
"""
TABLES = """
CREATE TABLE shippers (id int PRIMARY KEY, fax text); INSERT INTO shippers VALUES (1, NULL);
CREATE TABLE suppliers (id int PRIMARY KEY, page text); INSERT INTO suppliers VALUES (1, NULL), (2, NULL);
"""


@pytest.fixture
def plans(empty_database: str, tmp_path: Path) -> list[str]:
    """The words that name the plans of two tables."""
    execute(empty_database, TABLES)
    words = []
    for table, column in (("shippers", "fax"), ("suppliers", "page")):
        (tmp_path / f"{table}.toml").write_text(PLAN.format(table=table, column=column))
        words += ["--plan", str(tmp_path / f"{table}.toml")]
    return words


def called(*words: str) -> Any:
    return CliRunner().invoke(app, ["check", *words])


def test_there_is_one_verdict_and_one_exit_code(empty_database: str, plans: list[str]) -> None:
    before = [empty_database, "--phase", "before", *plans]
    assert called(*before).exit_code == 0
    execute(empty_database, "UPDATE suppliers SET page = 'x' WHERE id = 2")
    failed = called(*before)
    assert failed.exit_code == 1
    assert failed.stdout.splitlines()[-1] == "FAIL of 2 plans: public.suppliers (fail)."
    execute(empty_database, "UPDATE suppliers SET page = NULL; DELETE FROM shippers")
    unknown = called(*before)
    assert unknown.exit_code == 3
    assert unknown.stdout.splitlines()[-1] == "UNKNOWN of 2 plans: public.shippers (unknown)."


def test_every_format_has_a_part_for_each_plan(empty_database: str, plans: list[str]) -> None:
    said = {}
    for form in ("text", "json", "junit", "markdown", "html", "github", "sarif"):
        answer = called(empty_database, "--phase", "before", *plans, "--format", form)
        assert answer.exit_code == 0, form
        said[form] = answer.stdout
        if form != "github":  # of a pass it says one line
            assert "public.shippers" in said[form]
            assert "public.suppliers" in said[form]
    data = json.loads(said["json"])
    assert list(data) == ["schema_version", "outcome", "reports"]
    assert (data["schema_version"], data["outcome"]) == (1, "pass")
    assert [one["plan"]["table"] for one in data["reports"]] == ["public.shippers", "public.suppliers"]
    suites = ET.fromstring(said["junit"])
    assert [one.get("name") for one in suites] == ["genreq-checks public.shippers", "genreq-checks public.suppliers"]
    assert int(suites.get("tests", 0)) == sum(int(one.get("tests", 0)) for one in suites)
    runs = json.loads(said["sarif"])["runs"]
    assert len({run["automationDetails"]["id"] for run in runs}) == 2
    assert said["html"].count("<main") == 2
    assert said["html"].count("<html") == 1


def test_one_plan_is_as_before(empty_database: str, plans: list[str]) -> None:
    data = json.loads(called(empty_database, "--phase", "before", *plans[:2], "--format", "json").stdout)
    assert data["plan"]["table"] == "public.shippers"
    assert "reports" not in data


def test_each_plan_takes_the_baseline_of_its_table(empty_database: str, plans: list[str], tmp_path: Path) -> None:
    baselines = []
    for place, table in enumerate(("shippers", "suppliers")):
        file = str(tmp_path / f"{table}.json")
        CliRunner().invoke(app, ["snapshot", empty_database, *plans[2 * place : 2 * place + 2], "-o", file])
        baselines += ["--baseline", file]
    execute(empty_database, "ALTER TABLE shippers DROP COLUMN fax; ALTER TABLE suppliers DROP COLUMN page")
    answer = called(empty_database, *plans, *baselines[2:], *baselines[:2], "--format", "json")
    reports = json.loads(answer.stdout)["reports"]
    assert [one["sources"]["before"]["location"] for one in reports] == [
        one["sources"]["after"]["location"] for one in reports
    ]
    assert {check["outcome"] for one in reports for check in one["checks"] if check["id"].startswith("dropped")} == {
        "pass"
    }
    for words, said in (
        ([*plans[:2], *baselines], "There are 2 --baseline for one plan"),
        ([*plans, *baselines, *baselines[:2]], "several --baseline of public.shippers"),
        ([*plans, "--table", "x"], "--table is of one table"),
        ([*plans, "--archive", "x.parquet"], "--archive is of one table"),
    ):
        assert said in str(called(empty_database, *words).exception)
    assert isinstance(called(empty_database, *plans, "--history", str(tmp_path / "h")).exception, UsageError)
