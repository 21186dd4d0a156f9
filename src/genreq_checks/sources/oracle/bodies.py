"""A routine's body put before the clones: each statement of it becomes the body of a function in SQL, which is parsed
when it is made and never called; that is taken back at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.oracle.routines import Routine

_STAR = re.compile(r"\.\s*\*|\b(?:select|distinct|all|returning)\s+\*|,\s*\*\s*(?:,|from\b)", re.IGNORECASE)
_INTO = re.compile(
    r"\binsert\s+into\s+(?:[\w\"]+\.)?([\w\"]+)\s*(?:as\s+\w+\s*)?\b(?:values|select|with|overriding)\b", re.IGNORECASE
)
MOST = 200  # statements of one routine


def refusal(session: psycopg.Connection[Any], *statements: str) -> tuple[str, str] | None:
    """Make something, one thing after the other, and take it back: why it is refused (SQLSTATE, message), or None."""
    try:
        with session.transaction(force_rollback=True):
            session.execute("SET TRANSACTION READ WRITE")
            for statement in statements:
                session.execute(statement.encode(), binary=True)  # by the extended protocol, which takes one statement
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith("57P"):
            raise
        return error.sqlstate, error.diag.message_primary or ""
    except psycopg.Error as error:
        return error.sqlstate or "?", error.diag.message_primary or ""
    return None


def wrapped(
    session: psycopg.Connection[Any], routine: Routine, statement: str, said: Collection[str], row: str | None
) -> tuple[str, ...]:
    """A function that has one statement as its body and the routine's variables as its arguments.

    `said` are the statement's names, `row` is the type of NEW and OLD. A record variable has the type of a view of the query
    that fills it, which is made first, where that can be made in the session's clone.
    """
    known = dict((*routine.variables, *((("new", row), ("old", row)) if row else ())))
    arguments = {name.lower() or f"genreq_{number}": type_ for number, (name, type_) in enumerate(known.items())}
    views: list[str] = []
    for name, query in routine.records:
        view = f"CREATE TEMPORARY VIEW genreq_record_{len(views)} AS "
        made = [view + query, view + _with_nulls(query, known)]
        fitting = next((one for one in made if name in said and refusal(session, one) is None), None)
        if fitting is not None:
            arguments[name] = f"pg_temp.genreq_record_{len(views)}"
            views.append(fitting)
    listed = ", ".join(f'"{name.strip(chr(34))}" {type_}' for name, type_ in arguments.items() if "cursor" not in type_)
    body = sql.Literal(statement).as_string(None)
    return (*views, f"CREATE FUNCTION pg_temp.genreq_probe({listed}) RETURNS void LANGUAGE sql AS {body}")


def _with_nulls(query: str, variables: Mapping[str, str]) -> str:
    """A query with a NULL of its type for each variable."""
    pieces = [token for token in tokens(query) if token.kind != "comment"]
    found: list[str] = []
    for place, token in enumerate(pieces):
        before = next((one.source.lower() for one in reversed(pieces[:place]) if one.kind != "space"), "")
        after = next((one.source for one in pieces[place + 1 :] if one.kind != "space"), "")
        type_ = variables.get(token.source.lower()) if token.kind == "word" else None
        is_variable = type_ is not None and before != "as" and not before.endswith(".") and after != "("
        found.append(f"(NULL::{type_})" if is_variable else token.source)
    return "".join(found)


def takes_all(statement: str, tables: Sequence[str]) -> bool:
    """Does it take or give every column of a row, by `*` or by position, and name one of the tables or NEW or OLD?

    `tables` may have record variables too that have a whole row.
    """
    pieces = [token for token in tokens(statement) if token.kind not in ("comment", "text")]
    code = "".join(" " if token.kind == "space" else token.source for token in pieces)
    words = {token.source.strip('"').lower() for token in pieces if token.kind in ("word", "name")}
    if words.isdisjoint((*tables, "new", "old")):
        return False
    into = _INTO.search(code)
    by_position = into is not None and into[1].strip('"').lower() in tables
    given = "|".join(re.escape(name) for name in ("new", "old", *tables))
    whole = re.search(rf"\b(?:to_jsonb|to_json|row_to_json|hstore)\s*\(\s*(?:{given})\s*\)", code, re.IGNORECASE)
    return _STAR.search(code) is not None or by_position or whole is not None
