"""The rights of the reading role beyond reading are in one note; the role of `list --grants` gets no note."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.plan import Plan
from genreq_checks.postgres import role as role_source
from genreq_checks.run import check, observe
from rows import execute, insert

TABLE = "public.generation_requests"
END = "; a role that may only read is enough: genreq-checks list --grants"
SERVER_FILES = "it may write files on the server (member of pg_write_server_files)"
SERVER_PROGRAMS = "it may run programs on the server (member of pg_execute_server_program)"


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """The name of a role as `list --grants` makes it, on a table with one row."""
    insert(database, {"completed_at": "2025-01-11"})
    execute(
        database,
        "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id int, hash text, created_at bigint)",
    )
    name = f"reader_{uuid.uuid4().hex[:8]}"
    execute(database, CliRunner().invoke(app, ["list", "--grants"]).stdout.replace("genreq_reader", name))
    yield name
    execute(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def other(database: str, reader: str) -> Iterator[str]:
    """The name of a second role, which goes away after the test."""
    name = f"other_{uuid.uuid4().hex[:8]}"
    execute(database, f"CREATE ROLE {name}")
    yield name
    execute(database, f"REASSIGN OWNED BY {name} TO current_user; DROP OWNED BY {name}; DROP ROLE {name}")


def noted(plan: Plan, database: str, role: str) -> tuple[str, ...]:
    now = observe(plan, psycopg.conninfo.make_conninfo(database, user=role))
    assert now.source.role == role
    return now.source.notes


def version(database: str) -> int:
    with psycopg.connect(database) as connection:
        return connection.info.server_version


def test_the_role_of_list_grants_gets_no_note(plan: Plan, database: str, reader: str) -> None:
    assert noted(plan, database, reader) == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ALTER ROLE {reader} CREATEROLE", "it may create and change roles (CREATEROLE)"),
        ("ALTER ROLE {reader} CREATEDB", "it may create databases (CREATEDB)"),
        ("ALTER ROLE {reader} REPLICATION", "it may copy the whole server (REPLICATION)"),
        ("GRANT pg_execute_server_program TO {reader}", SERVER_PROGRAMS),
        ("GRANT pg_write_server_files TO {reader}", SERVER_FILES),
        ("GRANT INSERT ON generation_requests TO {reader}", f"it may INSERT in {TABLE}"),
        ("GRANT DELETE, TRUNCATE ON generation_requests TO {reader}", f"it may DELETE and TRUNCATE in {TABLE}"),
        ("GRANT UPDATE (github_url) ON generation_requests TO {reader}", f"it may UPDATE in {TABLE}"),
        ("ALTER TABLE generation_requests OWNER TO {reader}", f"it owns {TABLE}"),
        (
            "ALTER TABLE generation_requests OWNER TO {other}; GRANT {other} TO {reader}",
            f"{{other}}, which owns {TABLE}",
        ),
        ("ALTER ROLE {other} SUPERUSER; GRANT {other} TO {reader}", "it is a member of {other}, a superuser"),
        ("ALTER ROLE {other} CREATEDB; GRANT {other} TO {reader}", "it may create databases (CREATEDB)"),
        (
            "ALTER ROLE {reader} NOINHERIT; GRANT UPDATE ON generation_requests TO {other}; GRANT {other} TO {reader}",
            f"it may UPDATE in {TABLE}",
        ),
        (
            "CREATE TABLE part () INHERITS (generation_requests); ALTER TABLE part OWNER TO {reader}",
            f"it owns {TABLE} or a part of it",
        ),
    ],
)
def test_what_the_role_may_do_beyond_reading_is_one_note(
    plan: Plan, database: str, reader: str, other: str, given: str, words: str
) -> None:
    named = {"reader": reader, "other": other}
    execute(database, given.format(**named))
    try:
        (note,) = noted(plan, database, reader)
    finally:
        execute(database, f"REASSIGN OWNED BY {reader} TO current_user")
    assert note.startswith(f"the role {reader} may do more than a check needs: ")
    assert words.format(**named) in note
    assert note.endswith(END)


def test_a_member_of_pg_write_all_data_may_write(plan: Plan, database: str, reader: str) -> None:
    if version(database) < 140_000:  # the role does not exist: no note, and no failure
        assert noted(plan, database, reader) == ()
        return
    execute(database, f"GRANT pg_write_all_data TO {reader}")
    (note,) = noted(plan, database, reader)
    assert "it may write every table (member of pg_write_all_data)" in note


def test_all_of_it_is_one_note_and_bypassrls_is_a_remark(plan: Plan, database: str, reader: str) -> None:
    execute(database, f"ALTER ROLE {reader} CREATEDB REPLICATION; GRANT pg_write_server_files TO {reader}")
    (note,) = noted(plan, database, reader)
    assert note == (
        f"the role {reader} may do more than a check needs: it may create databases (CREATEDB), it may copy the whole "
        f"server (REPLICATION), {SERVER_FILES} (BYPASSRLS is not counted: it may be needed to see every row){END}"
    )
    report = check(plan, observe(plan, psycopg.conninfo.make_conninfo(database, user=reader)))
    assert note in report.sources["after"].notes
    execute(database, f"ALTER ROLE {reader} NOBYPASSRLS")
    assert "BYPASSRLS" not in noted(plan, database, reader)[0]


def test_a_superuser_gets_only_the_note_of_a_superuser(plan: Plan, database: str) -> None:
    assert observe(plan, database).source.notes == (
        "read as a superuser; a role that may only read is enough: genreq-checks list --grants",
    )


def test_a_role_is_judged_also_without_the_table(plan: Plan, database: str, reader: str) -> None:
    execute(database, f"ALTER ROLE {reader} CREATEDB")
    (note,) = noted(plan.with_table("public.nowhere"), database, reader)
    assert "CREATEDB" in note


def test_rights_that_cannot_be_read_are_reported(
    plan: Plan, database: str, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_source, "_RIGHTS", sa.text("SELECT 1 / 0, :oid, :given, :writes"))
    (note,) = noted(plan, database, reader)
    assert note == f"the rights of the role {reader} beyond reading could not be read"
