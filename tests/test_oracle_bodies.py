"""Bodies of functions and triggers, which EXPLAIN does not see: each statement in them is put before the clones too."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from conftest import Server
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.sources.oracle import Oracle, open_oracle
from genreq_checks.sources.oracle.plpgsql import read_plpgsql
from oracle_fixtures import notes_go, oracle
from oracle_truth import SCHEMA

__all__ = ["notes_go", "oracle"]  # fixtures

# Name, what it does to `note` and to `legacy`, the declarations, the body; each returns text and takes (x int).
FUNCTIONS: tuple[tuple[str, str, str, str, str], ...] = (
    ("into", "breaks", "untouched", "v text;", "SELECT note INTO STRICT v FROM orders WHERE id = x; RETURN v;"),
    ("into_late", "untouched", "breaks", "v jsonb;", "SELECT legacy FROM orders WHERE id = x INTO v; RETURN v;"),
    ("perform", "breaks", "untouched", "", "PERFORM 1 FROM orders o WHERE o.note = x::text; RETURN '';"),
    ("only_total", "untouched", "untouched", "t numeric;", "SELECT total INTO t FROM orders WHERE id = x; RETURN t;"),
    ("condition", "breaks", "untouched", "", ("IF (SELECT count(*) FROM orders WHERE note IS NULL) > x THEN RETURN 'a'; "
     "ELSIF x > 3 THEN RETURN 'b'; END IF; RETURN 'c';")),
    ("else_branch", "untouched", "breaks", "", "IF x > 1 THEN RETURN 'a'; ELSE RETURN (SELECT legacy FROM orders LIMIT 1); END IF;"),
    ("own_variable", "untouched", "untouched", "note text; legacy int := 5;", "SELECT name INTO note FROM customers; RETURN note || legacy;"),
    ("other_table", "untouched", "untouched", "v text;",
     "SELECT i.note INTO v FROM items i JOIN orders o ON o.id = i.order_id; RETURN v;"),
    ("type_of", "breaks", "untouched", "v orders.note%TYPE;", "SELECT status INTO v FROM orders; RETURN v;"),
    ("row_type", "breaks", "changes", "v orders%ROWTYPE;", "SELECT * INTO v FROM orders WHERE id = x; RETURN v.note;"),
    ("record", "breaks", "changes", "r record;", "FOR r IN SELECT * FROM orders LOOP RETURN r.note; END LOOP; RETURN '';"),
    ("record_into", "untouched", "breaks", "r record;", "SELECT o.id, o.legacy INTO r FROM orders o WHERE o.id = x; RETURN r.legacy;"),
    ("record_variables", "breaks", "changes", "r record; s text := 'none'; o orders%ROWTYPE;",
     "FOR r IN SELECT t.*, x AS more FROM orders t WHERE t.status <> s AND t.id >= x LOOP RETURN r.note || r.more; END LOOP; RETURN '';"),
    ("record_renamed", "breaks", "untouched", "r record;",
     "FOR r IN SELECT note AS legacy, id FROM orders LOOP RETURN r.legacy; END LOOP; RETURN '';"),
    ("record_twice", "unknown", "changes", "r record;",
     "SELECT * INTO r FROM orders; IF x > 1 THEN SELECT i.*, 1 AS k INTO r FROM items i; END IF; RETURN r.note;"),
    ("record_fetched", "unknown", "changes", "r record; c CURSOR FOR SELECT * FROM orders;",
     "OPEN c; FETCH c INTO r; CLOSE c; RETURN r.note;"),
    ("row_kept", "changes", "changes", "v orders%ROWTYPE;", "SELECT * INTO v FROM orders; INSERT INTO kept SELECT v.*; RETURN '';"),
    ("row_given", "changes", "changes", "v public.orders;", "SELECT * INTO v FROM orders; RETURN row_to_json(v);"),
    ("record_json", "changes", "changes", "r record;", "SELECT * INTO r FROM orders WHERE id = x; RETURN to_jsonb(r);"),
    ("other_by_position", "untouched", "untouched", "", "INSERT INTO staging VALUES (x + 40, 'orders', 1); RETURN '';"),
    ("record_of_others", "untouched", "untouched", "r record; s numeric := 0;",
     "FOR r IN SELECT id, total FROM orders LOOP s := s + r.total; END LOOP; RETURN s;"),
    ("loop_query", "breaks", "untouched", "r record;", "FOR r IN (SELECT id FROM orders ORDER BY note) LOOP NULL; END LOOP; RETURN '';"),
    ("numbers", "breaks", "untouched", "", "FOR i IN 1..(SELECT count(note) FROM orders) LOOP NULL; END LOOP; RETURN '';"),
    ("numbers_used", "untouched", "untouched", "", "FOR i IN REVERSE 10..1 BY 2 LOOP UPDATE orders SET total = i WHERE id = i; END LOOP; RETURN '';"),
    ("array", "breaks", "untouched", "e text;", "FOREACH e IN ARRAY ARRAY(SELECT note FROM orders) LOOP NULL; END LOOP; RETURN '';"),
    ("whilst", "breaks", "untouched", "", "WHILE EXISTS (SELECT FROM orders WHERE note = 'a') LOOP EXIT; END LOOP; RETURN '';"),
    ("dynamic", "unknown", "untouched", "v text;", "EXECUTE 'SELECT note FROM orders WHERE id = $1' INTO v USING x; RETURN v;"),
    ("dynamic_other", "untouched", "untouched", "", "EXECUTE format('ANALYZE %I', 'customers'); RETURN '';"),
    ("inserts", "untouched", "untouched", "n int;", "INSERT INTO orders (status) VALUES ('a') RETURNING id INTO n; RETURN n;"),
    ("inserts_note", "breaks", "untouched", "n int;", "INSERT INTO orders (note) VALUES ('a') RETURNING id INTO n; RETURN n;"),
    ("inserts_all", "breaks", "breaks", "", "INSERT INTO orders VALUES (x, x, 'a', 'n', 1, '{}', now(), true, '{}'); RETURN '';"),
    ("inserts_four", "changes", "changes", "", "INSERT INTO orders VALUES (x, x, 'a', '1'); RETURN '';"),
    ("updates", "breaks", "untouched", "", "UPDATE orders SET note = 'a' WHERE id = x; RETURN '';"),
    ("updates_other", "untouched", "untouched", "v text := 'x';", "UPDATE orders SET status = v WHERE id = x; RETURN '';"),
    ("in_case", "untouched", "breaks", "", "CASE x WHEN 1 THEN RETURN 'a'; ELSE PERFORM legacy FROM orders; END CASE; RETURN '';"),
    ("sql_case", "untouched", "untouched", "", "UPDATE orders SET status = CASE WHEN paid THEN 'a' ELSE 'b' END WHERE id = x; RETURN '';"),
    ("handler", "breaks", "untouched", "", ("BEGIN PERFORM 1; EXCEPTION WHEN division_by_zero OR others THEN "
     "INSERT INTO audit (what) SELECT note FROM orders; END; RETURN '';")),
    ("cursors", "breaks", "untouched", "c CURSOR (k int) FOR SELECT note FROM orders WHERE id = k;", "OPEN c (x); CLOSE c; RETURN '';"),
    ("opens", "untouched", "breaks", "c refcursor;", "OPEN c FOR SELECT legacy FROM orders; RETURN '';"),
    ("comments", "untouched", "untouched", "", "/* note of orders */ -- note, legacy\n RETURN '';"),
    ("raises", "untouched", "untouched", "", "RAISE NOTICE 'note of orders, % and legacy', x; RETURN '';"),
    ("raises_note", "breaks", "untouched", "", "RAISE NOTICE 'a, %', (SELECT note FROM orders LIMIT 1); RETURN '';"),
    ("calls", "breaks", "untouched", "", "RETURN body_into(x);"),
    ("deletes", "breaks", "untouched", "", "DELETE FROM orders WHERE id = x; RETURN '';"),  # its trigger reads OLD.note
    ("defaults", "breaks", "untouched", "v text := (SELECT note FROM orders LIMIT 1);", "RETURN v;"),
    ("assigns", "untouched", "breaks", "v text;", "v := (SELECT legacy FROM orders LIMIT 1)::text; v = v || 'a'; RETURN v;"),
)  # fmt: skip
TRIGGERS = """
CREATE TABLE kept (a text, b text, c text, d text, e text, f text, g text, h text, i text);
CREATE TABLE t_update (id int, note text); CREATE TABLE t_generic (id int, note text); CREATE TABLE t_away (id int);
CREATE TABLE t_default (id int, v text DEFAULT body_into(1)); CREATE TABLE t_check (v int CHECK (body_perform(v) = ''));
CREATE TABLE orders_log (LIKE orders); CREATE TABLE logged (at timestamptz DEFAULT now(), was jsonb);
CREATE FUNCTION g_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE orders SET note = NEW.note WHERE id = NEW.id; RETURN NEW; END $$;
CREATE TRIGGER g AFTER INSERT ON t_update FOR EACH ROW EXECUTE FUNCTION g_update();
CREATE FUNCTION g_generic() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.note IS NULL THEN NEW.note := 'none'; END IF; RETURN NEW; END $$;
CREATE TRIGGER g BEFORE INSERT ON t_generic FOR EACH ROW EXECUTE FUNCTION g_generic();
CREATE FUNCTION g_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM public.orders WHERE id = OLD.id; END IF; RETURN NULL; END $$;
CREATE TRIGGER g AFTER DELETE ON t_away FOR EACH ROW EXECUTE FUNCTION g_away();
CREATE FUNCTION g_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.status IS DISTINCT FROM OLD.status THEN INSERT INTO audit (what) VALUES (NEW.status); END IF; RETURN NEW; END $$;
CREATE TRIGGER g BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION g_status();
CREATE VIEW calling AS SELECT id, body_into(id) AS v FROM customers;
CREATE FUNCTION fixed_columns() RETURNS TABLE (a int, b int, c text, d text, e numeric, f jsonb, g timestamptz, h boolean, i text[])
    LANGUAGE sql AS 'SELECT * FROM orders';
