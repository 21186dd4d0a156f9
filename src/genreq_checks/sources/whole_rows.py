"""Whether a body uses all columns of the table without naming one: `*`, an INSERT by position, a whole row as one value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from genreq_checks.sources.function_bodies import Body

_NAME = r'(?:(?:"[^"]+"|[\w$]+)\s*\.\s*)?"?{}"?(?![\w$])'
_STAR = re.compile(r"\.\s*\*|\b(?:select|distinct|all|returning)\s+\*|,\s*\*\s*(?:,|from\b|into\b)", re.IGNORECASE)
_COPIES = re.compile(r"\binsert\s+into\s+[\w.\"$]+\s*\(?\s*(?:select|values|table)\b", re.IGNORECASE)
_NATURAL = re.compile(r"\bnatural\s+(?:join|inner|left|right|full)\b", re.IGNORECASE)
_RECORD = re.compile(r"\b(?:new|old)\b(?!\s*\.)", re.IGNORECASE)
_GIVEN_BACK = re.compile(r"\breturn\s+(?:coalesce\s*\(\s*(?:new|old)\s*,\s*(?:new|old)\s*\)|new|old)", re.IGNORECASE)
_NO_ALIAS = frozenset(
    word
    for line in (
        "set where on using join left right inner outer full cross natural group order limit offset values select",
        "default returning union except intersect for loop as into when then and or is not window having with",
    )
    for word in line.split()
)


@dataclass(frozen=True, slots=True)
class WholeRow:
    """How a body uses whole rows: what becomes of it, and the construct."""

    fate: Literal["breaks", "changes"]
    what: str


def whole_row(body: Body, table: str, *, of_trigger: bool) -> WholeRow | None:
    """The first statement of a body that depends on the table's list of columns; None when there is none.

    `of_trigger`: a trigger of the table runs the body, so that NEW, OLD and transition tables are rows of the table.
    """
    source = body.code + (f" ; {body.text}" if body.runs_text else "")
    found = [one for piece in source.split(";") if (one := _in_statement(piece, table, of_trigger)) is not None]
    return min(found, key=lambda one: one.fate == "changes", default=None)


def _in_statement(piece: str, table: str, of_trigger: bool) -> WholeRow | None:
    name, piece = _NAME.format(re.escape(table.replace('"', '""'))), _GIVEN_BACK.sub(" ", piece)
    here = re.search(rf'(?<![\w$"]){name}', piece, re.IGNORECASE) is not None
    if not here and not of_trigger:
        return None
    positional = r"(?:as\s+\w+\s*)?\(?\s*(?:values|select|with|table|overriding)\b"
    if re.search(rf"\binsert\s+into\s+{name}\s*{positional}", piece, re.IGNORECASE):
        return WholeRow("breaks", "an INSERT without a list of columns")
    star, record = _STAR.search(piece) is not None, of_trigger and _RECORD.search(piece) is not None
    if _COPIES.search(piece) and star:
        return WholeRow("breaks", "an INSERT of whole rows into another table")
    if star:
        return WholeRow("changes", "all columns by *")
    if record:
        return WholeRow("changes", "NEW or OLD as a whole")
    if here and _NATURAL.search(piece):
        return WholeRow("changes", "a NATURAL JOIN")
    return _row_as_value(piece, name) if here else None


def _row_as_value(piece: str, name: str) -> WholeRow | None:
    """The table's row type, the table as a whole, or one of its rows as one value."""
    if re.search(rf"(?:{name}\s*%\s*rowtype|::\s*{name}|\bas\s+{name}\s*\))", piece, re.IGNORECASE):
        return WholeRow("changes", "the table's row type")
    if re.search(rf"\b(?:table|copy)\s+{name}(?!\s*\()", piece, re.IGNORECASE):
        return WholeRow("changes", "the whole table")
    if re.search(rf"(?:^|\bdeclare\b|\bbegin\b)\s*[\w\"$]+\s+{name}\s*(?:$|:=|=|default\b|\[)", piece, re.IGNORECASE):
        return WholeRow("changes", "a variable of the table's row type")
    aliases = {
        match[1].strip('"')
        for match in re.finditer(
            rf'(?:\bfrom|\bjoin|\bupdate|,)\s+(?:only\s+)?{name}\s+(?:as\s+)?("?[\w$]+"?)', piece, re.I
        )
    } - _NO_ALIAS
    bare = name.removeprefix(r'(?:(?:"[^"]+"|[\w$]+)\s*\.\s*)?')
    for alias in (bare, *(rf'"?{re.escape(one)}"?' for one in sorted(aliases) if one.lower() not in _NO_ALIAS)):
        if re.search(
            rf"\(\s*{alias}\s*(?:[,)]|::)|,\s*{alias}\s*(?:\)|::)|\b(?:select|returning)\s+{alias}\s*(?:,|$|\bfrom\b|\binto\b|::)",
            piece,
            re.I,
        ):
            return WholeRow("changes", "a row as one value")
    return None
