"""The one function for each operation on text: numbers; masking of values; hiding of secrets; names in SQL; safe lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

LINE_LIMIT = 2_000
SHAPE_LENGTH = 2048  # characters of a value that are enough for its shape

_URL = re.compile(r"(https?)://([^/?#\s]*@)?([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# The words that PostgreSQL 13 to 18 does not read as the name of a table and of a column.
_WORDS = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
    concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
    full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right
    select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using
    variadic verbose when where window with
"""
_RESERVED = frozenset(_WORDS.split())
# Bounded, so that a megabyte of letters costs no quadratic search. A path has one slash where a URL has two.
_SCHEME = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}:/{1,2}")
_TOKEN = re.compile(r"\S{0,1000}")
_URL_IN_TEXT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://([^\s\"'<>]+)")
# A URL with only a user's name before its '@': it has nothing to hide. An encoded colon or '@' may be the one before or
# after a password.
_HOST = r"(?:\[[\w:.%]*\]|(?:[\w.~*-]|%(?!3A|3a|40))*)(?::(?:[0-9]{1,5}|port))?"
_PLAIN_URL = re.compile(rf"(?:(?:[\w.~*-]|%(?!3A|3a))*@)?{_HOST}(?:,{_HOST})*(?:[/?#][^@]*)?")
_NAME = r"(?:password|passwd|passphrase|passfile|pwd|secret|token|api_?key)"
# A query with a secret is hidden completely, since its other names may be parts of a password. A value extends to libpq's
# next name, since a password may hold a space or a quote that should have been escaped.
_NEXT = r"\s(?:host|port|user|dbname|service|options|ssl|gss|krb|keepalives|application_name|connect_|target_)\w*\s*="
_NAMED_SECRET = re.compile(
    rf"(?:(\?)[^\s?]*?{_NAME}=|({_NAME}\s*=\s*))(?:'(?:\\.|[^'\\])*'(?={_NEXT}|\s*$)|.*?(?={_NEXT}|$))",
    re.IGNORECASE | re.DOTALL,
)
# A database's query may only name a socket: any other name in it may be a part of a password.
_QUERY = re.compile(r"(postgres\w{0,20}:/{1,3}[^\s?]{0,200}\?)(?!host=/[^\s&]*(?:\s|$))\S+", re.IGNORECASE)
_SHORTEST_SECRET, _SHORTEST_PIECE = (
    4,
    6,
)  # characters; hiding shorter ones would damage other words and show what they were
_COMMON_WORDS = (
    "postgres postgresql password database server connection failed refused authentication address public localhost"
)
_NO_SECRETS = frozenset(
    _COMMON_WORDS.split()
)  # these words are in messages anyway; hiding them would show the password
_EMPTY = {"": "'' (empty)", "null": "null", "{}": "{}", "[]": "[]"}


def percent(count: int, rows: int) -> str:
    """A share in percent, with enough decimals that it reads as 0 % or 100 % only when it is; `no rows` for 0/0."""
    if rows == 0:
        return "no rows"
    if count in (0, rows):
        return "0 %" if count == 0 else "100 %"
    for decimals in range(1, 5):
        text = f"{100 * count / rows:.{decimals}f}"
        if (100 * count) % rows == 0:
            return f"{100 * count // rows} %"
        if float(text) not in (0.0, 100.0):
            return f"{text} %"
    return "> 99.9999 %" if 2 * count > rows else "< 0.0001 %"


def share(count: int, rows: int) -> str:
    """A share with its counts: `97.4 % (1,948 of 2,000)`."""
    return "no rows" if rows == 0 else f"{percent(count, rows)} ({count:,} of {rows:,})"


def points(difference: float) -> str:
    """A difference of two rates in percentage points, signed; ±100.0 and ±0.0 only when it is exactly that."""
    if difference == 0:
        return "±0.0"
    for decimals in range(1, 5):
        text = f"{100 * difference:+.{decimals}f}"
        if float(text) not in (0.0, 100.0, -100.0) or abs(difference) == 1:
            return text.replace("-", "−")
    return ("> +99.9999" if difference > 0 else "< −99.9999") if abs(difference) > 0.5 else "±0.0"


