"""The reading connection: any encoding gives right counts, and no user-defined code runs as the reading role."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.archive import write_archive
from genreq_checks.checks import needs_of, rows_behind
from genreq_checks.cli import app
from genreq_checks.embedded import sample
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, unreachable
from genreq_checks.postgres.encoding import decodable, white_space_in
from genreq_checks.postgres.grants import grants
from genreq_checks.run import check, observe
from genreq_checks.sources.rows import listing
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"


@pytest.fixture
def encoded(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of another encoding with the empty table."""
    name = f"encoded_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        statement: LiteralString = "CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0"
        if connection.info.server_version >= 150_000:
            statement += " LOCALE_PROVIDER libc"
        connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(request.param)))
    url = psycopg.conninfo.make_conninfo(server.url(), dbname=name)
    sample.create_table(url)
    yield url
    server.drop_database(name)


def fill(url: str, values: tuple[str | None, ...]) -> None:
    insert(url, *({"github_url": value, "deployment_url": value, "download_url": value} for value in values))


@pytest.mark.parametrize(
    ("encoded", "letter"),
    [("LATIN1", "\u00e9"), ("WIN1252", "\u20ac"), ("EUC_JP", "\u65e5"), ("SQL_ASCII", "~"), ("UTF8", "\u65e5")],
    indirect=["encoded"],
)
def test_a_database_of_any_encoding_is_counted(encoded: str, plan: Plan, letter: str) -> None:
    fill(encoded, (GITHUB, None, "", " ", "\t", f"{GITHUB}/caf", "undefined", f"{GITHUB}/{letter}<"))
    now = observe(plan, encoded, CUTOVER)
    assert now.problems == ()
    assert now.tally is not None
    wanted = {"null": 1, "blank": 3, "populated": 2, "malformed": 2, "credentials": 0}
    counts = now.tally.count("github_url")
    assert counts.pop("undecodable", 0) == 0
    assert counts == wanted
    one, selection = rows_behind(plan, "population.github_url")
    with listing(plan, encoded, selection, needs_of(plan, [one])) as found:
        assert len(list(found.rows)) == 4


def test_the_white_space_that_an_encoding_has_is_the_servers_own(database: str) -> None:
    with psycopg.connect(database) as connection:
        numbers = "SELECT pg_encoding_to_char(n) FROM generate_series(0, 41) n"
        names = [row[0] for row in connection.execute(numbers) if row[0] not in ("", "MULE_INTERNAL", "SQL_ASCII")]
        assert len(names) > 35
        for name in names:
            known = white_space_in(name)
            assert known.isascii() or connection.execute("SELECT convert_to(%s, %s)", [known, name]).fetchone()
            assert set(" \t\n\r\f\v") <= set(known)
    assert white_space_in("SQL_ASCII").isascii()
    assert "\xa0" in white_space_in("LATIN1")
    assert "\u3000" in white_space_in("EUC_JP")


@pytest.mark.parametrize("encoded", ["LATIN1"], indirect=True)
def test_a_no_break_space_is_blank_where_the_encoding_has_one(encoded: str, plan: Plan) -> None:
    fill(encoded, ("\u00a0", " \u00a0\t", "\u00a0x"))
    tally = observe(plan, encoded, CUTOVER).tally
    assert tally is not None
    assert tally.count("deployment_url")["blank"] == 2


