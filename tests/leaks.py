"""Calls of the program in this process, and everything that they wrote: is a secret in it?"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock
from urllib.parse import quote

from hypothesis import strategies as st

from genreq_checks import cli

TOKEN = "SECRETq7x"  # letters and digits alone: no encoding changes it
NOWHERE = "127.0.0.1:1"
_JUNK = st.text(
    st.sampled_from(" /@:#?%&='\"\\\n\t\r,;[]{}<>|~^`$!*()+-_.0aZäß漢€\u00a0\u2028\u200f\udc80"), max_size=4
)
PASSWORDS = st.lists(_JUNK, min_size=2, max_size=4).map(TOKEN.join)


def in_libpq_quotes(password: str) -> str:
    """The value as libpq's own form has it."""
    return "'" + password.replace("\\", "\\\\").replace("'", "\\'") + "'"


def percent_encoded(password: str) -> str:
    """The value as a URL has it; what is no UTF-8 stays as it is."""
    return "".join(quote(c, safe="") if not "\ud800" <= c <= "\udfff" else c for c in password)


FORMS = {  # how a password gets into a source: {raw} as it is, {url} percent-encoded, {libpq} in quotes
    "url": "postgresql://bob:{raw}@HOST/db",
    "url, encoded": "postgres://bob:{url}@HOST/db?sslmode=disable",
    "url, no user": "postgresql://:{raw}@HOST/db",
    "url, no host": "postgresql://bob:TOKEN{raw}/db",
    "url, no database": "postgresql://bob:{raw}@HOST",
    "url, three slashes": "postgresql:///bob:{raw}@HOST/db",
    "url, one slash": "postgresql:/bob:{raw}@HOST/db",
    "url, upper case": "POSTGRESQL://bob:{raw}@HOST/db",
    "url, space before": " postgresql://bob:{raw}@HOST/db",
    "url, line end behind": "postgresql://bob:{url}@HOST/db\n",
    "url, in quotes": '"postgresql://bob:{raw}@HOST/db"',
    "url, all encoded": "postgresql://bob%3A{url}%40127.0.0.1%3A1/db",
    "url, colon encoded": "postgresql://bob%3A{url}@HOST/db",
    "url, two hosts": "postgresql://bob:{raw}@HOST,HOST/db",
    "query": "postgresql://bob@HOST/db?password={raw}",
    "query, encoded": "postgresql://HOST/db?user=bob&password={url}&sslpassword={url}",
    "query, wrong name": "postgresql://bob@HOST/db?pass={raw}",
    "query, as a name": "postgresql://bob@HOST/db?{raw}",
    "other scheme": "mysql://bob:{raw}@HOST/db",
    "jdbc": "jdbc:postgresql://HOST/db?user=bob&password={raw}",
    "no scheme": "bob:{raw}@HOST/db",
    "libpq": "host=127.0.0.1 port=1 user=bob password={raw} dbname=db",
    "libpq, quoted": "host=127.0.0.1 port=1 user=bob password={libpq} dbname=db",
    "libpq, quoted badly": "host=127.0.0.1 port=1 user=bob password='{raw}' dbname=db",
    "libpq, upper case": "Host=127.0.0.1 Password={raw}",
    "libpq, url within": "host=127.0.0.1 port=1 dbname=postgresql://bob:{url}@h/d",
}


def source(form: str, password: str) -> str:
    """A source of one of the forms, at an address without a server."""
    if form in ("url, no host", "query, as a name", "query, wrong name"):
        password = password.replace("@", "")  # the text after the last one is read as a host, and shown
    parts = {"raw": password, "url": percent_encoded(password), "libpq": in_libpq_quotes(password)}
    return FORMS[form].replace("HOST", NOWHERE).replace("TOKEN", TOKEN).format(**parts)


SOURCES = st.builds(source, st.sampled_from(sorted(FORMS)), PASSWORDS)


def has_token(text: str) -> bool:
    """Is the secret in it, in any case?"""
    return TOKEN.lower() in text.lower()


@contextmanager
def empty_folder() -> Iterator[Path]:
    """A working folder for the time of the block, in which nothing may remain that holds the secret."""
    with tempfile.TemporaryDirectory(prefix="genreq-leaks-") as name, contextlib.chdir(name):
        yield Path(name)


def run(*arguments: str, **environment: str) -> str:
    """What the command writes to stdout and stderr, and into files of the working folder, names included."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LEO_", "GENREQ_", "PG"))}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace") as out,
        mock.patch.object(sys, "argv", ["genreq-checks", *arguments]),
        mock.patch.dict(os.environ, plain | environment, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        try:
            cli.main()
        except SystemExit as end:
            out.write(f"\nexit code {end.code}\n")
        out.seek(0)
        return out.read() + files_here()


def files_here() -> str:
    """The names and bytes of all files in the working folder."""
    found = [path for path in Path().rglob("*") if path.is_file()]
    return "\n".join(f"{path}: {path.read_bytes().decode('utf-8', 'replace')}" for path in found)


@contextmanager
def telltale(say: str = 'password "{0}" is wrong') -> Iterator[int]:
    """A server that asks for a password in clear text and refuses with a message that quotes it; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_refuse_all, args=(listening, say), daemon=True)
        thread.start()
        yield listening.getsockname()[1]


def _refuse_all(listening: socket.socket, say: str) -> None:
    while True:
        try:
            caller, _ = listening.accept()
        except OSError:
            return
        with caller, contextlib.suppress(OSError):
            caller.settimeout(10)
            _refuse(caller, say)


def _refuse(caller: socket.socket, say: str) -> None:
    while True:
        length = int.from_bytes(caller.recv(4, socket.MSG_WAITALL))
        if length < 8:
            return
        start = caller.recv(length - 4, socket.MSG_WAITALL)
        if int.from_bytes(start[:4]) not in (80877103, 80877104):  # it asks for TLS or GSSAPI first
            break
        caller.sendall(b"N")
    caller.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
    head = caller.recv(5, socket.MSG_WAITALL)
    password = caller.recv(int.from_bytes(head[1:5]) - 4, socket.MSG_WAITALL)[:-1].decode("utf-8", "replace")
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", "28P01"), ("M", say.format(password, quote(password, safe=""))))
    body = b"".join(f"{kind}{text}".encode() + b"\0" for kind, text in fields) + b"\0"
    caller.sendall(b"E" + (len(body) + 4).to_bytes(4) + body)
