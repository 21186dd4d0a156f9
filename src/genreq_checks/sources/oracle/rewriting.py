"""A statement as a driver, a log or pg_stat_statements writes it, in forms that PostgreSQL can parse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from genreq_checks.postgres.sql_lexer import tokens

_KEPT = re.compile("\ue000(\\d+)\ue001")  # where a literal, a name or a comment stood
_NATIVE = re.compile(r"\$(\d+)")
_TYPES = r"interval|date|timestamptz|timetz|(?:timestamp|time)(?:\s+with(?:out)?\s+time\s+zone)?"
_TYPED = re.compile(rf"\b({_TYPES})\s+(\$\d+)", re.IGNORECASE)
_FIELD = re.compile(r"\bextract\s*\(\s*\$\d+\s+from\b", re.IGNORECASE)
_CURSOR = re.compile(r"\bwhere\s+current\s+of\s+\S+", re.IGNORECASE)
# The order matters: what is longer first.
_PLACES = re.compile(
    r"""
      __\[POSTCOMPILE_(?P<compiled>\w+)\]           # SQLAlchemy, before it knows how many values there are
    | %\((?P<python>\w+)\)s | (?P<format>%s)        # psycopg
    | (?<![:\w\]]):(?P<colon>[A-Za-z_]\w*)(?!:)     # SQLAlchemy's text(), JPA, Rails
    | (?<![@\w<>|&?])@(?P<at>[A-Za-z_]\w*)          # Npgsql
    | \?\?(?P<twice>)                               # JDBC's way to write the operator ?
    | (?P<mark>\?)(?![|&])                          # JDBC, MySQL's style
    | %%(?P<percent>)                               # psycopg's way to write %
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A form of a statement, with the types (OIDs; 0 is the server's to find) of its parameters."""

    text: str
    types: tuple[int, ...] = ()


def variants(text: str) -> Iterator[Variant]:
    """The statement as it is, and then, where something in it is not SQL, as it may be meant."""
    seen = {text}
    yield Variant(text)
    for change in (_casts, _places, lambda code: _casts(_places(code)), _without_cursor):
        changed = outside_quotes(text, change)
        if changed not in seen:
            seen.add(changed)
            yield Variant(changed)


def outside_quotes(text: str, change: Callable[[str], str]) -> str:
    """Change what stands in no literal, no name in quotes and no comment."""
    kept: list[str] = []
    code: list[str] = []
    for token in tokens(text):
        if token.kind in ("text", "name", "comment"):
            code.append(f"\ue000{len(kept)}\ue001")
            kept.append(token.source)
        else:
            code.append(token.source.replace("\ue000", "").replace("\ue001", ""))
    return _KEPT.sub(lambda match: kept[int(match[1])], change("".join(code)))


def _casts(code: str) -> str:
    """`interval $1` is none of PostgreSQL's forms, but what it makes of `interval '1 day'` when literals are taken out."""
    return _TYPED.sub(r"(\2)::\1", _FIELD.sub("extract(epoch from", code))


def _without_cursor(code: str) -> str:
    """The cursor is not there; whether the rest stands is not its matter."""
    return _CURSOR.sub("WHERE true", code)


def _places(code: str) -> str:
    """The placeholders of drivers as PostgreSQL's own, numbered after those that are there."""
    last = max((int(number) for number in _NATIVE.findall(code)), default=0)
    numbers: dict[str, int] = {}

    def place(match: re.Match[str]) -> str:
        nonlocal last
        if match["twice"] is not None:
            return "?"
        if match["percent"] is not None:
            return "%"
        name = match["compiled"] or match["python"] or match["colon"] or match["at"]
        if name is None:
            last += 1
            return f"${last}"
        if name not in numbers:
            last += 1
            numbers[name] = last
        return f"${numbers[name]}"

    return _PLACES.sub(place, code)