@pytest.mark.parametrize("encoded", ["SQL_ASCII"], indirect=True)
def test_bytes_that_are_not_text_are_counted_and_listed(encoded: str, plan: Plan, tmp_path: Path) -> None:
    fill(encoded, (GITHUB,))
    execute(encoded, "ALTER TABLE generation_requests ALTER COLUMN status TYPE text")
    with psycopg.connect(encoded) as connection:
        connection.execute(
            b"UPDATE generation_requests SET deployment_url = E'\\xff\\xfe', download_url = E'\\xff', app_name = E'\\xff'"
        )
    insert(encoded, {"github_url": GITHUB})
    with psycopg.connect(encoded) as connection:
        connection.execute(b"UPDATE generation_requests SET status = E'done\\xff' WHERE id = 2")
    now = observe(plan, encoded, CUTOVER)
    assert now.problems == ()
    assert now.tally is not None
    assert now.tally.statuses() == {"completed": 1, "done\ufffd": 1}
    assert now.tally.count("deployment_url") == {
        "null": 1,
        "blank": 0,
        "populated": 0,
        "malformed": 0,
        "credentials": 0,
        "undecodable": 1,
    }
    assert now.tally.count("download_url") == {"null": 1, "blank": 0, "populated": 0, "undecodable": 1}
    with pytest.raises(SourceError, match="22021"):
        write_archive(plan, encoded, tmp_path / "a.parquet")


BYTES = (
    (b"\\xc3\\xa9 \\xe2\\x82\\xac \\xf0\\x9f\\x98\\x80", "populated"),  # characters of two, three and four bytes
    (b"", "blank"),
    (b"\\xc0\\xaf", "undecodable"),  # longer than need be
    (b"\\xed\\xa0\\x80", "undecodable"),  # half of a pair of UTF-16
    (b"\\xf4\\x90\\x80\\x80", "undecodable"),  # beyond the last character
    (b"ends in \\xe2\\x82", "undecodable"),
    (b"\\x80 begins", "undecodable"),
    (b"one\ntwo \\xff three", "undecodable"),
)


@pytest.mark.parametrize("encoded", ["SQL_ASCII"], indirect=True)
def test_undecodable_values_are_those_that_are_not_utf_8(encoded: str, plan: Plan) -> None:
    fill(encoded, (GITHUB,) * len(BYTES))
    with psycopg.connect(encoded) as connection:
        for number, (value, _) in enumerate(BYTES, 1):
            statement = b"UPDATE generation_requests SET download_url = E'%s' WHERE id = %d"
            connection.execute(statement % (value, number))
    tally = observe(plan, encoded, CUTOVER).tally
    assert tally is not None
    wanted = Counter(label for _, label in BYTES)
    assert {label: n for label, n in tally.count("download_url").items() if n} == wanted
    assert Counter(_is_utf_8(value) for value, label in BYTES if label != "blank") == {False: 6, True: 1}