def bounds(low: float | None, high: float | None) -> str:
    """An interval in percent, in brackets; '' when there is none. Its ends are rounded outwards."""
    if low is None or high is None:
        return ""
    return f"[{int(low * 1000) / 10:.1f}, {-int(-high * 1000 - 0.999999) / 10:.1f}]"


def span(low: float | None, high: float | None) -> str:
    """An interval of a difference in percentage points, in brackets; '' when there is none."""
    return "" if low is None or high is None else f"[{points(low)}, {points(high)}]"


def plural(count: int, noun: str, more: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,204 rows`."""
    return f"{count:,} {noun if count == 1 else more or noun + 's'}"


def listed(counts: Mapping[str, int]) -> str:
    """The classes that occur, with their counts: `3 null, 1 blank`; `none` when no class occurs."""
    return ", ".join(f"{count:,} {label}" for label, count in counts.items() if count) or "none"


def size(number: int) -> str:
    """Bytes in a readable unit: `1.4 GB`."""
    value = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def mask(value: str | None, length: int, is_json: bool) -> str:
    """A value's shape, from its first characters and its length: `https://github.com/***/***`, `text, 12 characters`, `NULL`.

    Host and number of segments of a URL are shown; its path, user, query and fragment are not, nor is any other text.
    """
    if value is None:
        return "NULL"
    characters = plural(length, "character")
    if is_json:
        bare = value.strip()
        kinds = {"{": "object", "[": "array", '"': "string"}
        return f"JSON {bare}" if bare in _EMPTY else f"JSON {kinds.get(bare[:1], 'value')}, {characters}"
    if value == "":
        return _EMPTY[value]
    if not value.strip():
        return f"blank, {characters}"
    found = _URL.fullmatch(value)
    if not found:
        return f"text, {characters}"
    if "@" in value[found.end(2) if found[2] else 0 :]:  # a '/' in a password: what looks like the host is not one
        return f"{found[1]}://***"
    scheme, user, host, port, path, query, fragment = found.groups()
    shape = f"{scheme}://{'***@' if user else ''}{host}{port or ''}{re.sub(r'[^/]+', '***', path or '')}"
    return shape + ("?***" if query else "") + ("#***" if fragment else "")


def mask_urls(text: str) -> str:
    """The text with each URL's scheme and host only: `https://github.com/***`, never a user, a password or a path."""
    return _URL_IN_TEXT.sub(_scheme_and_host, redact_ours(text))


def _scheme_and_host(match: re.Match[str]) -> str:
    host = match[2].rpartition("@")[2]
    return f"{match[1]}://{re.split('[/?#]', host, maxsplit=1)[0][:300]}/***"


def redact(text: str, *secrets: str) -> str:
    """The message of a driver or a server without passwords: each is replaced by `***`.

    Each secret is hidden as it is, encoded or quoted, and in pieces, since a message may quote a part of it. The value
    of `password=` and similar names is hidden, in a query and in a libpq string. Everything from the first `://` to the
    last `@` is hidden: a password may hold any character, so its ends are not known.
    """
    text = _hide_known(text, secrets)
    scheme, last = _SCHEME.search(text), _last_sign(text)
    return redact_ours(f"{text[: scheme.end()]}***{text[last:]}" if scheme and last >= scheme.end() else text)


def redact_ours(text: str, *secrets: str) -> str:
    """As `redact`, for this tool's own message: a URL with only a user's name in it stays unchanged."""
    text = _hide_users(_hide_known(text, secrets))
    text = _NAMED_SECRET.sub(lambda match: f"{match[1] or match[2]}***", text)
    return _QUERY.sub(r"\1***", text)


def _hide_known(text: str, secrets: Iterable[str]) -> str:
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def secrets_in(text: str) -> tuple[str, ...]:
    """The passwords in a URL or a libpq string, as far as they can be found in one that is not well-formed."""
    matches = list(_NAMED_SECRET.finditer(text))
    found = [match[0].removeprefix(match[2]) for match in matches if match[2]]
    found += [part.partition("=")[2] for match in matches if match[1] for part in re.split("[?&]", match[0])]
    found += [value[1:-1] for value in found if value[:1] == "'" == value[-1:]]
    scheme = _SCHEME.search(text)
    user, at, _ = (text[scheme.end() :] if scheme else text).rpartition("@")
    if at and ":" in user:
        found.append(user.partition(":")[2])
    return tuple(filter(None, found))


def may_hold_secret(text: str) -> bool:
    """Could this be a URL or a libpq string that was given in the wrong place, or was written wrongly?"""
    return bool(re.search(rf"@|:/|^\W*(?:jdbc:)?postgres\w*:|{_NAME}\s*=", text, re.IGNORECASE))


def is_misplaced_url(path: str) -> bool:
    """Is this path a database's URL or libpq string that was given instead of a file?"""
    return bool(re.search(rf"(?:^|/)[A-Za-z][\w+.-]*:/|{_NAME}\s*=", path, re.IGNORECASE))


def shown_path(text: str) -> str:
    """A path as a message may show it: `***` where it could be a URL with a password."""
    return "***" if may_hold_secret(text) else text


def _forms(secret: str) -> Iterator[str]:
    """The secret in the forms that a message may have: unchanged, encoded, quoted, on one line, and its pieces."""
    for plain in (secret, unquote(secret)):
        raw = plain.encode("utf-8", "replace").decode()
        quoted = (quote(raw), quote(raw, safe=""), quote_plus(raw), repr(plain)[1:-1], json.dumps(plain)[1:-1])
        escaped = (plain.replace("\\", "\\\\").replace("'", "\\'"), re.sub("/+", "/", plain))
        one_line = (scrub(plain), " ".join(plain.split()))
        pieces = [piece for piece in re.split(r"[\W_]+", plain) if len(piece) >= _SHORTEST_PIECE]
        for form in (plain, *quoted, *escaped, *one_line, *pieces):
            if len(form) >= _SHORTEST_SECRET and form.lower() not in _NO_SECRETS:
                yield form


def _last_sign(text: str) -> int:
    """The place of the last `@`, or the end of the named secret that contains it; -1 without one."""
    last = text.rfind("@")
    return next((named.end() for named in _NAMED_SECRET.finditer(text) if named.start() < last < named.end()), last)


def _hide_users(text: str) -> str:
    """The text without what is between the scheme of a URL and its last `@`; users' names alone stay."""
    kept, at, last = list[str](), 0, _last_sign(text)
    for scheme in _SCHEME.finditer(text):
        token = _TOKEN.match(text, scheme.end())
        if scheme.start() < at or token is None or _PLAIN_URL.fullmatch(token[0].rstrip("\"'<>`).,;")):
            continue
        kept += [text[at : scheme.end()], "***"]
        at = last if last >= scheme.end() else token.end()
    return "".join([*kept, text[at:]])


def quote_name(*parts: str) -> str:
    """A name in SQL that a person runs: `public."Gen Req"`; a part is quoted where the server would not read it back."""
    plain = (_PLAIN_NAME.fullmatch(part) and part not in _RESERVED for part in parts)
    return ".".join(
        part if is_plain else '"{}"'.format(part.replace('"', '""'))
        for part, is_plain in zip(parts, plain, strict=True)
    )


def scrub(text: str) -> str:
    """The text in one line that moves no cursor and changes no writing direction.

    White space of any kind becomes a space; control characters, bidirectional marks and lone surrogates become `�`.
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """The scrubbed text, at most `limit` characters of it; a longer one says how long it was."""
    shown = scrub(text[:limit])
    return shown if len(text) <= limit else f"{shown}… ({len(text):,} characters in all)"


def escape_controls(text: str) -> str:
    r"""Text in which characters that move a cursor or change the direction are escaped, such as `\x1b` and `\u202e`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
