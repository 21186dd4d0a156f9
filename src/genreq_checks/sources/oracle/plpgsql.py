"""A body in PL/pgSQL as the statements and expressions in it that are SQL, and the variables that they may name.

It is not a parser of the language: a piece that is cut wrongly is not understood where the columns are, and so says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genreq_checks.postgres.sql_lexer import Token, tokens
from genreq_checks.sources.oracle.rewriting import outside_quotes

SQL = frozenset(("select", "insert", "update", "delete", "merge", "with", "values", "table"))
_SKIPPED = frozenset(("begin", "else", "loop", "exception", "declare"))
_UNTIL = {"if": "then", "elsif": "then", "elseif": "then", "while": "loop", "when": "then"}
_NOTHING = frozenset(("end", "exit", "continue", "null", "commit", "rollback", "close", "fetch", "move", "get"))
_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_\x80-\U0010ffff][\w$]*)'
_TARGET = rf"{_NAME}(?:\.{_NAME}|\[[^\]]*\])*"
_INTO = re.compile(rf"\binto\s+(?:strict\s+)?{_TARGET}(?:\s*,\s*{_TARGET})*(?!\s*[\w(\".])", re.IGNORECASE)
_INTO_BEFORE = re.compile(
    rf"\binto\s+(?:strict\s+)?{_TARGET}(?:\s*,\s*{_TARGET})*(?=\s+(?:from|where|using|group|order|limit|union)\b|\s*$)",
    re.IGNORECASE,
)
_INSERT = re.compile(r"\b(insert|merge)\s+into\b", re.IGNORECASE)
_ONE_RECORD = re.compile(rf"\binto\s+(?:strict\s+)?({_NAME})(?!\s*[,.(\[\w\"])", re.IGNORECASE)
_ASSIGNED = re.compile(rf"^({_TARGET})\s*(?::=|=)\s*(.+)$", re.DOTALL)
_COUNTED = re.compile(r"^(?:reverse\s+)?(.+?)\s*\.\.\s*(.+?)(?:\s+by\s+.+)?$", re.DOTALL | re.IGNORECASE)
_CURSOR = re.compile(
    rf"^{_NAME}\s+(?:no\s+scroll\s+|scroll\s+)?cursor\b\s*(?:\((.*?)\))?\s*(?:for|is)\b(.*)$", re.DOTALL | re.IGNORECASE
)
_DECLARED = re.compile(
    rf"^({_NAME})\s+(?:constant\s+)?(.+?)(?:\s+collate\s+\S+)?(?:\s+not\s+null)?\s*(?:(?::=|=|\bdefault\b)\s*(.*))?$",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is SQL in a body (`statements`), the declared variables with their types, and texts that are executed.

    `records` are the record variables that only one query fills, each with that query.
    """

    statements: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    dynamic: tuple[str, ...]
    records: tuple[tuple[str, str], ...] = ()


def read_plpgsql(source: str) -> Pieces:
    """The pieces of a body."""
    found: list[str] = []
    variables: dict[str, str] = {}
    dynamic: list[str] = []
    filled: list[tuple[str, str]] = []
    for kind, text in _steps([token for token in tokens(source) if token.kind != "comment"]):
        if kind == "declare":
            _declare(text, variables, found)
        elif kind == "dynamic":
            dynamic.append(text)
        elif kind == "target":
            target = text
        elif kind == "looped":
            filled.append((target, text))
            found.append(_without_into(text))
        elif kind == "counter":
            variables.setdefault(text, "integer")
        elif kind == "expression":
            found.append(f"SELECT {text}")
        else:
            found.append(_without_into(text))
            if into := _ONE_RECORD.search(text):
                filled.append((into[1].lower(), found[-1]))
    return Pieces(
        tuple(dict.fromkeys(found)), tuple(variables.items()), tuple(dynamic), tuple(_records(source, filled))
    )


