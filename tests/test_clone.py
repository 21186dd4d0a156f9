"""A clone of a real schema: what its server does not have gets a stand-in, is reported, and removes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conftest import Server
from genreq_checks.plan import Table
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.scratch import clone
from genreq_checks.scratch.clone import finish, structure
from genreq_checks.scratch.database import open_scratch
from genreq_checks.scratch.foreign_tables import plain_tables
from genreq_checks.scratch.restore import Refused
from genreq_checks.scratch.stand_ins import StandIn
from postgres15 import programs, run, running

TABLE = Table(schema="public", name="orders", key=("id",))


@dataclass(frozen=True)
class Cloned:
    """What came of it."""

    stand_ins: tuple[StandIn, ...]
    refused: list[Refused]
    connection: psycopg.Connection[Any]

    def one(self, query: str) -> Any:
        row = self.connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def named(self, kind: str) -> list[str]:
        return [one.name for one in self.stand_ins if one.kind == kind]


@contextmanager
def cloned(url: str) -> Iterator[Cloned]:
    target = parse(url)
    with open_scratch(None, target) as scratch, reading(target) as source:
        with structure(source, target, TABLE, scratch) as made:
            refused = [*made.refused, *finish(made, scratch)]
        with psycopg.connect(scratch.url, autocommit=True) as there:
            yield Cloned(made.stand_ins, refused, there)


@pytest.fixture
def without_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the clone's server had none of these, which the source, the same program, has."""
    real = clone.available_extensions
    gone = {"citext", "hstore", "ltree", "isn", "fuzzystrmatch", "pg_stat_statements", "vector", "lo"}
    monkeypatch.setattr(clone, "available_extensions", lambda there: real(there) - gone)


@pytest.mark.usefixtures("without_extensions")
def test_extensions_that_are_missing_are_stubs_and_the_tables_that_use_them_are_whole(empty_database: str) -> None:
    run(
        empty_database,
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION citext SCHEMA extensions",
        "CREATE EXTENSION hstore SCHEMA extensions",
        "CREATE EXTENSION ltree",
        "CREATE EXTENSION isn",
        "CREATE EXTENSION fuzzystrmatch",
        "CREATE EXTENSION vector",
        "CREATE EXTENSION lo",
        """CREATE TABLE orders (id int PRIMARY KEY, email extensions.citext NOT NULL COLLATE "C", more extensions.hstore,
           path ltree, isbn isbn13, place vector(3), big lo, sound text GENERATED ALWAYS AS (soundex('a')) STORED)""",
        "CREATE VIEW keyed AS SELECT id, more OPERATOR(extensions.->) 'k' AS k, nlevel(path) AS n FROM orders",
        "CREATE TRIGGER gone BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION lo_manage(big)",
        "CREATE VIEW nearest AS SELECT id, place <-> '[1,2,3]' AS far FROM orders",
    )
    with cloned(empty_database) as it:
        assert it.refused == []
        assert sorted(it.named("extension")) == ["citext", "fuzzystrmatch", "hstore", "isn", "lo", "ltree", "vector"]
        assert all("could not be created" not in one.reason for one in it.stand_ins)
        described = it.connection.execute("SELECT * FROM orders").description
        assert described is not None
        assert [column.name for column in described][:3] == ["id", "email", "more"]
        assert (
            it.one("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'place'") == "vector(1)"
        )
        assert it.one("SELECT nlevel('a.b'::ltree)") is None
        assert any("public.nlevel" in one.stubs for one in it.stand_ins)


@pytest.mark.usefixtures("without_extensions")
def test_values_of_a_stub_s_type_have_keys_orders_and_groups(empty_database: str) -> None:
    run(
        empty_database,
        "CREATE EXTENSION citext",
        "CREATE EXTENSION ltree",
        "CREATE TABLE orders (id int, email citext PRIMARY KEY, path ltree UNIQUE, CHECK (email <> ''))",
        "CREATE VIEW grouped AS SELECT path, max(id) AS last FROM orders GROUP BY path ORDER BY path DESC",
        "CREATE INDEX hashed ON orders USING hash (path)",
    )
    with cloned(empty_database) as it:
        assert it.refused == []
        insert = "INSERT INTO orders VALUES (1, 'a', 'p') ON CONFLICT (email) DO UPDATE SET id = 2 RETURNING id"
        assert (it.one(insert), it.one(insert)) == (1, 2)
        assert it.one("SELECT last FROM grouped WHERE path = 'p'") == 2
        assert it.one("SELECT count(DISTINCT email) FROM (VALUES ('a'::citext), ('b'), ('a')) v (email)") == 2


def test_an_entry_that_the_server_refuses_is_named_with_its_reason(empty_database: str) -> None:
    run(
        empty_database,
        "CREATE TABLE orders (id int PRIMARY KEY)",
        "CREATE FUNCTION inner_one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION outer_one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.inner_one()'",
        "CREATE INDEX by_function ON orders ((id + outer_one()))",
        "DROP FUNCTION inner_one()",
    )
    with cloned(empty_database) as it:
        assert [one.label for one in it.refused] == ["INDEX public by_function"]
        assert it.refused[0].reason == "function public.inner_one() does not exist"


def test_foreign_tables_become_plain_ones(server: Server, empty_database: str) -> None:
    run(
        empty_database,
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '192.0.2.1', use_remote_estimate 'true')",
        "CREATE TABLE orders (id int PRIMARY KEY)",
        """CREATE FOREIGN TABLE server (id int OPTIONS (column_name 'x') NOT NULL, options text) SERVER far
           OPTIONS (table_name 'orders (old)')""",
        "CREATE VIEW pair AS SELECT id FROM orders UNION ALL SELECT id FROM server",
        "COMMENT ON FOREIGN TABLE server IS 'far away'",
    )
    with cloned(empty_database) as it:
        assert (it.refused, it.named("foreign table")) == ([], ["public.server"])
        assert it.one("SELECT relkind::text FROM pg_class WHERE relname = 'server'") == "r"
        assert it.one("SELECT count(*) FROM pair") == 0


