"""Why a connection was refused: only known messages of PostgreSQL, libpq and the poolers, no other text of a server.

What a server sends before it is trusted may be any text: a password that it received, a value of a user. A text is shown
only where it is one of those below and quotes only names that the user gave.
"""

from __future__ import annotations

import re
from collections.abc import Collection

HIDDEN = "the server's message is not shown (see its log)"
_PLACE = r'connection to server (?:at|on socket) "[^"]*"(?: \([0-9a-f.:]+\))?(?:, port \d+)? failed: '
_ATTEMPT = re.compile(f"({_PLACE})")
_NEXT = re.compile(r" - host: [^:]*, port: [^:]*, hostaddr: [^:]*: (?:connection failed: )?$")
_LEVEL = r"(?:(?:FATAL|ERROR): +)?"
_NAME = r'"[^"]*"'
_ENCRYPTION = r"(?:, (?:no encryption|SSL (?:encryption|on|off)|GSS encryption))?"
_NO_ANSWER = (
    r"(?:Connection refused|Connection reset by peer|Connection timed out|No such file or directory|Permission denied|"
    r"No route to host|Network is unreachable|Host is down|timeout expired)"
)
_IS_IT_RUNNING = (
    r"(?: Is the server running (?:on that host and accepting TCP/IP connections|"
    r"locally and accepting connections on that socket)\?)?"
)
_ENDED = (
    r"server closed the connection unexpectedly This probably means the server terminated abnormally before or while "
    r"processing the request\."
)
_KNOWN = re.compile(
    "|".join(
        (
            # PostgreSQL
            _LEVEL + rf"[A-Za-z0-9-]+ authentication failed for user {_NAME}",
            _LEVEL + rf"(?:role|database) {_NAME} does not exist",
            _LEVEL + rf"role {_NAME} is not permitted to log in",
            _LEVEL + rf"permission denied for database {_NAME} DETAIL: +User does not have CONNECT privilege\.",
            _LEVEL + rf"database {_NAME} is not currently accepting connections",
            _LEVEL + rf"(?:no pg_hba\.conf entry|pg_hba\.conf rejects connection) for host {_NAME}, user {_NAME}, "
            rf"database {_NAME}{_ENCRYPTION}",
            _LEVEL + r"sorry, too many clients already",
            _LEVEL + rf"too many connections for (?:role|database) {_NAME}",
            _LEVEL + r"remaining connection slots are reserved for [a-z_ ]+(?:SUPERUSER attribute)?",
            _LEVEL
            + r"the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)"
            r"(?: DETAIL: +(?:Hot standby mode is disabled|Consistent recovery state has not been yet reached)\.)?",
            _LEVEL + r"canceling statement due to (?:statement|lock) timeout",
            # poolers
            _LEVEL + r"(?:no such user|SASL authentication failed|Tenant or user not found|query_wait_timeout)",
            _LEVEL + rf"no such (?:user|database): {_NAME}",
            # libpq and psycopg
            _NO_ANSWER + _IS_IT_RUNNING,
            r"(?:consuming input failed: |sending query failed: )?" + _ENDED,
            r"connection timeout expired",
            r"fe_sendauth: no password supplied",
            r"server does not support SSL, but SSL was required",
            r"sslmode value \"[a-z-]+\" invalid when SSL support is not compiled in",
            r"SSL error: (?:certificate verify failed|wrong version number|unexpected eof while reading)",
            r"SSL SYSCALL error: EOF detected",
            r"the connection is (?:lost|closed)",
        )
    )
)
_PLAIN = re.compile(r"[0-9a-f.:]*|\[local\]|require|prefer|verify-(?:ca|full)")
_FOLDERS = ("/tmp", "/var/run/postgresql", "/run/postgresql")  # noqa: S108 - libpq's own defaults
_BEFORE = re.compile(
    r"(?:Multiple connection attempts failed\. All failures were:.*?: )?(?:connection failed: |connection is bad: )?"
)


def told(text: str, ours: Collection[str]) -> str:
    """The driver's message on one line; the text of an attempt is left out where it is not a known one.

    `ours` are the names that may be quoted: the user, the database, the host.
    """
    first, *attempts = _ATTEMPT.split(text)
    if not attempts:
        opening = _BEFORE.match(text)
        start = opening.end() if opening else 0
        return text[:start] + _shown(text[start:], ours)
    shown = first if _BEFORE.fullmatch(first) else ""
    for place, said in zip(attempts[::2], attempts[1::2], strict=True):
        after = _NEXT.search(said)
        words = said[: after.start()] if after else said
        is_place = _is_ours(place.split('"')[1], ours)
        shown += f"{place}{_shown(words.strip(), ours)} " if is_place else f"{HIDDEN} "
    return shown.strip()


def _shown(words: str, ours: Collection[str]) -> str:
    known = _KNOWN.fullmatch(words) and all(_is_ours(name, ours) for name in re.findall(r'"([^"]*)"', words))
    return words if known else HIDDEN


def _is_ours(name: str, ours: Collection[str]) -> bool:
    """A name that the user gave, an address, or a socket in a folder that the user gave or that is libpq's default."""
    folder, socket, port = name.rpartition("/.s.PGSQL.")
    at_socket = bool(socket) and port.isdecimal() and folder in (*ours, *_FOLDERS)
    return name in ours or at_socket or bool(_PLAIN.fullmatch(name))
