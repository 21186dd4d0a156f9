"""Whether a function's body uses a column, judged by its words: pg_depend has no dependencies of bodies that are text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from genreq_checks.postgres.sql_lexer import tokens

Place = Literal["code", "text", "comment"]


@dataclass(frozen=True, slots=True)
class Body:
    """A body of SQL or PL/pgSQL, separated into code, texts (literals) and comments."""

    code: str
    text: str
    comment: str

    def names(self, word: str, *places: Place) -> bool:
        """Does one of the places have the word as a whole word, in any case?"""
        return any(whole_word(word).search(getattr(self, place)) for place in places)

    def reads_record(self, column: str) -> bool:
        """Does the code read the column from NEW or OLD, the rows of a trigger?"""
        return bool(re.search(rf'\b(new|old)\s*\.\s*"?{re.escape(column)}(?![\w$])', self.code, re.IGNORECASE))

    def outside_records(self, column: str) -> bool:
        """Does the code have the word anywhere except after NEW. or OLD.?"""
        rest = re.sub(rf'\b(new|old)\s*\.\s*"?{re.escape(column)}(?![\w$])', " ", self.code, flags=re.IGNORECASE)
        return bool(whole_word(column).search(rest))

    @property
    def runs_text(self) -> bool:
        """Is there an EXECUTE, which runs a text as a statement?"""
        return bool(whole_word("execute").search(self.code))

    @property
    def builds_text(self) -> bool:
        """Is there an EXECUTE of anything else than one literal? In the code a literal is a space."""
        return bool(re.search(r"\bexecute\s+(?!using\b|into\b|;|$)\S", self.code, re.IGNORECASE))


def whole_word(word: str) -> re.Pattern[str]:
    """The pattern of a name in SQL that is not followed by a letter, digit, underscore or dollar sign."""
    inside = re.escape(word.replace('"', '""'))  # a name with a quote is written in quotes, and the quote doubled
    return re.compile(rf"(?<![\w$]){inside}(?![\w$])", re.IGNORECASE)


_UNICODE = re.compile(
    r"""\bu&(?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*')(?:\s*\buescape\s*'(?P<escape>[^'])')?""", re.IGNORECASE
)


def _decoded(source: str) -> str:
    """The source with the escapes of its `U&"…"` names and `U&'…'` literals replaced by their characters."""

    def decode(match: re.Match[str]) -> str:
        mark = re.escape(match["escape"] or "\\")
        pattern = rf"{mark}(?:(?P<mark>{mark})|\+(?P<long>[0-9a-f]{{6}})|(?P<short>[0-9a-f]{{4}}))"
        return re.sub(pattern, _character, match["quoted"], flags=re.IGNORECASE)

    return _UNICODE.sub(decode, source) if "u&" in source.lower() else source


def _character(match: re.Match[str]) -> str:
    """The character of an escape; a quote would end the name, so that it stays an escape."""
    if match["mark"]:
        return match["mark"]
    number = int(match["long"] or match["short"], 16)
    return chr(number) if number < 0x110000 and chr(number) not in "'\"" else match[0]


def read_body(source: str, language: str) -> Body:
    """Separate a body into its parts. In another language than SQL or PL/pgSQL all of it is code: nothing is harmless."""
    if language not in ("sql", "plpgsql"):
        return Body(source, "", "")
    source = _decoded(source)
    code: list[str] = []
    apart: dict[Literal["text", "comment"], list[str]] = {"text": [], "comment": []}
    for kind, piece in tokens(source):
        if kind == "text" or kind == "comment":
            apart[kind].append(piece)
            code.append(" ")
        else:
            code.append(piece)
    return Body("".join(code), "\n".join(apart["text"]), "\n".join(apart["comment"]))
