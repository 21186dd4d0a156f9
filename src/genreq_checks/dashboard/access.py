"""The door in front of the dashboard, as ASGI middleware: who may come in, from which page, and how it is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from genreq_checks.dashboard.token_page import LOGIN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from genreq_checks.dashboard.shared import Board

COOKIE = "genreq_checks_dashboard"
PARAMETER = "access_token"
LONGEST_FORM = 4096
HEALTH_PATIENCE = 5.0  # seconds that /healthz waits for a reading which it began
LATE = 3  # refresh intervals without a good answer, after which /healthz says 503
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
GUARDS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may come in. `token` None: everyone who reaches the port by one of the loopback's names, or by `origins`.

    `origins` are the addresses (`https://host`) under which a proxy in front shows the dashboard; `base` is its path.
    """

    token: str | None = field(default=None, repr=False)
    origins: frozenset[str] = frozenset()
    base: str = ""

    @property
    def seal(self) -> str:
        """What the cookie holds: made from the token, not the token."""
        return hmac.new((self.token or "").encode(), b"genreq-checks dashboard", hashlib.sha256).hexdigest()


class Door:
    """Asks for the token, refuses other sites' pages (HTTP and WebSocket), and answers /healthz by itself."""

    def __init__(self, app: ASGIApp, rules: Rules, board: Board) -> None:
        self._app, self._rules, self._board = app, rules, board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"].removeprefix(self._rules.base)
        if scope["type"] == "http" and path == "/healthz":
            status, body = await health(self._board)
            await _answer(
                send, status, json.dumps(body).encode(), b"application/json", [(b"cache-control", b"no-store")]
            )
        elif not is_own_page(headers, scope["scheme"], self._rules):
            await _refuse(
                scope, receive, send, 403, b"This page may not be used from another site or under this name.\n"
            )
        elif self._rules.token is None or self._knows(scope, headers):
            await self._app(scope, receive, _guarded(send))
        elif scope["type"] == "http":
            await self._ask(scope, receive, send)
        else:
            await _refuse(scope, receive, send, 403, b"")

    def _knows(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        """Does it bring the cookie, or the token as `Authorization: Bearer …`?"""
        bearer = headers.get("authorization", "")
        if bearer[:7].lower() == "bearer " and self._is_token(bearer[7:].strip()):
            return True
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self._rules.seal.encode())

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), (self._rules.token or "").encode())

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the token from the address or the form, give the cookie, and redirect without the token; else the form."""
        query = scope["query_string"].decode("latin-1")
        if scope["method"] == "POST":
            given = parse_qs(await _form(receive)).get(PARAMETER, [])
        else:
            given = parse_qs(query).get(PARAMETER, [])
        if given and self._is_token(given[0]):
            rest = urlencode([pair for pair in parse_qsl(query) if pair[0] != PARAMETER])
            place = f"{self._rules.base}/{'?' if rest else ''}{rest}"  # of our own making: never where a request says
            secure = "; Secure" if scope["scheme"] == "https" else ""
            cookie = f"{COOKIE}={self._rules.seal}; Path={self._rules.base or '/'}; HttpOnly; SameSite=Lax{secure}"
            led = [(b"location", place.encode("ascii", "replace")), (b"set-cookie", cookie.encode())]
            await _answer(send, 303, b"", b"text/plain", led)
            return
        await _answer(send, 401, LOGIN, b"text/html; charset=utf-8", [(b"cache-control", b"no-store")])


async def health(board: Board) -> tuple[int, dict[str, Any]]:
    """200 when the last good answer is not older than three refresh intervals, else 503; and its age in seconds.

    It has the source read when nobody has in this interval, so that a page nobody looks at is well, too.
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
    }


def is_own_page(headers: Mapping[str, str], scheme: str, rules: Rules) -> bool:
    """Was this sent by our own page (its Origin is where it came to, or a proxy's), and under a name that is ours?

    Programs that are no browser send no Origin. Without a token, the name must be the loopback's or a proxy's, or
    another site's page could come in by a name of its own that leads here.
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


async def _form(receive: Receive) -> str:
    body: bytes = b""
    while len(body) <= LONGEST_FORM:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body.decode("utf-8", "replace")
    return ""


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: bytes) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it was accepted: HTTP 403
    else:
        await _answer(send, status, text, b"text/plain; charset=utf-8")


async def _answer(send: Send, status: int, body: bytes, kind: bytes, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *GUARDS, *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _guarded(send: Send) -> Send:
    """`send` with our own headers, and without those that would let other sites' pages read the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": [*kept, *GUARDS]}
        await send(message)

    return sending
