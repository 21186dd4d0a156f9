"""What audit triggers write is compared before and after the drop: values that move to other columns are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import Server
from genreq_checks.facts import Step
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.rehearsal import rehearse
from rows import execute

pytestmark = pytest.mark.slow
PLAN = """
plan_version = 1
title = "Notes go"
table = { name = "orders", key = ["id"] }
cohort = { column = "status", values = ["done"], time = "at" }
kept.buyer = { type = "text" }
dropped.note = { type = "text" }
[sql]
forward = 'ALTER TABLE orders DROP COLUMN note'
rollback = 'ALTER TABLE orders ADD COLUMN note text'
"""
TABLE = """
CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL, note text, buyer text, seller text, at timestamp);
INSERT INTO orders VALUES (1, 'done', 'n', 'b', 's', '2026-01-01'), (2, 'done', NULL, NULL, NULL, NULL);
CREATE TABLE audit (no serial, written timestamptz DEFAULT clock_timestamp(), id int, status text, a text, b text, c text,
    d text);
"""
TRIGGER = """
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$;
CREATE TRIGGER keep AFTER {events} ON orders FOR EACH ROW EXECUTE FUNCTION keep();
"""
Rehearse = Callable[..., Step]


@pytest.fixture
def run(server: Server, empty_database: str) -> Rehearse:
    def ran(body: str, events: str, more: str = "") -> Step:
        execute(empty_database, TABLE + more + TRIGGER.format(body=body, events=events))
        plan: Plan = parse_plan(PLAN, "notes")
        report = rehearse(plan, empty_database, scratch_url=server.url("postgres"))
        assert "hunter2" not in report.model_dump_json()
        return next(step for step in report.steps if step.name == "writes")

    return ran


BY_POSITION = "INSERT INTO shifted SELECT {}.*"
SHIFTED = "CREATE TABLE shifted (id int, status text, note text, buyer text, seller text, at text, more text);"


@pytest.mark.parametrize(
    ("row", "events"), [("NEW", "UPDATE"), ("OLD", "DELETE"), ("NEW", "INSERT"), ("OLD", "UPDATE OR DELETE")]
)
def test_values_that_move_to_other_columns_fail_though_no_statement_does(run: Rehearse, row: str, events: str) -> None:
    step = run(BY_POSITION.format(row), events, SHIFTED)
    assert step.outcome == "fail", step.message
    for event in events.split(" OR "):
        assert f"{event} writes other values into public.shifted than before: at, buyer, seller" in step.message


@pytest.mark.parametrize(
    ("body", "events", "outcome", "words"),
    [
        ("INSERT INTO audit (id, status) VALUES (NEW.id, NEW.status)", "INSERT OR UPDATE", "pass", "work"),
        ("INSERT INTO audit (a) VALUES (to_jsonb(NEW)::text)", "UPDATE", "fail", "into public.audit than before: a"),
        ("INSERT INTO whole (was) VALUES (to_jsonb(NEW))", "UPDATE", "pass", "work"),
        ("INSERT INTO last SELECT NEW.id, NEW.*", "UPDATE", "fail", "into public.last than before"),
        ("INSERT INTO named (note, buyer) SELECT to_jsonb(NEW) ->> 'note', NEW.buyer", "UPDATE", "warn",
         "UPDATE writes no note into public.named any more"),
        ("INSERT INTO audit (a) VALUES (OLD.note)", "DELETE", "fail", "DELETE of a row fails"),
        ("IF to_jsonb(OLD) ? 'note' THEN INSERT INTO audit (a) VALUES (OLD.buyer); END IF", "UPDATE", "fail",
         "UPDATE wrote 1 row into public.audit, and 0 now"),
        ("UPDATE totals SET n = n + 1", "UPDATE", "pass", "work"),
    ],
)  # fmt: skip
def test_what_a_trigger_writes(run: Rehearse, body: str, events: str, outcome: str, words: str) -> None:
    more = """CREATE TABLE whole (was jsonb); CREATE TABLE named (note text, buyer text);
        CREATE TABLE last (x int, id int, status text, note text, buyer text, seller text, at text);
        CREATE TABLE totals (n int); INSERT INTO totals VALUES (0);"""
    step = run(body, events, more)
    assert (step.outcome, words in step.message) == (outcome, True), step.message


ODD = """
plan_version = 1
title = "Notes go"
table = { name = "or%sders", key = ["k%", "two"] }
cohort = { column = "status", values = ["done"], time = "at" }
kept."bu%(y)er" = { type = "text" }
dropped.note = { type = "text" }
[sql]
forward = 'ALTER TABLE "or%sders" DROP COLUMN note'
rollback = 'ALTER TABLE "or%sders" ADD COLUMN note text'
"""


def test_names_with_signs_and_a_key_of_two_columns(server: Server, empty_database: str) -> None:
    execute(
        empty_database,
        """CREATE TABLE "or%sders" ("k%" int, two int, status text, at timestamp, note text, "bu%(y)er" text,
               PRIMARY KEY ("k%", two));
           INSERT INTO "or%sders" VALUES (1, 2, 'done', '2026-01-01', 'n', 'b');
           CREATE TABLE "sh%ifted" (id int, two int, status text, at timestamp, note text, buyer text);
           CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO "sh%ifted" SELECT NEW.*; RETURN NULL; END $$;
           CREATE TRIGGER keep AFTER UPDATE ON "or%sders" FOR EACH ROW EXECUTE FUNCTION keep();""",
    )
    report = rehearse(parse_plan(ODD, "notes"), empty_database, scratch_url=server.url("postgres"))
    messages = {step.name: step.message for step in report.steps}
    assert "UPDATE writes other values into public.sh%ifted than before: buyer" in messages["writes"], messages
