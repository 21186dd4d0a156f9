"""One of each thing done to text: percent, plural and other figures; masked values; names in SQL; one safe line."""

from __future__ import annotations

import re
from collections.abc import Mapping

LINE_LIMIT = 2_000
SHAPE_LENGTH = 2048  # so much of a value is enough to see its shape

_URL = re.compile(r"(https?)://([^/?#\s]*@)?([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
# Bounded, so that a megabyte of letters costs no quadratic search.
_URL_IN_TEXT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://(?:[^\s/@]{0,300}@)?([^\s/\"'<>?#@]{1,300})[^\s\"'<>]*")
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# What PostgreSQL 13 to 18 does not read as the name of a table and of a column.
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
_EMPTY = {"": "'' (empty)", "null": "null", "{}": "{}", "[]": "[]"}


def percent(count: int, rows: int) -> str:
    """A share in percent, with as many decimals as keep it from reading as 0 % or 100 % when it is not; `no rows` for 0/0."""
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
    """A difference of two rates in percentage points, signed; ±100.0 and ±0.0 only when it is just that."""
    if difference == 0:
        return "±0.0"
    for decimals in range(1, 5):
        text = f"{100 * difference:+.{decimals}f}"
        if float(text) not in (0.0, 100.0, -100.0) or abs(difference) == 1:
            return text.replace("-", "−")
    return ("> +99.9999" if difference > 0 else "< −99.9999") if abs(difference) > 0.5 else "±0.0"


def bounds(low: float | None, high: float | None) -> str:
    """An interval in percent, in brackets; nothing when there is none. Its ends are rounded outwards."""
    if low is None or high is None:
        return ""
    return f"[{int(low * 1000) / 10:.1f}, {-int(-high * 1000 - 0.999999) / 10:.1f}]"


def span(low: float | None, high: float | None) -> str:
    """An interval of a difference in percentage points, in brackets; nothing when there is none."""
    return "" if low is None or high is None else f"[{points(low)}, {points(high)}]"


def plural(count: int, noun: str, more: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,204 rows`."""
    return f"{count:,} {noun if count == 1 else more or noun + 's'}"


def listed(counts: Mapping[str, int]) -> str:
    """The classes that occur, with their counts: `3 null, 1 blank`; `none` when nothing occurs."""
    return ", ".join(f"{count:,} {label}" for label, count in counts.items() if count) or "none"


def size(number: int) -> str:
    """Bytes as people say them: `1.4 GB`."""
    value = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def mask(value: str | None, length: int, is_json: bool) -> str:
    """A value's shape, of its first characters and its length: `https://github.com/***/***`, `text, 12 characters`, `NULL`.

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
    scheme, user, host, port, path, query, fragment = found.groups()
    shape = f"{scheme}://{'***@' if user else ''}{host}{port or ''}{re.sub(r'[^/]+', '***', path or '')}"
    return shape + ("?***" if query else "") + ("#***" if fragment else "")


def mask_urls(text: str) -> str:
    """The text with each URL's scheme and host only: `https://github.com/***`, never a user, a password or a path."""
    return _URL_IN_TEXT.sub(r"\1://\2/***", text)


def quote_name(*parts: str) -> str:
    """A name in SQL that a person runs: `public."Gen Req"`; a part is quoted where the server would not read it back."""
    plain = (_PLAIN_NAME.fullmatch(part) and part not in _RESERVED for part in parts)
    return ".".join(
        part if is_plain else '"{}"'.format(part.replace('"', '""'))
        for part, is_plain in zip(parts, plain, strict=True)
    )


def scrub(text: str) -> str:
    """The text in one line that moves no cursor and turns no direction.

    White space of any kind becomes a space; control characters, bidirectional marks and half characters become `�`.
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """The scrubbed text, at most `limit` characters of it; a longer one says how long it was."""
    shown = scrub(text[:limit])
    return shown if len(text) <= limit else f"{shown}… ({len(text):,} characters in all)"


def escape_controls(text: str) -> str:
    r"""Text in which whatever moves a cursor or turns a line is written out, such as `\x1b` and `\u202e`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
