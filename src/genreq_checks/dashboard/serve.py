"""The dashboard as one process: marimo's application behind our access control, served by uvicorn."""

from __future__ import annotations

import ast
import os
import secrets
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreq_checks.dashboard.access import LOOPBACK, Access, Rules
from genreq_checks.dashboard.shared import Board
from genreq_checks.errors import UsageError
from genreq_checks.files import resource

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SHORTEST_TOKEN = 16
_parsing = threading.RLock()


def make_app(rules: Rules, board: Board, session_ttl: int, notebook: Path | None = None) -> ASGIApp:
    """The dashboard's notebook as an ASGI application, behind the access control."""
    import marimo
    import pandas  # noqa: F401 - loaded before there are threads: two that import it at once can deadlock

    notebook = notebook or resource("notebooks", "dashboard.py")
    built = marimo.create_asgi_app(quiet=True, include_code=False, session_ttl=session_ttl)
    return Access(built.with_app(path=rules.base or "/", root=str(notebook)).build(), rules, board)


def serve(app: ASGIApp, host: str, port: int, base: str = "") -> None:
    """Serve until the process is stopped. No part of a request is logged: its address may hold the token."""
    import uvicorn

    guard_parsing()
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="off"
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


def guard_parsing() -> None:
    """Let only one thread at a time parse Python, before Python 3.12: there, threads that parse at the same time sometimes
    fail with "AST constructor recursion depth mismatch" (cpython issue 106905), and a viewer gets a broken page.
    """
    if sys.version_info >= (3, 12) or hasattr(ast.parse, "__wrapped__"):
        return
    ast.parse = _one_at_a_time(ast.parse)


def _one_at_a_time(parse: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(parse)
    def parse_alone(*arguments: Any, **named: Any) -> Any:
        with _parsing:
            return parse(*arguments, **named)

    return parse_alone


def is_loopback(host: str) -> bool:
    """Is this address reachable only from this machine?"""
    return host in LOOPBACK or host.startswith("127.")


def find_token(file: Path | None, given: str, needed: bool, state: Path) -> tuple[str | None, Path | None]:
    """The token and its file: from `file`, otherwise `given` (the environment's), otherwise, if needed, a file in `state`.

    A missing file is created, with a new token, readable only by the user. Not needed and not given: None.
    Raises: UsageError for a token that is too short, or a file that can be neither read nor created.
    """
    if file is None and given:
        return _long_enough(given, "GENREQ_TOKEN"), None
    if file is None and not needed:
        return None, None
    place = file or state / "dashboard-token"
    try:
        if file is None:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as made:
                made.write(secrets.token_urlsafe(32) + "\n")
        return _long_enough(place.read_text("utf-8").strip(), str(place)), place
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(
            f"The token file {place} cannot be used: {reason}.", "Name another with --token-file."
        ) from None


def _long_enough(token: str, where: str) -> str:
    if len(token) < SHORTEST_TOKEN:
        raise UsageError(f"The token in {where} is shorter than {SHORTEST_TOKEN} characters.", "Use a longer one.")
    return token
