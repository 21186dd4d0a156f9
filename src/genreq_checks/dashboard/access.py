"""Access to the dashboard, as ASGI middleware: who may see it, from which page, and whether it is healthy.

marimo's own token would be in the address of every page, and marimo does not check the Origin of a WebSocket.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.websockets import WebSocketClose

from genreq_checks.dashboard.token_page import LOGIN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from genreq_checks.dashboard.shared import Board

COOKIE = "genreq_checks_dashboard"
PARAMETER = "access_token"
LONGEST_FORM = 4096
HEALTH_PATIENCE = 5.0  # seconds that /healthz waits for a reading that it began
LATE = 3  # refresh intervals without a good answer, after which /healthz returns 503
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
NOT_KEPT = {"cache-control": "no-store"}
GUARDS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "frame-ancestors 'self'",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who has access. `token` None: everyone who reaches the port by one of the loopback's names, or by `origins`.

    `origins` are the addresses (`https://host`) at which a reverse proxy shows the dashboard; `base` is its path.
    """

    token: str | None = field(default=None, repr=False)
    origins: frozenset[str] = frozenset()
    base: str = ""

    @property
    def seal(self) -> str:
        """The value of the cookie: derived from the token, not the token itself."""
        return hmac.new((self.token or "").encode(), b"genreq-checks dashboard", hashlib.sha256).hexdigest()


class Access:
    """Requires the token, rejects pages of other sites (HTTP and WebSocket), and answers /healthz itself."""

    def __init__(self, app: ASGIApp, rules: Rules, board: Board) -> None:
        self._app, self._rules, self._board = app, rules, board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        await (answer or self._app)(scope, receive, _guarded(send))

    async def _answer(self, scope: Scope, receive: Receive) -> ASGIApp | None:
        """The response instead of the dashboard; None for a viewer with access."""
        asking, is_page = HTTPConnection(scope), scope["type"] == "http"
        if is_page and scope["path"].removeprefix(self._rules.base) == "/healthz":
            status, body = await health(self._board)
            return JSONResponse(body, status, NOT_KEPT)
        if not is_own_page(asking.headers, scope["scheme"], self._rules):
            words = "This page may not be used from another site or under this name.\n"
            return (
                PlainTextResponse(words, 403) if is_page else WebSocketClose(1008)
            )  # before the connection is accepted: HTTP 403
        if self._rules.token is None or self._is_known(asking):
            return None
        return await self._ask(Request(scope, receive)) if is_page else WebSocketClose(1008)

    def _is_known(self, asking: HTTPConnection) -> bool:
        """Does the request have the cookie, or the token as `Authorization: Bearer …`?"""
        kind, _, bearer = asking.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer.strip()):
            return True
        return hmac.compare_digest(asking.cookies.get(COOKIE, "").encode(), self._rules.seal.encode())

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), (self._rules.token or "").encode())

    async def _ask(self, request: Request) -> Response:
        """Read the token from the address or the form, set the cookie, redirect without the token; otherwise show the form."""
        if request.method == "POST":
            given = parse_qs(await _form(request)).get(PARAMETER, [])
        else:
            given = request.query_params.getlist(PARAMETER)
        if not given or not self._is_token(given[0]):
            return HTMLResponse(LOGIN, 401, NOT_KEPT)
        rest = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != PARAMETER])
        # The address is built here: nothing in a request can redirect to another site.
        answer = RedirectResponse(f"{self._rules.base}/{'?' if rest else ''}{rest}", 303)
        answer.set_cookie(
            COOKIE,
            self._rules.seal,
            path=self._rules.base or "/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer


async def health(board: Board) -> tuple[int, dict[str, Any]]:
    """200 when the last good answer is not older than three refresh intervals, otherwise 503; and its age in seconds.

    It says what was read: LIVE, SNAPSHOT, FILES, SAMPLE DATA; the age is that of the reading, not of a snapshot's data.

    It starts a reading when no viewer has in this interval, so that a page without viewers is healthy too.
    """
    attempt = board.attempt()
    if attempt is not None:
        await asyncio.wait([asyncio.wrap_future(attempt)], timeout=HEALTH_PATIENCE)
    now = board.peek()
    good = now.age is not None and now.age <= LATE * board.refresh
    status = "ok" if good and now.error is None else "stale" if now.age is not None else "no answer yet"
    age = None if now.age is None else round(now.age, 1)
    return (200 if good else 503), {
        "status": status,
        "last_good_read_age_seconds": age,
        "refresh_seconds": board.refresh,
        "shows": now.answer.shown().word if now.answer is not None else None,
    }


def is_own_page(headers: Mapping[str, str], scheme: str, rules: Rules) -> bool:
    """Was this sent by our own page (its Origin is the address of the request, or a proxy's), and to one of our names?

    Programs other than browsers send no Origin. Without a token, the name must be the loopback's or a proxy's;
    otherwise another site's page could get access by a DNS name that leads here.
    """
    host = headers.get("host", "").lower()
    web = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    known = {urlsplit(origin).netloc for origin in rules.origins}
    if rules.token is None and _name(host) not in LOOPBACK and host not in known:
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower() in {f"{web}://{host}", *rules.origins}


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _form(request: Request) -> str:
    """The form's text, or '' when it is longer than a form with a token can be."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return ""
    return body.decode("utf-8", "replace")


def _guarded(send: Send) -> Send:
    """`send` with our own headers, and without those that would allow other sites' pages to read the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in [name for name in headers if name.startswith("access-control-")]:
                del headers[name]
            headers.update(GUARDS)
        await send(message)

    return sending
