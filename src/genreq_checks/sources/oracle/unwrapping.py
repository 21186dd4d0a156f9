"""What in a statement is to be judged: the query in a COPY, a cursor, a PREPARE; nothing in a BEGIN; not DDL, not DO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from genreq_checks.postgres.sql_lexer import Token, tokens

_NOTHING = """
    begin start commit end rollback abort savepoint release set show reset discard listen unlisten notify deallocate close
    fetch move checkpoint load lock truncate cluster reindex vacuum analyze analyse
"""
NOTHING = frozenset(_NOTHING.split())
QUERIES = frozenset(("select", "insert", "update", "delete", "merge", "with", "values", "table", "("))
Kind = Literal["query", "load", "nothing", "apart", "strange", "execute"]
_DDL = ("create", "alter", "drop", "grant", "revoke", "comment", "security", "import", "reassign")
APART = dict.fromkeys(_DDL, "DDL") | {"do": "a DO block", "call": "CALL"}
_EXPLAINED = frozenset(("analyze", "analyse", "verbose"))


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The text to judge, and what it is.

    `query`: as it is. `load`: a COPY … FROM without a list of columns, as a query of the whole table. `nothing`: it names
    columns nowhere that matters. `apart`: it cannot be planned; `why` says what it is, and names must do. `strange`: it is
    no statement that is known. `execute`: it runs what was prepared under a name.
    """

    kind: Kind
    text: str = ""
    why: str = ""


def unwrap(text: str) -> Unwrapped:
    """Take off what stands around the query."""
    pieces = [token for token in tokens(text) if token.kind != "comment"]
    return _unwrap(_trim(pieces))


def _unwrap(pieces: Sequence[Token]) -> Unwrapped:
    said = [token.source.lower() for token in pieces if token.kind != "space"]
    first = said[0] if said else ""
    if first in QUERIES:
        return Unwrapped("query", _text(pieces))
    if first in ("vacuum", "analyze", "analyse") and "(" in said:
        return Unwrapped("apart", _text(pieces), f"{first.upper()} with a list")
    if first in NOTHING or not said or said[:2] == ["prepare", "transaction"]:
        return Unwrapped("nothing")
    if first == "explain":
        return _unwrap(_after_explain(pieces))
    if first == "copy":
        return _copy(pieces)
    if first == "declare":
        return _behind(pieces, "for", "a cursor")
    if first == "prepare":
        return _behind(pieces, "as", "PREPARE")
    if first == "create" and any(word in said[:8] for word in ("table", "view")) and "as" in said:
        return _behind(pieces, "as", "CREATE … AS")
    if first == "refresh":
        name = [word for word in said if word not in ("refresh", "materialized", "view", "concurrently", ";")]
        where = next((n for n, word in enumerate(name) if word == "with"), len(name))
        quoted = [token.source for token in pieces if token.kind != "space"][-len(name) :] if name else []
        return Unwrapped("query", " ".join(("SELECT FROM", *quoted[:where])))
    if first == "execute":
        return Unwrapped("execute", _text(pieces))
    if first in APART:
        return Unwrapped("apart", _text(pieces), APART[first])
    return Unwrapped("strange", _text(pieces), "it is no statement that is known")


def _copy(pieces: Sequence[Token]) -> Unwrapped:
    """COPY (query) TO …, COPY table (list) FROM …, COPY table TO …"""
    rest = _trim(_after(pieces, 1))
    if rest and rest[0] == ("mark", "("):
        inner = _in_brackets(rest)
        return _unwrap(_trim(inner))
    name: list[str] = []
    listed: list[str] = []
    way = ""
    place = 0
    while place < len(rest):
        token = rest[place]
        word = token.source.lower()
        if token == ("mark", "("):
            inner = _in_brackets(rest[place:])
            listed = [one.source for one in inner]
            place += len(inner) + 2
            continue
        if token.kind == "word" and word in ("from", "to"):
            way = word
            break
        if token.kind != "space" and word != "only":
            name.append(token.source)
        place += 1
    if not name or not way:
        return Unwrapped("apart", _text(pieces), "COPY")
    query = " ".join(("SELECT", "".join(listed) or "*", "FROM", "".join(name)))
    return Unwrapped("load" if way == "from" and not listed else "query", query)


def _behind(pieces: Sequence[Token], word: str, what: str) -> Unwrapped:
    """What stands behind a word outside of brackets."""
    depth = 0
    for place, token in enumerate(pieces):
        depth += {("mark", "("): 1, ("mark", ")"): -1}.get((token.kind, token.source), 0)
        if depth == 0 and token.kind == "word" and token.source.lower() == word:
            found = _unwrap(_trim(pieces[place + 1 :]))
            if found.kind == "query":
                return found
    return Unwrapped("apart", _text(pieces), what)


def _after_explain(pieces: Sequence[Token]) -> Sequence[Token]:
    rest = _trim(_after(pieces, 1))
    if rest and rest[0] == ("mark", "("):
        inside = [token.source.lower() for token in _in_brackets(rest)]
        if not QUERIES.intersection(inside):  # options, and not a query in brackets
            return _trim(rest[len(_in_brackets(rest)) + 2 :])
    while rest and rest[0].kind == "word" and rest[0].source.lower() in _EXPLAINED:
        rest = _trim(rest[1:])
    return rest


def _in_brackets(pieces: Sequence[Token]) -> Sequence[Token]:
    """What stands between the first bracket and the one that closes it."""
    depth = 0
    for place, token in enumerate(pieces):
        depth += {("mark", "("): 1, ("mark", ")"): -1}.get((token.kind, token.source), 0)
        if depth == 0:
            return pieces[1:place]
    return pieces[1:]


def _after(pieces: Sequence[Token], words: int) -> Sequence[Token]:
    seen = 0
    for place, token in enumerate(pieces):
        seen += token.kind != "space"
        if seen == words:
            return pieces[place + 1 :]
    return ()


def _trim(pieces: Sequence[Token]) -> Sequence[Token]:
    """Without white space at the beginning, and without that and semicolons at the end."""
    start, end = 0, len(pieces)
    while start < end and pieces[start].kind == "space":
        start += 1
    while end > start and (pieces[end - 1].kind == "space" or pieces[end - 1] == ("mark", ";")):
        end -= 1
    return pieces[start:end]


def _text(pieces: Sequence[Token]) -> str:
    return "".join(token.source for token in pieces)
