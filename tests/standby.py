"""A real standby of the test server: a base backup of it that streams, on a socket of its own.

No other test may make or remove a database on that server meanwhile: PostgreSQL 15 then may not start from the backup.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from conftest import Server
from genreq_checks.embedded import EmbeddedServer
from genreq_checks.embedded.launch import find_wheel

SECONDS = 30.0


@dataclass(frozen=True)
class Standby:
    """The running standby. `primary` is the server whose changes it replays."""

    primary: Server
    socket: Path
    port: int

    def url(self, database: str) -> str:
        """A database of the primary, as the standby has it."""
        parameters = conninfo.conninfo_to_dict(self.primary.url(database))
        return conninfo.make_conninfo("", **parameters | {"host": str(self.socket), "port": self.port})

    def run(self, statement: str) -> Any:
        """The first value of a statement's answer, in the standby's database `postgres`."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return row[0] if row else None

    def catch_up(self) -> None:
        """Wait until everything that the primary has is replayed."""
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            row = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        assert row
        self.wait(f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'::pg_lsn")

    def wait(self, question: str) -> None:
        """Wait until the standby says yes."""
        deadline = time.monotonic() + SECONDS
        while not self.run(question):
            assert time.monotonic() < deadline, question
            time.sleep(0.05)


def programs(server: Server) -> Path:
    """The folder of the server's own programs, of which a standby needs `postgres`."""
    if isinstance(server, EmbeddedServer):
        return server.bin
    given = os.environ.get("GENREQ_TEST_POSTGRES_BIN")
    host = conninfo.conninfo_to_dict(server.url()).get("host", "")
    if not given or not str(host).startswith("/"):
        pytest.skip("needs the programs of the server, on a socket of this machine: `.ci/with-postgres` says both")
    return Path(given)


def base_backup(own: Path) -> Path:
    """The server's own pg_basebackup, or the embedded server's, which copies older ones too."""
    beside = own / "pg_basebackup"
    return beside if beside.is_file() else find_wheel() / "pginstall" / "bin" / "pg_basebackup"


def let_in(server: Server) -> None:
    """Let the server's own user connect, for a standby and for foreign tables; the embedded one admits only ours."""
    if not isinstance(server, EmbeddedServer):
        return
    owner = pwd.getpwuid((server.folder / "data").stat().st_uid).pw_name
    for name, line in (("pg_ident.conf", f'genreq "{owner}" all\n'), ("pg_hba.conf", "local replication all trust\n")):
        rules = server.folder / "data" / name
        if line not in rules.read_text():
            rules.write_text(rules.read_text() + line)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def start_standby(server: Server) -> Iterator[Standby]:
    """A standby of the server for the time of a `with` block."""
    bin_folder = programs(server)
    parameters = conninfo.conninfo_to_dict(server.url())
    primary_socket = Path(str(parameters["host"]))
    owner = primary_socket.stat()
    as_owner: dict[str, Any] = {"cwd": "/", "env": {"LC_ALL": "C", "TZ": "UTC"}}
    if os.geteuid() == 0:
        as_owner |= {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    let_in(server)
    with tempfile.TemporaryDirectory(prefix="genreq-standby-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        data, log, port = folder / "data", folder / "log", 5433
        for inner in (data, folder / "socket"):
            inner.mkdir(mode=0o700)
            os.chown(inner, owner.st_uid, owner.st_gid)
        user = str(parameters["user"])
        place = f"host={primary_socket} port={parameters.get('port', 5432)} user={user}"
        with log.open("wb") as written:
            command = [base_backup(bin_folder), "-d", place, "-D", data, "-R", "-c", "fast", "-X", "stream"]
            done = subprocess.run([*command, "--no-sync"], check=False, stdout=written, stderr=written, **as_owner)
            assert done.returncode == 0, log.read_text()
            settings = ["--listen_addresses=", f"--unix_socket_directories={folder / 'socket'}", f"--port={port}"]
            settings += ["--wal_receiver_status_interval=1", "--wal_retrieve_retry_interval=100ms", "--fsync=off"]
            settings += [f"--primary_conninfo={place}"]  # what a newer pg_basebackup wrote may hold words that are new
            process = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, *settings], stdout=written, stderr=written, **as_owner
            )
        standby = Standby(server, folder / "socket", port)
        try:
            deadline = time.monotonic() + SECONDS
            while True:
                with suppress(psycopg.OperationalError):
                    standby.run("SELECT 1")
                    break
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield standby
        finally:
            process.send_signal(2)  # SIGINT: fast shutdown
            process.wait(SECONDS)