def _is_utf_8(escaped: bytes) -> bool:
    try:
        escaped.decode("unicode_escape").encode("latin1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("encoded", ["WIN1252"], indirect=True)
def test_a_byte_without_a_character_is_judged_and_reported(encoded: str, plan: Plan) -> None:
    fill(encoded, (GITHUB, GITHUB, "https://u:p@github.com/leo/app"))
    with psycopg.connect(encoded) as connection:
        connection.execute(
            b"UPDATE generation_requests SET github_url = 'https://github.com/leo/' || chr(129) WHERE id = 2"
        )
    now = observe(plan, encoded)
    assert now.problems == ()
    report = check(plan, now, phase="after")
    leak, shape = report.check("url-shape.github_url").findings
    assert (leak.outcome, shape.outcome) == ("fail", "warn")
    assert "1 cannot be converted to UTF-8" in shape.message
    assert shape.evidence["malformed"] == 2
    assert shape.evidence["undecodable"] == 1
    assert sum(shape.evidence[name] for name in ("null", "blank", "populated")) == shape.evidence["rows"] == 3


def test_the_bytes_of_an_encoding_without_a_character_are_the_servers(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        numbers = "SELECT pg_encoding_to_char(n) FROM generate_series(0, 41) n WHERE pg_encoding_max_length(n) = 1"
        names = [row[0] for row in connection.execute(numbers) if row[0] not in ("", "SQL_ASCII")]
        assert len(names) > 20
        for name in names:
            pattern = decodable(name)
            for byte in range(0x80, 0x100):
                try:
                    connection.execute("SELECT convert(set_byte('x', 0, %s), %s, 'UTF8')", [byte, name])
                except psycopg.errors.UntranslatableCharacter:
                    assert pattern is not None, name
                    assert f"\\x{byte:02x}" in pattern, name
                else:
                    assert pattern is None or f"\\x{byte:02x}" not in pattern, name
    assert decodable("UTF8") is None


MULTIBYTE = {"EUC_JP": ("8f",), "EUC_CN": (), "EUC_KR": (), "EUC_JIS_2004": ("8f",)}
CONVERTS = """
CREATE FUNCTION codes(lead text) RETURNS TABLE (value text, converts boolean) LANGUAGE plpgsql AS $$
DECLARE code text;
BEGIN
    FOR code IN SELECT lead || to_hex(a) || to_hex(b) FROM generate_series(161, 254) a, generate_series(161, 254) b LOOP
        BEGIN
            value := convert_from(decode(code, 'hex'), getdatabaseencoding());
        EXCEPTION WHEN character_not_in_repertoire THEN CONTINUE;
        END;
        BEGIN
            PERFORM convert_to(value, 'UTF8');
            converts := true;
        EXCEPTION WHEN untranslatable_character THEN converts := false;
        END;
        RETURN NEXT;
    END LOOP;
END $$
"""


@pytest.mark.parametrize("encoded", MULTIBYTE, indirect=True)
def test_a_code_is_undecodable_where_the_server_of_that_encoding_cannot_convert_it(encoded: str) -> None:
    counts = Counter[tuple[bool, bool]]()
    with psycopg.connect(encoded, autocommit=True, client_encoding="SQL_ASCII") as connection:
        name = connection.info.parameter_status("server_encoding") or ""
        connection.execute(CONVERTS.encode())
        query = sql.SQL('SELECT converts, value ~ {} COLLATE "C", count(*) FROM codes({}) GROUP BY 1, 2')
        for lead in ("", *MULTIBYTE[name]):
            asked = query.format(sql.Literal(decodable(name)), sql.Literal(lead)).as_string(None)
            for converts, matches, codes in connection.execute(asked.encode()).fetchall():
                counts[converts, matches] += codes
    assert (counts[True, False], counts[False, True]) == (0, 0)
    assert counts[True, True] > 7000
    assert counts[False, False] > 30


@pytest.mark.parametrize(
    ("encoded", "made"), [("WIN1252", "chr(129)"), ("EUC_JP", r"E'\xa2\xaf'")], indirect=["encoded"]
)
def test_a_value_and_a_status_that_cannot_be_sent_are_counted(encoded: str, plan: Plan, made: str) -> None:
    fill(encoded, (GITHUB, GITHUB))
    execute(encoded, "ALTER TABLE generation_requests ALTER COLUMN status TYPE text")
    with psycopg.connect(encoded, client_encoding="SQL_ASCII") as connection:
        query = f"UPDATE generation_requests SET download_url = {made}, status = {made} || id WHERE id = 2"
        connection.execute(query.encode())
    now = observe(plan, encoded, CUTOVER)
    assert now.problems == ()
    assert now.tally is not None
    assert now.tally.count("download_url")["undecodable"] == 1
    assert now.tally.statuses() == {"completed": 1, "(undecodable)": 1}


def test_the_clients_own_encoding_changes_nothing(
    database: str, server: Server, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, {"github_url": f"{GITHUB}/\u65e5\u672c"}, {"github_url": "\u2003"})
    plain = observe(plan, database, CUTOVER).tally
    assert plain is not None
    role = f"latin_{uuid.uuid4().hex[:8]}"
    execute(database, f"CREATE ROLE {role} LOGIN SUPERUSER; ALTER ROLE {role} SET client_encoding = 'LATIN1'")
    try:
        assert observe(plan, psycopg.conninfo.make_conninfo(database, user=role), CUTOVER).tally == plain
    finally:
        execute(database, f"DROP ROLE {role}")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    assert observe(plan, database, CUTOVER).tally == plain
    assert observe(plan, psycopg.conninfo.make_conninfo(database, client_encoding="LATIN1"), CUTOVER).tally == plain


SHELL = "COPY (SELECT 1) TO PROGRAM 'cat > {}'"
EVIL_CAST = """
CREATE SCHEMA evil;
CREATE FUNCTION evil.st(generation_status) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN {}; RETURN 'completed'; END $$;
CREATE CAST (generation_status AS text) WITH FUNCTION evil.st(generation_status) AS IMPLICIT;
"""


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that an attack makes; the server runs as another user, maybe."""
    folder = tmp_path / "attack"
    folder.mkdir()
    os.chmod(folder, 0o777)
    for parent in folder.parents:
        if parent != Path("/") and parent.owner() == Path(tmp_path).owner():
            os.chmod(parent, parent.stat().st_mode | 0o111)
    return folder / "ran"


def test_a_user_defined_cast_is_not_run(database: str, plan: Plan, marker: Path, tmp_path: Path) -> None:
    insert(database, {"github_url": GITHUB, "download_url": "https://s3.example/a"})
    execute(database, EVIL_CAST.format(SHELL.format(marker).replace("'", "''").join(("EXECUTE '", "'"))))
    with psycopg.connect(database) as connection:  # a control: the attack works where the cast is called
        connection.execute("SELECT CAST(status AS text) FROM generation_requests")
    assert marker.exists()
    marker.unlink()
    now = observe(plan, database, CUTOVER)
    assert not marker.exists()
    problem = now.problem("tally")
    assert problem is not None
    assert "evil.st" in problem.message
    assert "DROP CAST" in problem.hint
    assert check(plan, now, cutover=CUTOVER).check("population.github_url").outcome == "unknown"
    execute(database, "ALTER TABLE generation_requests ADD COLUMN odd generation_status DEFAULT 'queued'")
    own = plan.model_copy(
        update={"dropped": plan.dropped | {"odd": plan.dropped["download_url"].model_copy(update={"claim": None})}}
    )
    with pytest.raises(SourceError, match="user-defined function"):
        write_archive(own, database, tmp_path / "a.parquet")
    assert not marker.exists()


def test_a_cast_of_an_extension_or_to_another_type_is_accepted(database: str, plan: Plan) -> None:
    insert(database, {"github_url": GITHUB})
    execute(
        database,
        "CREATE FUNCTION rank(generation_status) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE CAST (generation_status AS int) WITH FUNCTION rank(generation_status);"
        "CREATE EXTENSION IF NOT EXISTS citext; ALTER TABLE generation_requests ALTER COLUMN github_url TYPE citext",
    )
    assert observe(plan, database, CUTOVER).problems == ()


EVIL_PATH = """
CREATE SCHEMA evil;
CREATE FUNCTION evil.attack() RETURNS text LANGUAGE plpgsql AS $$ BEGIN {}; RETURN 'x'; END $$;
CREATE FUNCTION evil.current_schema() RETURNS name LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack(); RETURN 'x'; END $$;
CREATE FUNCTION evil.version() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack(); RETURN 'PostgreSQL 18.0'; END $$;
CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM evil.attack(); RETURN $2; END $$;
CREATE FUNCTION evil.count(anyelement) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack(); RETURN 0; END $$;
CREATE FUNCTION evil.btrim(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack(); RETURN ''; END $$;
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack(); RETURN true; END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
CREATE FUNCTION evil.ne(regproc, integer) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN PERFORM evil.attack(); RETURN true; END $$;
CREATE OPERATOR evil.<> (LEFTARG = regproc, RIGHTARG = integer, FUNCTION = evil.ne);
"""


def test_the_databases_search_path_is_not_used(database: str, plan: Plan, marker: Path, tmp_path: Path) -> None:
    insert(database, {"github_url": GITHUB, "download_url": "https://s3.example/a"})
    clean = observe(plan, database, CUTOVER)
    execute(database, EVIL_PATH.format(SHELL.format(marker).replace("'", "''").join(("EXECUTE '", "'"))))
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(database, autocommit=True) as connection:
        alter = "ALTER DATABASE {} SET search_path = evil, pg_catalog, public"
        connection.execute(sql.SQL(alter).format(sql.Identifier(str(name))))
    with psycopg.connect(database) as connection:  # a control: an unqualified name is the attacker's
        connection.execute("SELECT current_schema()")
    assert marker.exists()
    marker.unlink()
    now = observe(plan, database, CUTOVER)
    assert not marker.exists()
    assert now.tally == clean.tally
    write_archive(plan, database, tmp_path / "a.parquet")
    assert not marker.exists()


def test_the_granted_role_reads_exactly_what_the_checks_need(server: Server, database: str, plan: Plan) -> None:
    insert(database, {"github_url": GITHUB, "download_url": "https://s3.example/a", "completed_at": "2025-01-11"})
    execute(
        database,
        "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id int, hash text, created_at bigint)",
    )
    execute(database, "ALTER TABLE generation_requests ENABLE ROW LEVEL SECURITY")
    printed = CliRunner().invoke(app, ["list", "--grants"]).stdout
    role = f"reader_{uuid.uuid4().hex[:8]}"
    execute(database, printed.replace("genreq_reader", role))
    reader = psycopg.conninfo.make_conninfo(database, user=role)
    try:
        ours, theirs = (observe(plan, url, CUTOVER) for url in (database, reader))
        assert (theirs.problems, theirs.tally, theirs.books) == ((), ours.tally, ours.books)
        for phase in ("before", "after"):
            one, two = ({c.id: c.outcome for c in check(plan, now, phase=phase).checks} for now in (ours, theirs))
            assert one == two
        assert any("superuser" in note for note in ours.source.notes)
        assert not any("superuser" in note for note in theirs.source.notes)
        forbidden: LiteralString
        for forbidden in ("SELECT prompt FROM generation_requests", "DELETE FROM generation_requests"):
            with (
                psycopg.connect(reader, options="-c default_transaction_read_only=off") as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(forbidden)
    finally:
        execute(database, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_the_grants_quote_special_names(plan: Plan) -> None:
    odd = plan.with_table('Odd "schema".My table')
    assert any('"Odd ""schema""" TO' in line for line in grants(odd))


def test_every_setting_is_in_force_and_the_transaction_is_read_only(database: str, plan: Plan) -> None:
    seen: dict[str, str] = {}

    def after(conn: sa.Connection, *_: object) -> None:
        if not seen:
            raw = conn.connection.driver_connection
            assert raw is not None
            for name in (
                "search_path",
                "row_security",
                "transaction_read_only",
                "transaction_isolation",
                "client_encoding",
            ):
                seen[name] = raw.execute(f"SHOW {name}").fetchone()[0]

    sa.event.listen(sa.Engine, "after_cursor_execute", after)
    try:
        observe(plan, database, CUTOVER)
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", after)
    assert seen == {
        "search_path": "pg_catalog",
        "row_security": "off",
        "transaction_read_only": "on",
        "transaction_isolation": "repeatable read",
        "client_encoding": "UTF8",
    }


def test_every_statement_is_ascii_and_the_first_names_everything_by_schema(database: str, plan: Plan) -> None:
    sent: list[str] = []

    def before(conn: object, cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        observe(plan, database, CUTOVER)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)
    assert len(sent) > 8
    assert [one for one in sent if not one.isascii()] == []
    assert sent[0].startswith("SELECT pg_catalog.set_config(")
    assert sent[0].count("set_config(") == sent[0].count("pg_catalog.set_config(")


def test_a_time_limit_that_ends_the_set_up_is_reported_as_one(database: str) -> None:
    told = unreachable(parse(database), psycopg.errors.QueryCanceled("canceling statement due to statement timeout"))
    assert "time limit" in told.message
    assert "--timeout" in told.hint
