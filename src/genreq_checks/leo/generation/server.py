"""A reference server for one request: it accepts the container, starts the generation, and writes the row at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

import psycopg
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from genreq_checks.errors import SourceError
from genreq_checks.leo.completion import CANCELLED, MESSAGE_TYPE, parse_message
from genreq_checks.leo.generation.protocol import (
    ITERATION,
    LOG,
    PATH,
    READY,
    SILENT,
    START,
    read_frame,
    shown,
    write_frame,
)
from genreq_checks.leo.generation.store import Store, open_store, start_generation, write_completion
from genreq_checks.plan import Plan
from genreq_checks.postgres.failure import kind_and_state, sqlstate

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

Kind = Literal["started", "written", "ignored", "defect", "failed", "lost", "refused"]
READY_WITHIN = 10.0  # seconds that a container has to report ready
BUSY = 1013  # "try again later"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the server did or ignored: its kind, and one line without any of the message's values."""

    kind: Kind
    text: str


@dataclass(slots=True)
class ReferenceServer:
    """A server that listens; `current` is the request to be generated, None once it is done. `events` lists everything."""

    store: Store
    current: str | None
    url: str = ""
    connected: bool = False
    events: list[Event] = field(default_factory=list[Event])
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, kind: Kind, text: str) -> None:
        """Add to the events."""
        self.events.append(Event(kind, text))

    def kinds(self) -> list[Kind]:
        """The events' kinds, in order."""
        return [event.kind for event in self.events]


@asynccontextmanager
async def serve(plan: Plan, database: str, request: str, *, port: int = 0) -> AsyncIterator[ReferenceServer]:
    """Listen on the loopback interface while the block runs; `url` is the address, with the container's path.

    One container at a time; after a lost one the next may take the same request. A message that is not the completion
    of the current request, or repeats it, is ignored and reported in `events`. A row is written completely or not at
    all. When the database rejects it, the request stays current, so that the message may be sent again.
    Raises: UsageError for an invalid database URL; OSError when the port is taken.
    """
    server = ReferenceServer(open_store(plan, database), request)

    async def accept(connection: ServerConnection) -> None:
        if server.connected:
            server.tell("refused", "A second container was rejected.")
            await connection.close(BUSY, "another container is connected")
            return
        server.connected = True
        try:
            await _attend(server, connection)
        except ConnectionClosed:
            pass
        finally:
            server.connected = False
            if server.current is not None:
                server.tell("lost", "The container left before its request was completed.")

    async with listen(accept, "127.0.0.1", port, process_request=_only_the_path, close_timeout=2, logger=SILENT) as on:
        server.url = f"ws://127.0.0.1:{next(iter(on.sockets)).getsockname()[1]}{PATH}"
        yield server


def _only_the_path(connection: ServerConnection, request: Request) -> Response | None:
    if request.path.partition("?")[0] == PATH:
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, f"The container's path is {PATH}.\n")


async def _attend(server: ReferenceServer, connection: ServerConnection) -> None:
    """Handle a container's messages, one after the other, until it leaves."""
    started = False
    while True:
        try:
            async with asyncio.timeout(None if started else READY_WITHIN):
                frame = await connection.recv()
        except TimeoutError:
            server.tell("refused", f"A container was not ready within {READY_WITHIN:g} s.")
            await connection.close(1008, "not ready")
            return
        message = read_frame(frame)
        if isinstance(message, str):
            server.tell("ignored", f"A malformed message: {message}.")
        elif message["type"] == READY:
            started = await _start(server, connection, started)
        elif message["type"] == MESSAGE_TYPE:
            await _complete(server, message, started)
        elif message["type"] not in (LOG, ITERATION):
            server.tell("ignored", f"A message of the unknown type '{shown(message['type'])}'.")


async def _start(server: ReferenceServer, connection: ServerConnection, started: bool) -> bool:
    """Mark the row as generating and tell the container to start; returns whether the container was told."""
    if started or server.current is None:
        server.tell("ignored", "A container was ready when there was no request to start.")
        return started
    try:
        there = await start_generation(server.store, server.current)
    except (psycopg.Error, OSError, UnicodeError) as error:
        server.tell("failed", f"The request could not be started: {_reason(error)}.")
        await connection.close(1011, "the database failed")
        return False
    if not there:
        server.tell("failed", f"There is no request {shown(server.current)}.")
        await connection.close(1011, "no such request")
        return False
    server.tell("started", f"Request {shown(server.current)} was started.")
    await connection.send(write_frame(START, request_id=server.current))
    return True


async def _complete(server: ReferenceServer, decoded: dict[str, object], started: bool) -> None:
    """Write the current request's row, if this is its completion."""
    if server.current is None:
        server.tell("ignored", f"A late or duplicate {MESSAGE_TYPE}: the request is done.")
        return
    if not started:
        server.tell("ignored", f"An {MESSAGE_TYPE} before anything was started.")
        return
    try:
        message = parse_message(decoded)
        done = await write_completion(server.store, server.current, message)
    except SourceError as error:
        server.tell("ignored", f"A malformed message: {error.message}")
        return
    except (psycopg.Error, OSError, UnicodeError) as error:
        server.tell("failed", f"The row was not written: {_reason(error)}.")
        return
    if done.outcome == "written":
        if done.breaks_derivation:
            server.tell(
                "defect", "The message has no github_url, but the row keeps its own: its artifacts URL was cleared."
            )
        paused = message.completion_reason == CANCELLED
        server.tell("written", f"Request {shown(server.current)} is {'paused' if paused else 'completed'}.")
        server.current = None
        server.finished.set()
    elif done.outcome == "late":
        server.tell("ignored", f"A late {MESSAGE_TYPE}: the row is no longer generating.")
        server.current = None
    else:
        server.tell("failed", f"The row was not written: request {shown(server.current)} no longer exists.")


def _reason(error: Exception) -> str:
    """Why the database failed, without its own message: that may quote values."""
    if sqlstate(error) is not None:
        return kind_and_state(error)
    if isinstance(error, psycopg.OperationalError | OSError):
        return "the database cannot be reached"
    return f"the database cannot store its text ({type(error).__name__})"
