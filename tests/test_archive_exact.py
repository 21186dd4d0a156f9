"""Every type is restored exactly, byte for byte, or rejected before anything is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from genreq_checks.archive import restore, write_archive
from genreq_checks.archive.copying import copying
from genreq_checks.archive.table import TEXT_FORMS
from genreq_checks.cli import app
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.postgres.connection import SETTINGS, parse
from genreq_checks.sources.archive import read_facts
from rows import execute

PLAN = """
plan_version = 1
title = "One column"
table = {{name = "things", key = ["id"]}}
cohort = {{column = "s", values = ["x"], time = "at"}}
kept.s = {{}}
{dropped}
sql = {{forward = "ALTER TABLE things DROP COLUMN gone", rollback = "SELECT 1"}}
"""
TYPES = """
    CREATE TYPE mood AS ENUM ('sad', 'so so', '');
    CREATE DOMAIN blanks AS bpchar;
    CREATE DOMAIN short AS char(5);
    CREATE DOMAIN shorter AS short NOT NULL CHECK (VALUE <> '');
    CREATE TYPE pair AS (a bpchar, b money, c float4, d mood, e text[], f shorter);
    CREATE TYPE loose AS ENUM ('A', 'a', 'b');
    CREATE FUNCTION loosely(loose) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(enum_out($1)::text) $$;
    CREATE CAST (loose AS text) WITH FUNCTION loosely(loose);
    CREATE TYPE told AS ENUM ('A', 'b');
    CREATE FUNCTION telling(told) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT enum_out($1)::text $$;
    CREATE CAST (told AS text) WITH FUNCTION telling(told);
    CREATE TYPE spans AS RANGE (SUBTYPE = float8);
    CREATE TYPE referring AS (a int, b regclass);
    CREATE DOMAIN table_name AS regclass;
