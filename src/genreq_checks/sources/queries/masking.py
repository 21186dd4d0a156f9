"""A statement without its literals: what may be shown of it, and by what two calls of one statement are the same."""

from __future__ import annotations

import re

from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.text import scrub

LONGEST = 300
_NUMBER = re.compile(r"(?<!\d)\d[\d.]*")
_REST = re.compile(r"[eE]\d*|[xXoObB][0-9a-fA-F_]+|_[\d_]+")  # of a number such as 1e5 or 0x1F
_PARAMETER = re.compile(r"\d*")
_LIST = re.compile(r"\(\s*(\?|\$\d+|'…')(?:\s*,\s*(?:\?|\$\d+|'…'))+\s*\)")


def masked(text: str) -> str:
    """The statement in one line: a literal is '…', a number ?, a list of them the first of it; comments are gone."""
    pieces: list[str] = []
    for token in tokens(text):
        if token.kind == "text":
            pieces.append("'…'")
        elif token.kind in ("comment", "space"):
            pieces.append(" ")
        elif token.kind == "other":
            pieces.append(_numbers(token.source, is_parameter=bool(pieces) and pieces[-1] == "$"))
        elif token.kind == "word" and pieces and pieces[-1].endswith("?") and _REST.fullmatch(token.source):
            continue
        else:
            pieces.append(token.source)
    return _LIST.sub(r"(\1, …)", " ".join("".join(pieces).split())).rstrip("; ")


def _numbers(source: str, *, is_parameter: bool) -> str:
    """Signs without the numbers between them; that of a parameter ($1) stays."""
    number = _PARAMETER.match(source) if is_parameter else None
    kept = number[0] if number else ""
    return kept + _NUMBER.sub("?", source[len(kept) :])


def shown(text: str, understood: bool) -> str:
    """What a report shows of a masked statement. Of one that the server did not understand only its first word: what
    stands in it may be anything.
    """
    if not understood:
        first = text.partition(" ")[0].upper()
        return (
            f"{first} …"
            if first in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "COPY", "DO", "CALL")
            else "…"
        )
    line = scrub(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 2]} …"
