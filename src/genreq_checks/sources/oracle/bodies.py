"""A routine's body put before the clones: each statement of it becomes the body of a function in SQL, which is parsed
when it is made and never called; that is taken back at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.oracle.routines import Routine

_STAR = re.compile(r"\.\s*\*|\b(?:select|distinct|all|returning)\s+\*|,\s*\*\s*(?:,|from\b)", re.IGNORECASE)
_BY_POSITION = re.compile(
    r"\binsert\s+into\s+[\w.\"]+\s*(?:as\s+\w+\s*)?\b(?:values|select|with|overriding)\b", re.IGNORECASE
)
_ROW = re.compile(
    r"\b(?:to_jsonb|to_json|row_to_json|hstore|row)\s*\(\s*(?:new|old)\s*\)|\b(?:new|old)\s*::", re.IGNORECASE
)
MOST = 200  # statements of one routine


def refusal(session: psycopg.Connection[Any], statement: str) -> tuple[str, str] | None:
    """Make something and take it back: why it is refused (SQLSTATE, message), or None."""
    try:
        with session.transaction(force_rollback=True):
            session.execute("SET TRANSACTION READ WRITE")
            session.execute(statement.encode())
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith("57P"):
            raise
        return error.sqlstate, error.diag.message_primary or ""
    except psycopg.Error as error:
        return error.sqlstate or "?", error.diag.message_primary or ""
    return None


def wrapped(routine: Routine, statement: str, row: str | None) -> str:
    """A function that has one statement as its body and the routine's variables as its arguments.

    `row` is the type of NEW and OLD.
    """
    arguments: dict[str, str] = {}
    for number, (name, type_) in enumerate((*routine.variables, *((("new", row), ("old", row)) if row else ()))):
        arguments[name.lower() or f"genreq_{number}"] = type_
    listed = ", ".join(f'"{name.strip(chr(34))}" {type_}' for name, type_ in arguments.items() if "cursor" not in type_)
    body = sql.Literal(statement).as_string(None)
    return f"CREATE FUNCTION pg_temp.genreq_probe({listed}) RETURNS void LANGUAGE sql AS {body}"


def takes_all(statement: str, tables: Sequence[str]) -> bool:
    """Does it take or give every column of a row, by `*` or by position, and name one of the tables or NEW or OLD?"""
    pieces = [token for token in tokens(statement) if token.kind not in ("comment", "text")]
    code = "".join(" " if token.kind == "space" else token.source for token in pieces)
    words = {token.source.strip('"').lower() for token in pieces if token.kind in ("word", "name")}
    if words.isdisjoint((*tables, "new", "old")):
        return False
    into = re.search(
        r"\binsert\s+into\s+[\w.\"]+\s*(?:as\s+\w+\s*)?(\(|values|select|default|with|overriding)", code, re.IGNORECASE
    )
    by_position = into is not None and (into[1].lower() in ("values", "select", "with", "overriding"))
    whole = re.search(r"\b(?:to_jsonb|to_json|row_to_json|hstore)\s*\(\s*(?:new|old)\s*\)", code, re.IGNORECASE)
    return _STAR.search(code) is not None or by_position or whole is not None