"""
EXACT = {  # type → values in SQL
    "bpchar": "'x ', 'x', '', '   ', 'a  b  '",
    "blanks": "'x ', ''",
    "character(4)": "'x', '', 'abcd'",
    "short": "'x'",
    "bpchar[]": "ARRAY['x ', NULL, '']::bpchar[], '{}', '[0:1]={a,b }'",
    "pair": "ROW('x ', -1.5, 0.1, '', '{NULL,\"NULL\",\"\"}', 'x')::pair",
    "pair[]": "ARRAY[ROW('\"x\\ ', 1, 'NaN', 'so so', NULL, 'y')::pair, NULL]",
    "money": "'-92233720368547758.08', 0, 1234567.89",
    "money[]": "ARRAY[1234.5, -0.01]::numeric[]::money[]",
    "float8": "0.1::float8 + 0.2, 'NaN', '-Infinity', '-0', 5e-324, 1.7976931348623157e308",
    "float4[]": "ARRAY[0.1, 1e-45, 3.4028235e38]::float4[]",
    "numeric": "1.500, 'NaN', '-Infinity', 1e-200",
    "numeric(8, 2)": "1.5",
    "boolean": "true, false",
    "bytea": "'\\x00ff5c', '\\x'",
    "bytea[]": "ARRAY['\\x005c27'::bytea]",
    "interval": "'-1 mon +2 days -03:04:05.000006', '178000000 years', '-00:00:00.000001', '1 day -1 microsecond'",
    "timestamptz": "'infinity', '4713-01-01 BC', '294276-12-31 23:59:59.999999+00'",
    "timestamp": "'-infinity', '2025-01-01 00:00:00.000001'",
    "timetz": "'12:00:00.000001+05:30:15'",
    "date": "'4713-01-01 BC', 'infinity', '20000-02-29'",
    "inet": "'10.0.0.1', '10.0.0.1/8', '::1'",
    "cidr": "'10.0.0.0/8'",
    "bit(5)": "B'10101'",
    "varbit": "B'', B'1'",
    "jsonb": '\'{"b": 1.00, "a": [null, "\\u20ac"]}\', \'null\'',
    "json": '\' {"b" : 1.00 , "b":2}\'',
    "mood": "'so so', ''",
    "mood[]": "ARRAY['', 'sad']::mood[]",
    "int4range": "'[1,3)', 'empty', '(,)'",
    "spans": "spans(0.1, 0.30000000000000004)",
    "nummultirange": "'{[1.0,1.50),[2,)}'",
    "polygon": "'((0.1,1e-300),(0.30000000000000004,-0))'",
    "tsvector": "'a:1A ''b c'':2,3'",
    "tsquery": "'a <-> (b | !c) & d:*A'",
    "jsonpath": "'$.a[*] ? (@ > 1.50)'",
    '"char"': "'x', ''",
    "name": "'n'",
    "uuid": "gen_random_uuid()",
    "pg_lsn": "'16/B374D848'",
    "text": "'\\', E'\\n', ' '",
    "oid": "4294967295",
}
SINCE_14 = {"nummultirange": None, "numeric": "1.500, 'NaN', 1e-200"}  # what older servers have of these types
REFUSED = {
    **dict.fromkeys(("regclass", "table_name"), "'pg_class'"),
    "regtype": "'integer'",
    "regproc": "'now'",
    "regprocedure": "'now()'",
    "regnamespace": "'public'",
    "regrole": "current_user::regrole",
    "regclass[]": "ARRAY['pg_class'::regclass]",
    "referring": "ROW(1, 'pg_class')::referring",
    "referring[]": "ARRAY[ROW(1, 'pg_class')::referring]",
    "aclitem": "makeaclitem(10, 10, 'SELECT', false)",
}


def plan_of(dropped: str = "dropped.gone = {}") -> Plan:
    return parse_plan(PLAN.format(dropped=dropped), "things")


@pytest.fixture
def typed(empty_database: str) -> str:
    execute(empty_database, TYPES)
    return empty_database


def make(url: str, kind: str, values: str) -> None:
    execute(url, f"CREATE TABLE things (id serial PRIMARY KEY, s text, at timestamp, gone {kind}, other text)")
    for value in split(values):
        execute(url, f"INSERT INTO things (gone) VALUES (CAST({value} AS {kind}))")


def split(values: str) -> list[str]:
    """SQL values, separated by commas outside of brackets and quotes."""
    found, depth, quoted = [""], 0, False
    for letter in values:
        quoted ^= letter == "'"
        depth += 0 if quoted else {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += letter
    return found


def hostile(url: str) -> None:
    """Settings of the database under which values look otherwise, or are read otherwise."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        for setting, value in (
            ("extra_float_digits", "-15"),
            ("bytea_output", "escape"),
            ("IntervalStyle", "sql_standard"),
            ("DateStyle", "German"),
            ("TimeZone", "Asia/Kathmandu"),
            ("array_nulls", "off"),
        ):
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(statement.format(sql.Identifier(str(name)), sql.Identifier(setting), sql.Literal(value)))


def image(url: str) -> list[Any]:
    """Whether each row's value is what it was, as bytes; and how many rows there are."""
    with psycopg.connect(url) as connection:
        return connection.execute("""
            SELECT k.id, CAST(ROW(t.gone) AS record) OPERATOR(pg_catalog.*=) CAST(ROW(k.gone) AS record)
            FROM kept k JOIN things t USING (id) ORDER BY 1
        """).fetchall()


@pytest.mark.parametrize(("kind", "values"), EXACT.items(), ids=EXACT)
def test_a_type_is_restored_byte_for_byte(typed: str, kind: str, values: str, tmp_path: Path) -> None:
    with psycopg.connect(typed) as connection:
        if connection.info.server_version < 140_000 and kind in SINCE_14:
            values = SINCE_14[kind] or pytest.skip(f"PostgreSQL has {kind} since version 14")
    make(typed, kind, values)
    execute(typed, "CREATE TABLE kept AS TABLE things")
    hostile(typed)
    facts = write_archive(plan_of(), typed, tmp_path / "a")
    count = len(split(values))
    assert facts.columns["gone"].values == count
    execute(typed, f"ALTER TABLE things DROP COLUMN gone; ALTER TABLE things ADD COLUMN gone {kind}")
    done = restore(plan_of(), tmp_path / "a", typed)
    assert (done.verified, done.placed) == (True, count)
    assert image(typed) == [(number + 1, True) for number in range(count)]