def test_a_table_that_the_role_may_not_read_is_named_and_made_from_the_catalog(empty_database: str) -> None:
    run(
        empty_database,
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE TABLE orders (id int PRIMARY KEY)",
        """CREATE TABLE "Pay Roll" (id int GENERATED ALWAYS AS IDENTITY, who serial, mood mood DEFAULT 'good' NOT NULL,
           twice int GENERATED ALWAYS AS (id * 2) STORED, CHECK (id > 0), PRIMARY KEY (id, mood)) PARTITION BY LIST (mood)""",
        "CREATE TABLE good_ones PARTITION OF \"Pay Roll\" FOR VALUES IN ('good')",
        "CREATE UNIQUE INDEX ON good_ones ((id + 1)) WHERE id > 3",
        "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        'CREATE TRIGGER fired AFTER INSERT ON "Pay Roll" FOR EACH ROW EXECUTE FUNCTION fired()',
        "CREATE SCHEMA closed",
        "CREATE TABLE closed.one (id int)",
        "CREATE TABLE known (id int)",
        'CREATE VIEW grouped AS SELECT id, mood, who FROM "Pay Roll" GROUP BY id, mood',
        "DROP ROLE IF EXISTS clone_reader",
        "CREATE ROLE clone_reader LOGIN",
        "GRANT SELECT ON known, closed.one TO clone_reader",
    )
    try:
        with cloned(make_conninfo(empty_database, user="clone_reader")) as it:
            assert it.named("table left out") == [
                "closed.one",
                'public."Pay Roll"',
                "public.good_ones",
                "public.orders",
            ]
            assert (it.named("not made"), it.refused) == ([], [])
            kept = "SELECT string_agg(conname, ' ') FROM pg_constraint WHERE contype = 'p' AND conrelid = "
            assert it.one(kept + "'\"Pay Roll\"'::regclass") == "Pay Roll_pkey"
            assert it.one("SELECT count(*) FROM pg_inherits WHERE inhrelid = 'good_ones'::regclass") == 1
            assert it.one("SELECT count(*) FROM pg_trigger WHERE tgname = 'fired'") == 2
            assert it.one("SELECT count(*) FROM grouped") == 0
    finally:
        run(empty_database, "DROP OWNED BY clone_reader", "DROP ROLE clone_reader")


def test_an_event_trigger_does_not_meddle(empty_database: str) -> None:
    run(
        empty_database,
        "CREATE TABLE orders (id int PRIMARY KEY)",
        "CREATE INDEX more ON orders (id)",
        "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''never''; END'",
        "CREATE EVENT TRIGGER a ON ddl_command_start EXECUTE FUNCTION no()",
    )
    with cloned(empty_database) as it:
        assert it.refused == []


@pytest.mark.skipif(programs() is None, reason="this machine has no PostgreSQL of its own")
def test_supabase_s_shape_from_another_version_with_icu_and_pgcrypto() -> None:
    found = programs()
    assert found
    with running(found) as url:
        run(
            url,
            "CREATE SCHEMA extensions; CREATE SCHEMA auth; CREATE ROLE authenticated; CREATE ROLE anon",
            'CREATE EXTENSION "uuid-ossp" SCHEMA extensions',
            "CREATE EXTENSION pgcrypto SCHEMA extensions",
            "CREATE EXTENSION xml2",
            "CREATE COLLATION german (provider = icu, locale = 'de-u-co-phonebk', deterministic = false)",
            "CREATE TABLE auth.users (id uuid PRIMARY KEY, email text)",
            """CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
               $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$""",
            """CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT extensions.uuid_generate_v4(),
               owner uuid REFERENCES auth.users (id), name text COLLATE german, other text COLLATE "de-x-icu",
               token text NOT NULL DEFAULT encode(extensions.gen_random_bytes(20), 'hex'))""",
            "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY own ON orders FOR ALL TO authenticated USING (owner = auth.uid())",
            "CREATE VIEW mine WITH (security_invoker = true) AS SELECT * FROM orders",
            "GRANT SELECT ON orders TO authenticated, anon",
            "CREATE INDEX by_name ON orders (lower(name) COLLATE german)",
        )
        with cloned(url) as it:
            assert it.refused == []
            assert sorted(it.named("extension")) == ["pgcrypto", "uuid-ossp", "xml2"]
            assert sorted(it.named("collation")) == ['pg_catalog."de-x-icu"', "public.german"]
            assert len(it.one("INSERT INTO orders (name) VALUES ('x') RETURNING token")) == 40
            assert it.one("SELECT extensions.crypt('a', 'b')") is None
            assert it.one("SELECT polname FROM pg_policy") == "own"


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("CREATE FOREIGN TABLE a.b (x int) SERVER s;", "CREATE TABLE a.b (x int)"),
        (
            "CREATE FOREIGN TABLE a.server (server text OPTIONS (a 'x)') NOT NULL) INHERITS (p)\nSERVER s OPTIONS (q 'r');",
            "CREATE TABLE a.server (server text NOT NULL) INHERITS (p)",
        ),
    ],
)
def test_what_makes_a_foreign_table_makes_a_plain_one(given: str, plain: str) -> None:
    (stub,) = plain_tables(f"SET x = 1;\n-- c\n{given}\nALTER FOREIGN TABLE a.b ALTER COLUMN x OPTIONS (y 'z');")
    assert " ".join(stub.sql.split()) == plain
