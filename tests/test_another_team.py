"""A plan for another table: its outputs have no check and no word of Leo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from rows import execute

ORDERS = """
plan_version = 1
title = "Orders without their fax number"
[table]
schema = "public"
name = "orders"
key = ["id"]
[cohort]
column = "state"
values = ["paid"]
time = "paid_at"
[kept.email]
type = "text"
change = "not-lower"
minimum = 0.5
claim = { holds = "populated", text = "Each customer has one." }
[kept.invoice]
type = "text"
change = "higher"
derived_from = "email"
suffix = "-invoice"
[dropped.fax]
type = "text"
claim = { holds = "always-null", text = "Nobody has one." }
[sql]
forward = 'ALTER TABLE "orders" DROP COLUMN "fax"'
rollback = 'ALTER TABLE "orders" ADD COLUMN "fax" text'
"""
TABLE = """
CREATE TABLE orders (id int PRIMARY KEY, state text, paid_at timestamptz, email text, invoice text, fax text);
INSERT INTO orders SELECT n, 'paid', timestamptz '2025-01-01' + n * interval '1 day', 'a@example.org', NULL, NULL
FROM generate_series(1, 20) n
"""
LEOS = ("generation", "completed", "completion", "flyio", "github_url", "deployment", "conversation")


@pytest.fixture
def orders(tmp_path: Path) -> Plan:
    (tmp_path / "orders.toml").write_text(ORDERS)
    return load_plan(tmp_path / "orders.toml")


def test_its_list_has_no_check_of_the_application(orders: Plan, tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["list", "--plan", str(tmp_path / "orders.toml")]).stdout
    names = {line.split()[0].split(".")[0] for line in listed.splitlines()}
    assert names >= {"population", "claims", "loss", "kept", "leftovers", "migrations"}
    assert names.isdisjoint({"generation", "phases", "reconciliation"})


@pytest.mark.parametrize("statement", [TABLE, TABLE.partition("INSERT")[0]], ids=["rows", "no rows"])
@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "junit", "github", "sarif"])
def test_no_output_has_a_word_of_the_application(
    empty_database: str, orders: Plan, tmp_path: Path, statement: str, form: str
) -> None:
    execute(empty_database, statement)
    for phase in ("before", "after"):
        call = ["check", empty_database, "--plan", str(tmp_path / "orders.toml"), "--phase", phase, "--format", form]
        told = CliRunner().invoke(app, [*call, "--cutover", "2025-01-10T12:00Z"]).stdout.lower()
        assert "orders" in told or form == "github"  # of a pass it says one line
        assert [word for word in LEOS if word in told] == []


def test_the_rows_of_a_cohort_are_called_by_its_value(empty_database: str, orders: Plan) -> None:
    execute(empty_database, TABLE.partition("INSERT")[0])

    def said(plan: Plan) -> str:
        return check(plan, observe(plan, empty_database)).check("population.email").findings[0].message

    assert "no paid rows" in said(orders)
    for values in (("paid", "sent"), ("Paid & sent",)):
        cohort = orders.cohort.model_copy(update={"values": values})
        assert "no rows of the cohort" in said(orders.model_copy(update={"cohort": cohort}))


def test_a_report_of_an_earlier_version_calls_them_completed_rows(orders: Plan, empty_database: str) -> None:
    execute(empty_database, TABLE)
    data = check(orders, observe(orders, empty_database)).model_dump(mode="json")
    assert (data["plan"]["row"], data["plan"].pop("rows")) == ("paid row", "paid rows")
    assert Report.model_validate_json(json.dumps(data)).plan.rows == "completed rows"


def test_evidence_that_such_a_plan_cannot_judge_is_a_wrong_call(orders: Plan, tmp_path: Path) -> None:
    (tmp_path / "messages.jsonl").write_text("{}")
    plan = ["--plan", str(tmp_path / "orders.toml")]
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    for call in (
        ["check", nowhere, "--messages", str(tmp_path / "messages.jsonl")],
        ["check", nowhere, "--generation", str(tmp_path / "generation.json")],
        ["generate"],
    ):
        done = CliRunner().invoke(app, [*call, *plan])
        assert isinstance(done.exception, UsageError), call
        assert "no kept column of the plan has a message_field" in str(done.exception)
