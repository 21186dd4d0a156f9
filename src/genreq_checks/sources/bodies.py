"""What a function's body says of a column: pg_depend does not know bodies that are text, so words must do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Place = Literal["code", "text", "comment"]

_START = re.compile(r"--|/\*|'|\"|\$(?:[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)?\$")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_QUOTED = {"'": re.compile(r"'(?:[^']|'')*'"), "E'": re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)}


@dataclass(frozen=True, slots=True)
class Body:
    """A body of SQL or PL/pgSQL, sorted into its code, the texts (literals) in it, and its comments."""

    code: str
    text: str
    comment: str

    def names(self, word: str, *places: Place) -> bool:
        """Does the word stand in one of the places as a whole word, whatever its case?"""
        return any(whole_word(word).search(getattr(self, place)) for place in places)

    def reads_record(self, column: str) -> bool:
        """Does the code take the column from NEW or OLD, the rows a trigger is given?"""
        return bool(re.search(rf'\b(new|old)\s*\.\s*"?{re.escape(column)}(?![\w$])', self.code, re.IGNORECASE))

    def outside_records(self, column: str) -> bool:
        """Does the word stand in the code elsewhere than behind NEW. or OLD.?"""
        rest = re.sub(rf'\b(new|old)\s*\.\s*"?{re.escape(column)}(?![\w$])', " ", self.code, flags=re.IGNORECASE)
        return bool(whole_word(column).search(rest))

    @property
    def runs_text(self) -> bool:
        """Is there an EXECUTE, by which a text becomes a statement?"""
        return bool(whole_word("execute").search(self.code))


def whole_word(word: str) -> re.Pattern[str]:
    """The pattern of a word that no letter, digit, underscore or dollar sign continues."""
    return re.compile(rf"(?<![\w$]){re.escape(word)}(?![\w$])", re.IGNORECASE)


def read_body(source: str, language: str) -> Body:
    """Sort a body into its parts. Of a language that is not SQL's kind everything is code: nothing is thought harmless."""
    if language not in ("sql", "plpgsql"):
        return Body(source, "", "")
    parts: dict[Place, list[str]] = {"code": [], "text": [], "comment": []}
    for place, piece in _pieces(source):
        parts[place].append(piece)
    return Body("".join(parts["code"]), "\n".join(parts["text"]), "\n".join(parts["comment"]))


def _pieces(source: str) -> Iterator[tuple[Place, str]]:
    at = 0
    while found := _START.search(source, at):
        start, mark = found.start(), found.group()
        yield "code", source[at:start] + " "
        if mark == "--":
            at = _or_end(source, source.find("\n", start))
            yield "comment", source[start:at]
        elif mark == "/*":
            at = _comment_end(source, start)
            yield "comment", source[start:at]
        elif mark == '"':
            at = _or_end(source, source.find('"', start + 1), 1)
            yield "code", source[start:at]
        elif mark == "'":
            escapes = source[start - 1 : start] in ("e", "E") and not re.match(r"\w", source[start - 2 : start - 1])
            quoted = _QUOTED["E'" if escapes else "'"].match(source, start)
            at = quoted.end() if quoted else len(source)
            yield "text", source[start:at]
        else:
            at = _or_end(source, source.find(mark, found.end()), len(mark))
            yield "text", source[start:at]
    yield "code", source[at:]


def _or_end(source: str, place: int, beyond: int = 0) -> int:
    return len(source) if place < 0 else place + beyond


def _comment_end(source: str, start: int) -> int:
    """The end of a comment in which comments may be nested."""
    depth, at = 0, start
    while edge := _COMMENT_EDGE.search(source, at):
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
        if depth == 0:
            return at
    return len(source)