@pytest.mark.parametrize(("kind", "values"), REFUSED.items(), ids=REFUSED)
def test_a_type_whose_text_names_another_object_is_rejected(typed: str, kind: str, values: str, tmp_path: Path) -> None:
    make(typed, kind, values)
    with pytest.raises(SourceError) as caught:
        write_archive(plan_of(), typed, tmp_path / "a")
    assert "public.things.gone is of type " in caught.value.message
    assert f"{kind.removesuffix('[]')}: the text of " in caught.value.message.replace("[]:", ":")
    assert "is the name of another object" in caught.value.message
    assert "given_up" in caught.value.hint
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["loose", "told", "read"])
def test_a_user_defined_cast_is_rejected_and_not_run(typed: str, tmp_path: Path, kind: str) -> None:
    execute(typed, "CREATE TYPE read AS ENUM ('A', 'b')")
    execute(
        typed,
        "CREATE FUNCTION fail(text) RETURNS read LANGUAGE sql IMMUTABLE AS $$ SELECT (1 / 0)::text::public.read $$",
    )
    execute(typed, "CREATE CAST (text AS read) WITH FUNCTION fail(text)")
    make(typed, kind, "'A', 'b'")
    with pytest.raises(SourceError, match="would run a user-defined function"):
        write_archive(plan_of(), typed, tmp_path / "a")
    assert os.listdir(tmp_path) == []
    execute(typed, "ALTER TABLE things ADD COLUMN more text DEFAULT 'm'")
    given_up = plan_of("dropped.gone = {given_up = 'x'}\ndropped.more = {}")
    assert list(write_archive(given_up, typed, tmp_path / "b").columns) == ["more"]


@pytest.mark.parametrize(
    ("extension", "kind", "values"),
    [
        ("citext", "citext", "'A', 'a', 'ß '"),
        ("citext", "citext[]", "ARRAY['A ', NULL]::citext[]"),
        ("hstore", "hstore", '\'a=>NULL, "b c"=>""\''),
        ("ltree", "ltree", "'a.b'"),
    ],
)
def test_types_of_extensions_are_tested_and_kept(
    typed: str, extension: str, kind: str, values: str, tmp_path: Path
) -> None:
    execute(typed, f"CREATE EXTENSION {extension}; CREATE TYPE held AS (a {kind}, b bpchar)")
    for number, (type_, content) in enumerate(((kind, values), ("held", f"ROW({split(values)[0]}, 'x ')"))):
        execute(typed, "DROP TABLE IF EXISTS kept; DROP TABLE IF EXISTS things")
        make(typed, type_, content)
        execute(typed, "CREATE TABLE kept AS TABLE things; ")
        write_archive(plan_of(), typed, tmp_path / f"a{number}")
        execute(typed, "UPDATE things SET gone = NULL")
        assert restore(plan_of(), tmp_path / f"a{number}", typed).verified
        assert all(same for _, same in image(typed))


def test_xml_is_kept_and_tested_within_a_composite(typed: str, tmp_path: Path) -> None:
    try:
        make(typed, "xml", "'<?xml version=\"1.0\" standalone=\"yes\"?><a/>', '<b>x</b>'")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("This server was built without libxml.")
    execute(typed, "CREATE TABLE kept AS TABLE things")
    write_archive(plan_of(), typed, tmp_path / "a")
    execute(typed, "UPDATE things SET gone = NULL")
    assert restore(plan_of(), tmp_path / "a", typed).verified
    assert image(typed) == [(1, True), (2, True)]
    execute(typed, "ALTER TABLE things DROP COLUMN gone; ALTER TABLE things ADD COLUMN gone xml[]")
    execute(typed, "UPDATE things SET gone = ARRAY['<?xml version=\"1.0\"?><a/>'::xml]")
    with pytest.raises(SourceError, match="the text of 2 values does not restore"):
        write_archive(plan_of(), typed, tmp_path / "b")


