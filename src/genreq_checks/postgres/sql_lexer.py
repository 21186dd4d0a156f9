"""SQL text in tokens, as PostgreSQL's own scanner splits it, and from them the statements of a file.

Nothing here judges the text, and no text is rejected: a quote or comment that is never closed extends to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Kind = Literal["comment", "text", "name", "word", "mark", "space", "other"]

SPACE = " \t\n\r\f\v"  # PostgreSQL's white space; it reads a no-break space as a letter
# A literal may continue on another line; its beginning determines whether its backslashes escape.
_GOES_ON = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+"
_PLAIN = r"'[^']*+(?:''[^']*+)*+(?:'|\Z)"
_ESCAPED = r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+(?:'|\\?\Z)"
_TOKEN = re.compile(
    rf"""
      (?P<comment>--[^\n\r]*+)
    | (?P<block>/\*)
    | (?P<escaped>[eE]{_ESCAPED}(?:{_GOES_ON}{_ESCAPED})*+)
    | (?P<text>{_PLAIN}(?:{_GOES_ON}{_PLAIN})*+)
    | (?P<name>"[^"]*+(?:""[^"]*+)*+(?:"|\Z))
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+)
    | (?P<mark>[();])
    | (?P<space>[ \t\n\r\f\v]++)
    | (?P<other>[0-9.,:=<>+*!|&\[\]]++|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """A piece of SQL: a comment, a text (a literal in any kind of quotes), a name in double quotes, a word that is not
    quoted, one of the marks `(`, `)` and `;`, white space, or any other character.
    """

    kind: Kind
    source: str


def tokens(source: str) -> Iterator[Token]:
    """All tokens of a source; joined, they are the source again."""
    position = 0
    while match := _TOKEN.match(source, position):
        start, position, kind = position, match.end(), match.lastgroup
        match kind:
            case "block":
                position = _after_comment(source, position)
                yield Token("comment", source[start:position])
            case "dollar":
                end = source.find(match[0], position)
                position = len(source) if end < 0 else end + len(match[0])
                yield Token("text", source[start:position])
            case "escaped":
                yield Token("text", match[0])
            case "comment" | "text" | "name" | "word" | "mark" | "space" | "other":
                yield Token(kind, match[0])


def _after_comment(source: str, position: int) -> int:
    """The end of a block comment, which may hold others."""
    level = 1
    for edge in _COMMENT_EDGE.finditer(source, position):
        level += 1 if edge[0] == "/*" else -1
        if level == 0:
            return edge.end()
    return len(source)


def words(source: str) -> Iterator[str]:
    """The words outside of quotes and comments, in lower case."""
    return (token.source.lower() for token in tokens(source) if token.kind == "word")


def statements(source: str) -> tuple[str, ...]:
    """The statements, each with its semicolon; semicolons in quotes, comments, brackets or atomic bodies end none.

    A piece with only white space and comments is not a statement.
    """
    found: list[str] = []
    piece: list[str] = []
    said: list[str] = []  # the words of this statement
    depth = body = (
        0  # body: within BEGIN ATOMIC … END, and CASE … END in it, of a function that is written in SQL itself
    )
    substance = False
    for token in tokens(source):
        piece.append(token.source)
        if token == ("mark", ";") and depth == 0 and body == 0:
            if substance:
                found.append("".join(piece).strip(SPACE))
            piece, said, substance = [], [], False
            continue
        if token.kind == "word":
            said.append(token.source.lower())
            body += _nesting(said, body)
        elif token == ("mark", "("):
            depth += 1
        elif token == ("mark", ")"):
            depth = max(depth - 1, 0)
        substance = substance or token.kind not in ("comment", "space")
    if substance:
        found.append("".join(piece).strip(SPACE))
    return tuple(found)


def _nesting(said: Sequence[str], body: int) -> int:
    """How the last word changes the depth of an atomic body."""
    if body == 0:
        creates = said[0] == "create" and ("function" in said[:5] or "procedure" in said[:5])
        return 1 if creates and said[-2:] == ["begin", "atomic"] else 0
    return {"case": 1, "end": -1}.get(said[-1], 0)
