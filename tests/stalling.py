"""Servers that do not answer: a backend that is stopped, and a proxy that accepts connections and forwards nothing."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg import conninfo

from serving import until

ACTIVE = """
    SELECT pid, query FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'genreq-checks' AND state = 'active'
"""


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes that are in `pids` by the end of the block run on afterwards."""
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def active(url: str) -> list[tuple[int, str]]:
    """Our statements that the server is busy with."""
    with psycopg.connect(url) as connection:
        return [(int(pid), str(query)) for pid, query in connection.execute(ACTIVE).fetchall()]


def none_active(url: str, seconds: float = 2) -> None:
    """Fails when the server is busy with a statement of ours for so long."""
    until(lambda: active(url), lambda found: not found, seconds)


@dataclass
class Proxy:
    """A proxy on the loopback: what comes in goes to the server, as long as it does not stall."""

    port: int
    stalls: threading.Event = field(default_factory=threading.Event)
    seen: list[socket.socket] = field(default_factory=list[socket.socket])

    def url(self, url: str) -> str:
        """The database through the proxy."""
        return conninfo.make_conninfo(url, host="127.0.0.1", hostaddr="127.0.0.1", port=self.port)


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    """A proxy in front of a database, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Proxy(listening.getsockname()[1])
        threading.Thread(target=_serve, args=(made, listening, url), daemon=True).start()
        try:
            yield made
        finally:
            for one in made.seen:
                one.close()


def _serve(made: Proxy, listening: socket.socket, url: str) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            server = _to_server(url)
            made.seen += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(made, source, sink), daemon=True).start()


def _to_server(url: str) -> socket.socket:
    where = conninfo.conninfo_to_dict(url)
    host, port = str(where.get("host") or "localhost"), int(str(where.get("port") or 5432))
    if host.startswith("/"):
        made = socket.socket(socket.AF_UNIX)
        made.connect(f"{host}/.s.PGSQL.{port}")
        return made
    return socket.create_connection((host, port))


def _pass_on(made: Proxy, source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if made.stalls.is_set():
                continue  # not forwarded
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
