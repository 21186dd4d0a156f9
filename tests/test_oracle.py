"""PostgreSQL as the judge of statements: the truth that was set by hand, and that nothing is run anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
import pytest

from conftest import Server
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.sources.oracle import Oracle, open_oracle
from oracle_truth import ORMS, PLAN, SCHEMA, TRUTH
from postgres15 import programs, run, running

COLUMNS = ("note", "legacy")


@pytest.fixture(scope="module")
def source(server: Server) -> Iterator[str]:
    """The database that the statements are for."""
    url = server.create_database("oracle_source")
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA.encode())
    yield url
    server.drop_database("oracle_source")


@pytest.fixture(scope="module")
def notes_go() -> Plan:
    return parse_plan(PLAN, "notes")


@pytest.fixture(scope="module")
def oracle(source: str, notes_go: Plan) -> Iterator[Oracle]:
    target = parse(source)
    with reading(target) as connection, open_oracle(connection, target, notes_go) as oracle:
        yield oracle


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
