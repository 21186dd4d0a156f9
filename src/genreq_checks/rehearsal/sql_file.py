"""What a migration file says to do, in the pieces in which a migration tool would send them.

Nothing here judges the text: it is only cut, and what it does to the scratch database decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from genreq_checks.errors import UsageError

BREAKPOINT = "--> statement-breakpoint"
_TOKEN = re.compile(
    r"""
      (?P<skip>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escaped>(?<![A-Za-z0-9_$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<quoted>'(?:[^']|'')*(?:'|\Z))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>(?<![A-Za-z0-9_$])(?P<tag>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$))
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<mark>[();])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SqlFile:
    """The statements of a file. `breakpoints`: it is Drizzle's, and all of it runs in one transaction, as Drizzle does.

    Otherwise each statement is sent by itself and commits by itself, unless the file begins a transaction: as psql
    does with ON_ERROR_STOP.
    """

    name: str
    statements: tuple[str, ...]
    breakpoints: bool


def read_sql(path: str | Path) -> SqlFile:
    """The statements of a file. Raises: UsageError for a file that cannot be read or is no text."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"The SQL file {path} could not be read: {error.strerror}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The SQL file {path} is not UTF-8 text.", "Save it as UTF-8.") from None
    if "\0" in text:
        raise UsageError(f"The SQL file {path} holds NUL characters.", "Save it as UTF-8.")
    return parse_sql(text, str(path))


def parse_sql(text: str, name: str) -> SqlFile:
    """The statements in a text; a piece that is only white space and comments is none."""
    if BREAKPOINT in text:
        return SqlFile(name, tuple(piece for piece in text.split(BREAKPOINT) if split(piece)), True)
    return SqlFile(name, split(text), False)


def split(text: str) -> tuple[str, ...]:
    """The statements between top-level semicolons: not in quotes, dollar quotes, comments, brackets or atomic bodies."""
    found: list[str] = []
    begin = position = depth = 0
    words: list[str] = []
    body = 0  # BEGIN ATOMIC … END and CASE … END of a function that is written in SQL itself
    substance = False
    while position < len(text):
        match = _TOKEN.search(text, position)
        if text[position : match.start() if match else len(text)].strip():
            substance = True
        if match is None:
            break
        position = match.end()
        kind = match.lastgroup if match.lastgroup != "tag" else "dollar"
        if kind == "skip":
            continue
        if kind == "block":
            position = _after_comment(text, position)
            continue
        if kind == "dollar":
            end = text.find(match["tag"], position)
            position = len(text) if end < 0 else end + len(match["tag"])
        elif kind == "word":
            words.append(match["word"].lower())
            body += _nesting(words, body)
        elif match["mark"] == ";" and depth == 0 and body == 0:
            if substance:
                found.append(text[begin:position].strip())
            begin, words, substance = position, [], False
            continue
        elif kind == "mark" and match["mark"] != ";":
            depth = depth + 1 if match["mark"] == "(" else max(depth - 1, 0)
        substance = True
    if substance:
        found.append(text[begin:].strip())
    return tuple(found)


def _after_comment(text: str, position: int) -> int:
    """The end of a block comment, which may hold others."""
    level = 1
    for match in re.compile(r"/\*|\*/").finditer(text, position):
        level += 1 if match[0] == "/*" else -1
        if level == 0:
            return match.end()
    return len(text)


def _nesting(words: list[str], body: int) -> int:
    """How a word changes the depth of an atomic body."""
    word = words[-1]
    if body == 0:
        creates = words[0] == "create" and ("function" in words[:5] or "procedure" in words[:5])
        return 1 if creates and words[-2:] == ["begin", "atomic"] else 0
    return 1 if word == "case" else -1 if word == "end" else 0