def _records(source: str, filled: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The record variables of which every assignment is known and is the same query."""
    for name in dict.fromkeys(name for name, _ in filled):
        queries = [query for one, query in filled if one == name]
        word = re.escape(name)
        declared = re.search(rf"\b{word}\s+record\b", source, re.IGNORECASE)
        assigned = re.findall(
            rf"\binto\s+(?:strict\s+)?{word}\b|(?<![.\w]){word}\s*:?=|\bfor\s+{word}\s+in\b", source, re.IGNORECASE
        )
        is_read = queries[0].lstrip(" (").lower().startswith(("select", "with", "values", "table"))
        if declared and is_read and len(assigned) == len(queries) and len(set(queries)) == 1:
            yield name, queries[0]


def _steps(pieces: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Each step: what it is and its text."""
    place, declaring = 0, False
    while place < len(pieces):
        token = pieces[place]
        word = token.source.lower() if token.kind == "word" else ""
        if token.source.startswith("<<"):  # a label
            place = next((n + 1 for n in range(place, len(pieces)) if ">>" in pieces[n].source), len(pieces))
            continue
        if token.kind == "space" or token.source == ";" or word in _SKIPPED:
            declaring = word == "declare" or (declaring and word != "begin")
            place += 1
            continue
        if declaring:
            place, text = _until(pieces, place, ())
            yield "declare", text
            continue
        if word in _NOTHING:
            place, _ = _until(pieces, place, ())
            continue
        if word in _UNTIL:
            place, text = _until(pieces, place + 1, (_UNTIL[word],))
            if text.strip():
                yield "expression", text
            continue
        if word == "case":
            place, text = _until(pieces, place + 1, ("when",), keep=True)
            if text.strip():
                yield "expression", text
            continue
        if word in ("for", "foreach"):
            place, text = _until(pieces, place + 1, ("loop",))
            yield from _loop(text)
            continue
        place, text = _until(pieces, place, ())
        yield from _step(word, text)


def _step(word: str, text: str) -> Iterator[tuple[str, str]]:
    """A step that ends at its semicolon."""
    rest = text[len(word) :].strip()
    if word in SQL:
        yield "statement", text
    elif word == "perform":
        yield "expression", rest
    elif word == "return":
        first = rest.split(None, 1)
        if len(first) == 2 and first[0].lower() == "query":
            query = first[1]
            yield ("dynamic", query) if query.lower().startswith("execute") else ("statement", query)
        elif rest and first[0].lower() != "next":
            yield "expression", rest
        elif len(first) == 2:
            yield "expression", first[1]
    elif word == "execute":
        yield "dynamic", rest
    elif word == "open":
        opened = re.split(r"\bfor\b", rest, maxsplit=1, flags=re.IGNORECASE)[1:]
        for query in opened:
            yield "dynamic" if query.strip().lower().startswith("execute") else "statement", query.strip()
    elif word == "assert":
        yield "expression", rest
    elif word == "raise":
        yield from _raised(rest)
    elif word == "call":
        yield "expression", rest
    elif match := _ASSIGNED.match(text):
        yield "expression", match[2]
        if "." in match[1]:
            yield "expression", match[1]


def _raised(rest: str) -> Iterator[tuple[str, str]]:
    """The values of a RAISE, which stand behind its text; those of USING are named and left out."""
    pieces = list(tokens(rest))
    behind = next((n + 1 for n, token in enumerate(pieces) if token.kind == "text"), len(pieces))
    values = "".join(token.source for token in pieces[behind:]).strip()
    if values.startswith(","):
        yield "expression", re.split(r"\busing\b", values[1:], maxsplit=1, flags=re.IGNORECASE)[0].strip()


def _loop(text: str) -> Iterator[tuple[str, str]]:
    """What a FOR or FOREACH goes over: a query, an array, or numbers, which make its variable."""
    parts = re.split(r"\bin\b", text, maxsplit=1, flags=re.IGNORECASE)
    if len(parts) < 2:
        return
    target, over = parts[0].strip(), parts[1].strip()
    first = over.split(None, 1)[0].lower() if over else ""
    if first == "execute":
        yield "dynamic", over
    elif first in SQL or over.startswith("("):
        yield "target", target.lower()
        yield "looped", over
    elif first == "array":
        yield "expression", over[len("array") :]
    elif counted := _COUNTED.match(over):
        yield "counter", target.lower()
        yield "expression", counted[1]
        yield "expression", counted[2]
    elif over:
        yield "expression", over


def _until(pieces: Sequence[Token], place: int, words: Sequence[str], *, keep: bool = False) -> tuple[int, str]:
    """The text up to a semicolon, or to one of the words, outside of brackets; and the place behind it."""
    depth, cases, text = 0, 0, list[str]()
    while place < len(pieces):
        token = pieces[place]
        word = token.source.lower() if token.kind == "word" else ""
        if depth == 0 and token == ("mark", ";"):
            return place + 1, "".join(text).strip()
        if depth == 0 and cases == 0 and word in words:
            return (place if keep else place + 1), "".join(text).strip()
        cases += {"case": 1, "end": -1}.get(word, 0) if text or not keep else 0
        cases = max(cases, 0)
        depth += {"(": 1, ")": -1}.get(token.source, 0) if token.kind == "mark" else 0
        text.append(" " if token.kind == "space" else token.source)
        place += 1
    return place, "".join(text).strip()


def _declare(text: str, variables: dict[str, str], found: list[str]) -> None:
    """A variable with its type and what it begins with, or a cursor with its query and arguments."""
    cursor = _CURSOR.match(text)
    if cursor:
        found.append(cursor[2].strip())
        given = (part.split(None, 1) for part in (cursor[1] or "").split(","))
        variables.update({part[0].lower(): part[1].strip() for part in given if len(part) == 2})
        return
    match = _DECLARED.match(text)
    if match is None:
        return
    name, kind, default = match[1].lower(), match[2].strip(), match[3]
    if kind.lower().endswith("%rowtype"):
        kind = kind[: -len("%rowtype")]
    elif kind.lower().endswith("%type") and "." not in kind:
        kind = variables.get(kind[: -len("%type")].lower(), "record")
    if not kind.lower().startswith(("record", "alias ")):
        variables[name] = kind
    if default:
        found.append(f"SELECT {default}")


def _without_into(text: str) -> str:
    """Without the INTO of a SELECT or a RETURNING, which names variables; that of INSERT and MERGE names a table."""

    def change(code: str) -> str:
        start = match.end() if (match := _INSERT.search(code)) else 0
        head, tail = code[:start], code[start:]
        changed = _INTO_BEFORE.sub(" ", tail)
        return head + (changed if changed != tail else _INTO.sub(" ", tail))

    return outside_quotes(text, change)
