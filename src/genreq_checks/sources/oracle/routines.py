"""The functions, procedures and triggers of a clone, and what in their bodies is SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from genreq_checks.postgres.sql_lexer import statements, tokens
from genreq_checks.sources.oracle.plpgsql import read_plpgsql

_ROUTINES = """
    SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, l.lanname AS language, p.prosrc AS source,
           p.prorettype = 'trigger'::regtype AS is_trigger,
           CASE WHEN l.lanname = 'sql' AND p.prosqlbody IS NULL AND p.prokind IN ('f', 'p')
                THEN pg_get_functiondef(p.oid) END AS definition,
           coalesce(p.proargnames::text[], '{}') AS names, coalesce(p.proargmodes::text[], '{}') AS modes,
           ARRAY(SELECT format_type(t, NULL) FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
                 WITH ORDINALITY u(t, place) ORDER BY place) AS types
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND p.prosqlbody IS NULL AND p.prosrc <> ''
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ORDER BY p.oid
"""
_TRIGGERS = """
    SELECT n.nspname AS schema, c.relname AS table, t.tgname AS name, t.tgtype::int AS bits, t.tgfoid::bigint AS routine,
           c.oid::regclass::text AS type
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY t.oid
"""
EVENTS = {4: "insert", 8: "delete", 16: "update"}  # bits of pg_trigger.tgtype
_WRITES = {"insert": "into", "delete": "from", "update": "", "merge": "into"}
OF_TRIGGERS = (
    ("found", "boolean"), ("tg_op", "text"), ("tg_name", "name"), ("tg_when", "text"), ("tg_level", "text"),
    ("tg_table_name", "name"), ("tg_table_schema", "name"), ("tg_relid", "oid"), ("tg_relname", "name"),
    ("tg_nargs", "integer"), ("tg_argv", "text[]"), ("sqlstate", "text"), ("sqlerrm", "text"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that is on: its table, that table as a type, and the events that fire it."""

    schema: str
    table: str
    name: str
    routine: int
    type: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or procedure. `statements` are those of its body, `variables` what they may name, with the types.

    `names` are all words of the body, `writes` the tables that its statements write, by name: (event, table).
    `records` are variables of the type record with the query that fills them.
    `definition` makes it anew where that proves its body (SQL only). `is_read`: the body is of a language that is.
    """

    oid: int
    schema: str
    name: str
    language: str
    is_trigger: bool
    definition: str | None
    source: str
    statements: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    dynamic: tuple[str, ...]
    names: frozenset[str]
    writes: frozenset[tuple[str, str]]
    records: tuple[tuple[str, str], ...] = ()

    @property
    def is_read(self) -> bool:
        """Is it in a language whose statements are known?"""
        return self.language in ("sql", "plpgsql")


def names_in(text: str) -> frozenset[str]:
    """Every word and quoted name in a text, in lower case; within its literals too, as they may be statements."""
    found: set[str] = set()
    for token in tokens(text):
        if token.kind == "word":
            found.add(token.source.lower())
        elif token.kind == "name":
            found.add(token.source[1:-1].replace('""', '"').lower())
        elif token.kind == "text" and len(token.source) > 2:
            body = token.source.strip("'$")
            found |= {inner.source.strip('"').lower() for inner in tokens(body) if inner.kind in ("word", "name")}
    return frozenset(found)


def read_routines(whole: psycopg.Connection[Any]) -> tuple[Routine, ...]:
    """Every routine whose body is text. Raises: psycopg.Error when the catalog cannot be read."""
    return tuple(_routine(*row) for row in whole.execute(_ROUTINES).fetchall())


def read_triggers(whole: psycopg.Connection[Any]) -> tuple[Trigger, ...]:
    """Every trigger that is on. Raises: psycopg.Error when the catalog cannot be read."""
    return tuple(
        Trigger(schema, table, name, routine, type_, tuple(event for bit, event in EVENTS.items() if bits & bit))
        for schema, table, name, bits, routine, type_ in whole.execute(_TRIGGERS).fetchall()
    )


def _routine(
    oid: int, schema: str, name: str, language: str, source: str, is_trigger: bool, definition: str | None,
    names: list[str], modes: list[str], types: list[str],
) -> Routine:  # fmt: skip
    parts: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    dynamic: tuple[str, ...] = ()
    records: tuple[tuple[str, str], ...] = ()
    own = [(names[n] if n < len(names) else "", type_) for n, type_ in enumerate(types)]
    given = [one for n, one in enumerate(own) if not modes or modes[n] in "iobv"]
    given += [one for n, one in enumerate(own) if modes and modes[n] in "ot" and one not in given]
    if language == "sql":
        parts, variables = statements(source), tuple(given)
    elif language == "plpgsql":
        pieces = read_plpgsql(source)
        parts, dynamic, records = pieces.statements, pieces.dynamic, pieces.records
        variables = (*given, *pieces.variables, *OF_TRIGGERS)
    writes = frozenset(write for part in parts for write in _writes(part))
    return Routine(
        oid, schema, name, language, is_trigger, definition, source, parts, variables, dynamic, names_in(source), writes,
        records,
    )  # fmt: skip


def _writes(text: str) -> list[tuple[str, str]]:
    """What a statement writes, as far as its words say it: (event, name of the table)."""
    said = [token.source for token in tokens(text) if token.kind in ("word", "name") or token.source == "."]
    lower = [word.lower() for word in said]
    found: list[tuple[str, str]] = []
    for place, word in enumerate(lower):
        if word not in _WRITES or (word == "update" and place and lower[place - 1] in ("for", "do", "then", "key")):
            continue
        rest = lower[place + 1 :]
        if _WRITES[word]:
            if rest[:1] != [_WRITES[word]]:
                continue
            rest = rest[1:]
        rest = rest[1:] if rest[:1] == ["only"] else rest
        name = rest[2] if rest[1:2] == ["."] and len(rest) > 2 else rest[0] if rest else ""
        events: tuple[str, ...] = ("insert", "update", "delete") if word == "merge" else (word,)
        if word == "insert" and "conflict" in rest:
            events = ("insert", "update")
        found += [(event, name.strip('"')) for event in events]
    return found
