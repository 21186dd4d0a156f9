"""A PostgreSQL of the machine's own programs, which has what the embedded one has not: ICU, pgcrypto, uuid-ossp."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def programs() -> Path | None:
    """Where initdb and postgres are, when this machine has them with their extensions."""
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def running(programs: Path, more: str = "") -> Iterator[str]:
    """A fresh server on a socket of its own, with more options; the URL of its database `postgres`, as its superuser `app`."""
    with tempfile.TemporaryDirectory(prefix="genreq-15-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = None if os.geteuid() else _unprivileged(folder)
        data, log = folder / "data", folder / "log"
        plain = {"check": True, "capture_output": True, "user": user, "cwd": folder}
        init = [programs / "initdb", "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(init, **plain)  # type: ignore[call-overload]
        options = (
            f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c log_destination=csvlog {more}"
        )
        control = [programs / "pg_ctl", "-D", data, "-l", log, "-w"]
        subprocess.run([*control, "-o", options, "start"], **plain | {"capture_output": False})  # type: ignore[call-overload]
        try:
            yield f"postgresql://app@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **plain)  # type: ignore[call-overload]


def _unprivileged(folder: Path) -> int:
    uid = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody"))
    os.chown(folder, uid, -1)
    folder.chmod(0o755)
    return uid


def run(url: str, *statements: str) -> None:
    """Run statements, one after the other."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
