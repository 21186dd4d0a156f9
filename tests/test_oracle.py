"""PostgreSQL as the judge of statements: the truth that was set by hand, and that nothing is run anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conftest import Server
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.sources.oracle import Oracle, open_oracle
from oracle_fixtures import notes_go, oracle
from oracle_truth import ORMS, SCHEMA, TRUTH
from postgres15 import programs, run, running

__all__ = ["notes_go", "oracle"]  # fixtures

COLUMNS = ("note", "legacy")


@pytest.fixture(scope="module")
def source(server: Server) -> Iterator[str]:
    """The database that the statements are for."""
    url = server.create_database("oracle_source")
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA.encode())
    yield url
    server.drop_database("oracle_source")


def truth(told: str) -> dict[str, str]:
    found = dict.fromkeys(COLUMNS, "untouched")
    for part in told.split(", "):
        fate, _, column = part.partition(" ")
        found |= dict.fromkeys([column] if column else COLUMNS, fate)
    return found


@pytest.mark.parametrize(("told", "statement"), [*TRUTH, *ORMS], ids=[one[1][:60] for one in [*TRUTH, *ORMS]])
def test_the_fate_of_a_statement(oracle: Oracle, told: str, statement: str) -> None:
    judged = oracle.judge(statement)
    assert dict(judged.fates) == truth(told), judged.reasons


def test_the_truth_covers_every_fate_and_is_large_enough() -> None:
    counted = Counter(fate for told, _ in TRUTH for fate in truth(told).values())
    assert len(TRUTH) >= 150
    assert all(counted[fate] >= 5 for fate in ("breaks", "changes", "touches", "untouched"))


@pytest.mark.skipif(programs() is None, reason="this machine has no PostgreSQL of its own")
def test_an_older_server_as_the_source_changes_no_answer(notes_go: Plan) -> None:
    found = programs()
    assert found
    with running(found) as url:
        run(url, SCHEMA)
        target = parse(url)
        with reading(target) as connection, open_oracle(connection, target, notes_go) as oracle:
            wrong = [
                statement for told, statement in [*TRUTH, *ORMS] if dict(oracle.judge(statement).fates) != truth(told)
            ]
    assert wrong == []


def test_a_role_with_no_more_than_the_documented_rights_gets_the_same_answers(
    empty_database: str, notes_go: Plan
) -> None:
    run(empty_database, SCHEMA, "DROP ROLE IF EXISTS oracle_reader", "CREATE ROLE oracle_reader LOGIN")
    run(empty_database, "GRANT SELECT (id, status, note, legacy) ON orders TO oracle_reader")
    try:
        target = parse(make_conninfo(empty_database, user="oracle_reader"))
        with reading(target) as connection, open_oracle(connection, target, notes_go) as oracle:
            assert (len(oracle.clones.stand_ins), oracle.clones.refused) == (9, ())
            wrong = [statement for told, statement in TRUTH if dict(oracle.judge(statement).fates) != truth(told)]
    finally:
        run(empty_database, "DROP OWNED BY oracle_reader", "DROP ROLE oracle_reader")
    assert wrong == []


HARMFUL = (
    "EXPLAIN SELECT note FROM orders; DROP TABLE orders",
    "SELECT note FROM orders; DROP TABLE orders",
    "SELECT 1 FROM orders); DROP TABLE orders; --",
    "DROP TABLE orders CASCADE",
    "TRUNCATE orders CASCADE",
    "EXPLAIN ANALYZE DELETE FROM ratings, orders",
    "EXPLAIN ANALYZE UPDATE orders SET id = nextval('orders_id_seq')",
    "WITH gone AS (DELETE FROM customers RETURNING id) INSERT INTO orders (id) SELECT id FROM gone",
    "SELECT nextval('orders_id_seq'), note FROM orders",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity, orders",
    "COPY (SELECT note FROM orders) TO PROGRAM 'touch {file}'",
    "COPY orders TO '{file}'",
    "COPY orders FROM PROGRAM 'touch {file}; false'",
    "DO $$ BEGIN DROP TABLE orders CASCADE; END $$",
    "CREATE TABLE orders_copy AS SELECT nextval('orders_id_seq') FROM orders",
    "SELECT note INTO kept FROM orders",
    "CALL orders()",
    "ALTER TABLE orders DROP COLUMN total",
    "SET default_transaction_read_only = off; SET ROLE genreq; DROP TABLE orders",
    "EXECUTE genreq_probe; DROP TABLE orders",
    "DEALLOCATE ALL; SELECT * FROM orders",
)


def test_nothing_that_is_judged_is_run(oracle: Oracle, tmp_path: Path) -> None:
    def state(connection: psycopg.Connection[Any]) -> list[Any]:
        there = "SELECT count(*) FROM pg_class WHERE relname IN ('orders', 'kept', 'orders_copy')"
        asked = (there, "SELECT count(*) FROM customers", "SELECT last_value, is_called FROM orders_id_seq")
        return [connection.execute(query.encode()).fetchone() for query in asked]

    for database in ("whole", "without"):
        run(oracle.clones.server.url(database), "INSERT INTO customers (name) VALUES ('here')")
    sessions = [oracle.clones.whole, oracle.clones.without()]
    before = [state(session) for session in sessions]
    file = tmp_path / "made"
    tmp_path.chmod(0o777)
    for statement in HARMFUL:
        oracle.judge(statement.replace("{file}", str(file)))
    assert [state(session) for session in sessions] == before
    assert not file.exists()
    assert oracle.judge("SELECT id FROM orders").worst == "untouched"


def test_text_with_more_than_one_statement_is_unknown(oracle: Oracle) -> None:
    assert oracle.judge("SELECT note FROM orders; DROP TABLE orders").worst == "unknown"


def test_judging_asks_nothing_of_the_source(source: str, oracle: Oracle) -> None:
    def transactions() -> int:
        with psycopg.connect(source.replace("oracle_source", "postgres")) as connection:
            row = connection.execute(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'oracle_source'"
            ).fetchone()
        assert row
        return int(row[0])

    before = transactions()
    for _, statement in TRUTH[:40]:
        oracle.judge(statement)
    assert transactions() == before


@pytest.mark.slow
def test_a_statement_takes_less_than_five_milliseconds(oracle: Oracle) -> None:
    judged = [statement for told, statement in TRUTH if not told.startswith("unknown")]
    seconds: list[float] = []
    for _ in range(3):  # the machine may have something else to do
        started = perf_counter()
        for statement in judged:
            oracle.judge(statement)
        seconds.append(perf_counter() - started)
    assert min(seconds) / len(judged) < 0.005


def test_no_reason_repeats_a_literal(oracle: Oracle) -> None:
    secret = "hunter2-secret"
    for statement in (
        f"SELECT note FROM orders WHERE status = '{secret}'",
        f"INSERT INTO orders VALUES (1, '{secret}', 'a', 'n', 1, '{{}}')",
        f"SELECT id FROM orders WHERE id = '{secret}'",
        f'SELECT id FROM orders WHERE "{secret}" = 1',
        f"SELECT (('{secret}')::orders).note",
    ):
        assert secret not in str(oracle.judge(statement))


ODD = """
CREATE SCHEMA app; CREATE EXTENSION citext; CREATE DOMAIN app.amount AS numeric CHECK (VALUE >= 0);
CREATE TABLE app."Order Line" (id bigint GENERATED ALWAYS AS IDENTITY, state text DEFAULT 'open', "Old Note" citext,
    total app.amount, code text, upper_code text GENERATED ALWAYS AS (upper(code)) STORED, created_at timestamptz DEFAULT now(),
    tenant uuid, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE app.line_2024 PARTITION OF app."Order Line" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE app.line_rest PARTITION OF app."Order Line" DEFAULT;
CREATE VIEW app.lines WITH (security_invoker) AS SELECT id, total, "Old Note" FROM app."Order Line";
CREATE VIEW app.totals AS SELECT id, total FROM app."Order Line";
ALTER TABLE app."Order Line" ENABLE ROW LEVEL SECURITY; ALTER TABLE app."Order Line" FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON app."Order Line" USING (tenant = current_setting('app.tenant', true)::uuid);
CREATE FUNCTION app.lower_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW."Old Note" := lower(NEW."Old Note"); RETURN NEW; END $$;
CREATE TRIGGER lower_note BEFORE UPDATE ON app."Order Line" FOR EACH ROW EXECUTE FUNCTION app.lower_note();
"""
ODD_PLAN = """
plan_version = 1
title = "Odd"
table = {schema = "app", name = "Order Line", key = ["id"]}
cohort = {column = "state", values = ["done"], time = "created_at"}
kept.total = {}
dropped."Old Note" = {}
dropped.code = {}
[sql]
rollback = "SELECT 1"
forward = '''DROP VIEW app.lines; ALTER TABLE app."Order Line" DROP COLUMN "Old Note", DROP COLUMN code CASCADE;
CREATE VIEW app.lines AS SELECT id, total FROM app."Order Line"'''
"""


def test_partitions_policies_quoted_names_and_a_view_that_the_plan_makes_again(empty_database: str) -> None:
    run(empty_database, *ODD.split(";\n"))
    plan, target = parse_plan(ODD_PLAN, "odd"), parse(empty_database)
    expected = {
        'SELECT id, total FROM app."Order Line"': ("untouched", "untouched"),
        'SELECT "Old Note" FROM app."Order Line"': ("breaks", "untouched"),
        "SELECT code FROM app.line_2024": ("untouched", "breaks"),
        "SELECT upper_code FROM app.line_rest": ("untouched", "breaks"),
        "SELECT * FROM app.lines": ("changes", "untouched"),
        "SELECT id FROM app.lines": ("touches", "untouched"),  # the view takes the caller's rights
        'SELECT "Old Note" FROM app.lines': ("breaks", "untouched"),
        "SELECT * FROM app.totals": ("untouched", "untouched"),
        'INSERT INTO app."Order Line" (state, total) VALUES ($1, $2)': ("untouched", "untouched"),
        "INSERT INTO app.line_rest (state, total, created_at) VALUES ($1, $2, now())": ("untouched", "untouched"),
        'UPDATE app."Order Line" SET total = 1': ("breaks", "untouched"),  # its trigger
        "UPDATE app.line_rest SET total = 1": ("breaks", "untouched"),
        'DELETE FROM app."Order Line" WHERE id = 1': ("untouched", "untouched"),
        'SELECT "o"."id" FROM "Order Line" "o"': ("untouched", "untouched"),  # by whatever search_path
        'SELECT U&"\\004fld Note" FROM app."Order Line"': ("breaks", "untouched"),
    }
    with reading(target) as connection, open_oracle(connection, target, plan) as oracle:
        told = {statement: tuple(oracle.judge(statement).fates.values()) for statement in expected}
        assert oracle.clones.notes == ()
    assert told == expected


def test_forward_sql_that_fails_is_said_and_the_columns_go_by_cascade(empty_database: str) -> None:
    run(empty_database, *ODD.split(";\n"))
    plan = parse_plan(ODD_PLAN.replace("DROP VIEW app.lines;", ""), "odd")
    target = parse(empty_database)
    with reading(target) as connection, open_oracle(connection, target, plan) as oracle:
        assert "forward SQL fails on the clone (SQLSTATE 2BP01)" in oracle.clones.notes[0]
        assert oracle.judge("SELECT id FROM app.lines").worst == "breaks"


def test_columns_that_cannot_go_at_all_are_said_in_one_line(empty_database: str, notes_go: Plan) -> None:
    run(empty_database, "CREATE TABLE orders (id int, total int, note text) PARTITION BY LIST (note)")
    target = parse(empty_database)
    with (
        pytest.raises(SourceError, match="could not be dropped in a clone"),
        reading(target) as connection,
        open_oracle(connection, target, notes_go),
    ):
        pass
