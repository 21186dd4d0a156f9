"""Foreign tables as plain ones: a clone must not ask the server that has their rows, not even to plan a statement."""

from __future__ import annotations

from collections.abc import Iterator

from genreq_checks.postgres.sql_lexer import Token, statements, tokens
from genreq_checks.scratch.stand_ins import Stub

KIND = "FOREIGN TABLE"
WITH_THEM = ("SERVER", "FOREIGN DATA WRAPPER", "ACL - FOREIGN SERVER", "ACL - FOREIGN DATA WRAPPER", "COMMENT - SERVER")


def plain_tables(script: str) -> Iterator[Stub]:
    """Each CREATE FOREIGN TABLE in the output of pg_dump, as CREATE TABLE."""
    for statement in statements(script):
        pieces = [token for token in tokens(statement) if token.kind != "comment"]
        said = [token.source.lower() for token in pieces if token.kind == "word"][:3]
        if said != ["create", "foreign", "table"]:
            continue
        sql = "".join(_plain(pieces)).replace("CREATE  TABLE", "CREATE TABLE", 1)
        yield Stub(sql.removeprefix("CREATE TABLE ").partition(" (")[0], sql)


def _plain(pieces: list[Token]) -> Iterator[str]:
    """The statement without the word FOREIGN, the OPTIONS of a column, and the SERVER with its OPTIONS."""
    depth = 0
    skipped: int | None = None  # the depth at which an OPTIONS (…) is being left out
    began = closed = False
    for place, token in enumerate(pieces):
        word = token.source.lower() if token.kind == "word" else ""
        if not began and token.kind == "space":
            continue
        began = True
        if depth == 0 and closed and word == "server":
            return
        if token == ("mark", "("):
            depth += 1
        if skipped is None and depth == 1 and word == "options" and _next(pieces, place) == "(":
            skipped = depth
        if skipped is None and not (word == "foreign" and depth == 0):
            yield " " if token.kind == "space" else token.source
        if token == ("mark", ")"):
            depth -= 1
            closed = closed or depth == 0
            if skipped == depth:
                skipped = None


def _next(pieces: list[Token], place: int) -> str:
    return next((token.source for token in pieces[place + 1 :] if token.kind != "space"), "")
