"""A simulated container: it connects, reports ready, waits for the start, and reports that all work is complete."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from genreq_checks.errors import GenreqError, UsageError
from genreq_checks.facts import Outcome
from genreq_checks.leo.completion import AllWorkCompleteMessage, create_all_work_complete_message
from genreq_checks.leo.generation.app import App
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
from genreq_checks.postgres.url import split_url
from genreq_checks.text import plural, scrub

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

Headers = Sequence[tuple[str, str]]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HARMLESS = (1000, 1001, 1005)  # close codes of a normal end


class ContainerError(GenreqError):
    """The container could not finish; `reached` says whether it had a WebSocket connection."""

    def __init__(self, message: str, hint: str = "", *, reached: bool) -> None:
        super().__init__(message, hint)
        self.reached = reached
        self.exit_code = 1 if reached else 3


async def run_container(
    ws_url: str,
    app: App,
    *,
    session_id: str,
    completion_reason: str = "all_tests_pass",
    headers: Headers = (),
    timeout: float = 60,
    request: str | None = None,
    tell: Callable[[str, Outcome], None] = lambda message, outcome: None,
    hold: Callable[[], Awaitable[None]] | None = None,
) -> AllWorkCompleteMessage:
    """Act as a container once, for at most `timeout` seconds until the last message is sent; returns the sent message.

    `tell` receives each step and its outcome. `hold` is awaited while the connection is open, since a server may treat
    a container that leaves early as lost. If `request` is given and the server names another one in
    `start_generation`, nothing is sent.
    Raises: ContainerError, within the time; UsageError for a URL that is not a WebSocket URL.
    """
    address, place = with_path(ws_url), location(ws_url)
    message = create_all_work_complete_message(
        completion_reason=completion_reason,
        app_path="/app",
        total_iterations=1,
        session_id=session_id,
        total_duration=1,
        github_url=app.github_url,
        flyio_url=app.flyio_url,
    )
    doing = "connecting"
    connection: ClientConnection | None = None
    try:
        async with asyncio.timeout(timeout):
            connection = await _connect(address, place, headers)
            tell(f"connected to {place}", "pass")
            doing = "waiting for start_generation"
            await connection.send(write_frame(READY))
            passed_over = await _wait_for_start(connection, request)
            tell(
                "received start_generation" + (f" after {plural(passed_over, 'other message')}" if passed_over else ""),
                "pass",
            )
            doing = "sending"
            await connection.send(write_frame(LOG, level="info", message="genreq-checks stands in for the container"))
            await connection.send(write_frame(ITERATION, iteration=1, total_iterations=1))
            await connection.send(message.to_json())
            tell("sent all_work_complete", "pass")
        if hold is not None:
            await hold()
        code = connection.close_code
        if code is not None and code not in _HARMLESS:
            tell(f"the server closed the connection with code {code} after the message", "warn")
    except TimeoutError:
        reached = connection is not None
        raise ContainerError(
            f"The container gave up after {timeout:g} s, {doing} ({place}).",
            "See the server's log; allow more with --timeout." if reached else "Check host and port, and the network.",
            reached=reached,
        ) from None
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else None
        how = f"with code {code}" if code else "without a closing handshake"
        raise ContainerError(
            f"The server closed the connection {how} while the container was {doing} ({place}).",
            "See the server's log.",
            reached=True,
        ) from None
    finally:
        if connection is not None:
            await connection.close()
    return message


async def _wait_for_start(connection: ClientConnection, request: str | None) -> int:
    """Wait for start_generation; returns the number of other messages before it."""
    passed_over = 0
    while True:
        message = read_frame(await connection.recv())
        if not isinstance(message, str) and message["type"] == START:
            named = message.get("request_id")
            if request is not None and named is not None and str(named) != request:
                raise ContainerError(
                    f"The server started request {shown(named)}, not {shown(request)}: nothing was sent.",
                    "Give the started request with --request, or make the server start the requested one.",
                    reached=True,
                )
            return passed_over
        passed_over += 1


class _Connect(connect):
    """A connection that follows no redirect: a redirect would send the headers to another server."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _connect(address: str, place: str, headers: Headers) -> ClientConnection:
    here = urlsplit(address).hostname in _LOOPBACK
    problem, hint = "", "Check host and port, and that the server is up."
    try:
        return await _Connect(
            address,
            additional_headers=list(headers),
            proxy=None if here else True,
            open_timeout=None,  # the caller's time limit holds
            close_timeout=2,
            max_size=2**24,  # start_generation carries a prompt of any length
            logger=SILENT,
        )
    except InvalidURI:
        raise UsageError(f"{place} is not a WebSocket address.", f"Write it as ws://host:port{PATH}.") from None
    except InvalidStatus as error:
        status = error.response.status_code
        problem = f"it answered HTTP {status}"
        if status in (401, 403):
            hint = "Give the credentials with --header 'Name: value'."
        else:
            hint = f"Check the path: the container's is {PATH}."
    except ssl.SSLError as error:
        problem, hint = (
            f"TLS failed ({error.reason or 'no reason given'})",
            "Check the certificate, and ws:// or wss://.",
        )
    except ConnectionRefusedError:
        problem = "no server listens there"
    except OSError as error:
        problem = (error.strerror if error.errno else None) or "it cannot be reached"
    except (WebSocketException, ImportError, ValueError) as error:
        problem, hint = f"it does not speak WebSocket there ({type(error).__name__})", "Check host, port and path."
    raise ContainerError(f"No WebSocket connection to {place}: {problem}.", hint, reached=False)


def with_path(ws_url: str) -> str:
    """The address to connect to: with the container's path when the URL has none.

    Raises: UsageError for a URL of another kind; it does not repeat it, since it may hold a password.
    """
    text = ws_url.strip()
    split_url(text, "--server")
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise UsageError("--server is not a WebSocket address.", f"Write it as ws://host:port{PATH}.")
    return urlunsplit(parts._replace(path=PATH if parts.path in ("", "/") else parts.path))


def location(ws_url: str) -> str:
    """The address as it may be shown: without user, password and query. Raises UsageError as `with_path` does."""
    parts = urlsplit(with_path(ws_url))
    return shown_url(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="")))


def shown_url(url: str) -> str:
    """A URL without control characters, which could change a terminal."""
    return scrub(url[:200])