CREATE FUNCTION in_c() RETURNS int LANGUAGE sql AS 'SELECT 1 -- note';
CREATE PROCEDURE clear_notes() LANGUAGE plpgsql AS $$ BEGIN UPDATE orders SET note = NULL; END $$;
CREATE PROCEDURE pay_all() LANGUAGE plpgsql AS $$ BEGIN UPDATE orders SET paid = true; COMMIT; END $$;
"""
LATER = """
CREATE FUNCTION g_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO orders_log SELECT OLD.*; RETURN NEW; END $$;
CREATE TRIGGER l AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION g_log();
CREATE FUNCTION g_json() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO logged (was) VALUES (to_jsonb(NEW)); RETURN NEW; END $$;
CREATE TRIGGER j AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION g_json();
"""


def fill(url: str, more: str = "") -> None:
    """Make the tables, each function under the name body_…, and the triggers."""
    made = [
        f"CREATE FUNCTION body_{name}(x int) RETURNS text LANGUAGE plpgsql AS $_$ DECLARE {declared} BEGIN {body} END $_$;"
        for name, _, _, declared, body in FUNCTIONS
    ]
    with psycopg.connect(url) as connection:
        connection.execute((SCHEMA + "SET check_function_bodies = off;" + "\n".join(made) + TRIGGERS + more).encode())


@pytest.fixture(scope="module")
def source(server: Server) -> Iterator[str]:
    url = server.create_database("bodies_source")
    fill(url)
    yield url
    server.drop_database("bodies_source")


@pytest.mark.parametrize(("name", "note", "legacy"), [one[:3] for one in FUNCTIONS])
def test_a_call_of_a_function_in_plpgsql(oracle: Oracle, name: str, note: str, legacy: str) -> None:
    judged = oracle.judge(f"SELECT body_{name}($1)")
    assert dict(judged.fates) == {"note": note, "legacy": legacy}, judged.reasons


@pytest.mark.parametrize(
    ("statement", "note", "legacy"),
    [
        ("INSERT INTO t_update VALUES (1, 'n')", "breaks", "untouched"),
        ("INSERT INTO t_generic VALUES (1, 'n')", "untouched", "untouched"),
        ("DELETE FROM t_away", "breaks", "untouched"),
        ("UPDATE t_away SET id = 2", "untouched", "untouched"),
        ("UPDATE orders SET status = 'b'", "untouched", "untouched"),
        ("INSERT INTO t_default (id) VALUES (1)", "breaks", "untouched"),
        ("INSERT INTO t_default (id, v) VALUES (1, 'a')", "untouched", "untouched"),
        ("INSERT INTO t_check VALUES (1)", "breaks", "untouched"),
        ("SELECT v FROM calling", "breaks", "untouched"),
        ("SELECT * FROM fixed_columns()", "breaks", "breaks"),
        ("SELECT in_c()", "untouched", "untouched"),
        ("CALL clear_notes()", "breaks", "untouched"),
        ("CALL pay_all()", "untouched", "untouched"),
        ("DO $$ BEGIN PERFORM body_into(1); END $$", "breaks", "untouched"),
    ],
)
def test_what_a_statement_fires_and_calls(oracle: Oracle, statement: str, note: str, legacy: str) -> None:
    judged = oracle.judge(statement)
    assert dict(judged.fates) == {"note": note, "legacy": legacy}, judged.reasons


def test_audit_triggers_that_take_the_whole_row(empty_database: str, notes_go: Plan) -> None:
    fill(empty_database, LATER)
    target = parse(empty_database)
    with reading(target) as connection, open_oracle(connection, target, notes_go) as oracle:
        assert oracle.judge("UPDATE orders SET status = 'b'").worst == "breaks"  # a log without columns for all values
        judged = oracle.judge("INSERT INTO orders (status) VALUES ('a')")
        assert dict(judged.fates) == {"note": "changes", "legacy": "changes"}
        assert oracle.judge("SELECT id FROM orders").worst == "untouched"


def test_the_pieces_of_a_body() -> None:
    pieces = read_plpgsql(
        """<<outer>> DECLARE a int := 1; b CONSTANT text NOT NULL DEFAULT 'x;y'; c a%TYPE; BEGIN
           SELECT x INTO a FROM t; -- into;
           IF a > 1 AND (b = 'then') THEN INSERT INTO t (x) VALUES (CASE WHEN a = 1 THEN 2 ELSE 3 END) RETURNING x INTO a; END IF;
           FOR i IN 1..3 LOOP PERFORM f(i); END LOOP; RETURN QUERY SELECT 1; EXECUTE 'SELECT 2' INTO a; END outer;"""
    )
    assert [" ".join(one.split()) for one in pieces.statements] == [
        "SELECT 1",
        "SELECT 'x;y'",
        "SELECT x FROM t",
        "SELECT a > 1 AND (b = 'then')",
        "INSERT INTO t (x) VALUES (CASE WHEN a = 1 THEN 2 ELSE 3 END) RETURNING x",
        "SELECT 3",
        "SELECT f(i)",
    ]
    assert (dict(pieces.variables), len(pieces.dynamic)) == ({"a": "int", "b": "text", "c": "int", "i": "integer"}, 1)
