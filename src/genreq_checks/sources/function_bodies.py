"""What a function's body says of a column: pg_depend does not know bodies that are text, so words must do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from genreq_checks.postgres.sql_lexer import tokens

Place = Literal["code", "text", "comment"]


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
    """The pattern of a name in SQL that no letter, digit, underscore or dollar sign continues."""
    inside = re.escape(word.replace('"', '""'))  # a name with a quote stands in quotes, where it is doubled
    return re.compile(rf"(?<![\w$]){inside}(?![\w$])", re.IGNORECASE)


def read_body(source: str, language: str) -> Body:
    """Sort a body into its parts. Of a language that is not SQL's kind everything is code: nothing is thought harmless."""
    if language not in ("sql", "plpgsql"):
        return Body(source, "", "")
    code: list[str] = []
    apart: dict[Literal["text", "comment"], list[str]] = {"text": [], "comment": []}
    for kind, piece in tokens(source):
        if kind == "text" or kind == "comment":
            apart[kind].append(piece)
            code.append(" ")
        else:
            code.append(piece)
    return Body("".join(code), "\n".join(apart["text"]), "\n".join(apart["comment"]))