def test_a_column_that_is_given_up_is_left_out_and_reported(typed: str, tmp_path: Path) -> None:
    make(typed, "regclass", "'pg_class'")
    execute(typed, "UPDATE things SET other = 'o'")
    plan_file = tmp_path / "plan.toml"
    text = PLAN.format(dropped="dropped.gone = {given_up = 'Nobody reads it.'}\ndropped.other = {}")
    plan_file.write_text(text)
    file = tmp_path / "a.parquet"
    done = CliRunner().invoke(app, ["archive", typed, "-o", str(file), "--plan", str(plan_file)])
    assert done.exit_code == 0
    assert "gone is left out: text cannot keep its type exactly, and the plan gives its values up." in done.stderr
    assert list(read_facts(file).columns) == ["other"]
    execute(typed, "UPDATE things SET other = NULL, gone = NULL")
    assert restore(parse_plan(text, "p"), file, typed).placed == 1
    with pytest.raises(SourceError, match=r"No dropped column of .* can be kept"):
        write_archive(plan_of("dropped.gone = {given_up = 'x'}"), typed, tmp_path / "b")


def test_a_key_that_its_text_does_not_restore_is_rejected(typed: str, tmp_path: Path) -> None:
    execute(typed, "CREATE TABLE things (id regclass PRIMARY KEY, s text, at timestamp, gone text)")
    execute(typed, "INSERT INTO things VALUES ('pg_class', 'x', now(), 'g')")
    with pytest.raises(SourceError) as caught:
        write_archive(plan_of(), typed, tmp_path / "a")
    assert "public.things.id is of type regclass" in caught.value.message
    assert caught.value.hint == "Name another key in the plan (table.key)."


def test_trailing_blanks_in_a_key_do_not_distinguish_rows(typed: str, tmp_path: Path) -> None:
    execute(typed, "CREATE TABLE things (id bpchar PRIMARY KEY, s text, at timestamp, gone bpchar)")
    execute(typed, "INSERT INTO things (id, gone) VALUES ('a ', 'g '), ('b', 'g')")
    execute(typed, "CREATE TABLE kept AS TABLE things")
    write_archive(plan_of(), typed, tmp_path / "a")
    execute(typed, "UPDATE things SET gone = NULL")
    assert restore(plan_of(), tmp_path / "a", typed).placed == 2
    assert image(typed) == [("a ", True), ("b", True)]


GENERATED = "text GENERATED ALWAYS AS (s || '-' || coalesce(other, '')) STORED"


@pytest.mark.parametrize("back", [GENERATED, "text"])
def test_a_generated_column_is_restored_computed_or_written(typed: str, back: str, tmp_path: Path) -> None:
    """One of two dropped columns is computed from the other: right only after that one is filled."""
    execute(typed, f"CREATE TABLE things (id serial PRIMARY KEY, s text, at timestamp, other text, gone {GENERATED})")
    execute(typed, "INSERT INTO things (s, other) VALUES ('a', 'b'), ('c', NULL), (NULL, 'd')")
    execute(typed, "CREATE TABLE kept AS TABLE things")
    plan = plan_of("dropped.gone = {}\ndropped.other = {}")
    write_archive(plan, typed, tmp_path / "a")
    execute(typed, "ALTER TABLE things DROP COLUMN gone, DROP COLUMN other")
    execute(typed, f"ALTER TABLE things ADD COLUMN other text, ADD COLUMN gone {back}")
    done = restore(plan, tmp_path / "a", typed)
    assert (done.placed + done.already, done.conflicts, done.verified) == (4, 0, True)
    assert image(typed) == [(1, True), (2, True), (3, True)]


def test_a_generated_column_with_another_value_is_reported(typed: str, tmp_path: Path) -> None:
    make(typed, "text", "'a', 'b'")
    write_archive(plan_of(), typed, tmp_path / "a")
    execute(
        typed,
        "ALTER TABLE things DROP COLUMN gone; ALTER TABLE things ADD COLUMN gone text GENERATED ALWAYS AS ('a') STORED",
    )
    told: list[Any] = []
    done = restore(plan_of(), tmp_path / "a", typed, overwrite=True, unplaced=told.append)
    assert (done.placed, done.already, done.conflicts, done.verified) == (0, 1, 1, True)
    assert [(one.key, one.column, one.reason) for one in told] == [(("2",), "gone", "different")]


def test_the_copy_has_the_same_settings_as_the_restore(database: str) -> None:
    hostile(database)
    wanted = TEXT_FORMS | {name: SETTINGS[name] for name in ("extra_float_digits", "IntervalStyle", "TimeZone")}
    with copying(parse(database), 0) as copied:
        found = {name: copied.ask(f"SELECT current_setting('{name}')") for name in wanted}
    assert found == wanted
