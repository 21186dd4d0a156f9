"""Code that EXPLAIN does not see: bodies of functions, and the triggers that a statement fires.

A name (of a function, a view or a table) leads to what its use does without a column; one function may hide another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from genreq_checks.facts.queries import FATES, Fate
from genreq_checks.plan import Plan
from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.function_bodies import Body, read_body

_FUNCTIONS = """
    SELECT n.nspname, p.proname, l.lanname, p.prosrc, p.prorettype = 'trigger'::regtype,
           CASE WHEN l.lanname = 'sql' AND p.prosqlbody IS NULL AND p.prokind IN ('f', 'p')
                THEN pg_get_functiondef(p.oid) END, p.oid::bigint
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""
_TRIGGERS = """
    SELECT n.nspname, c.relname, t.tgname, t.tgtype::int, t.tgfoid::bigint
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
"""
_VIEWS = """
    SELECT n.nspname, c.relname, pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
EVENTS = {4: "insert", 8: "delete", 16: "update"}  # bits of pg_trigger.tgtype


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the use of something does without a column: `breaks`, or `unknown` where words alone say so."""

    fate: Fate
    reason: str


Effects = Mapping[str, Hidden]  # by the dropped column


@dataclass(frozen=True, slots=True)
class HiddenCode:
    """What names lead to, and which events on which tables: (schema, table, event).

    `relevant` are all names that a statement must have to be of any interest, in lower case.
    """

    by_name: Mapping[str, Effects]
    by_event: Mapping[tuple[str, str, str], Effects]
    relevant: frozenset[str]


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


def read_hidden(
    whole: psycopg.Connection[Any], without: psycopg.Connection[Any], plan: Plan, columns: Iterable[str]
) -> HiddenCode:
    """Look at every function, trigger and view of the clone. Raises: psycopg.Error when it cannot be read."""
    columns = tuple(columns)
    functions = whole.execute(_FUNCTIONS).fetchall()
    views = whole.execute(_VIEWS).fetchall()
    triggers = whole.execute(_TRIGGERS).fetchall()
    table = plan.table.name
    by_oid: dict[int, dict[str, Hidden]] = {}
    on_table = {row[4] for row in triggers if row[1] == table}
    for schema, name, language, source, is_trigger, definition, oid in functions:
        body = read_body(source, language)
        found = {
            column: hidden
            for column in columns
            if (hidden := _of_body(body, f"{schema}.{name}", column, table, is_trigger, oid in on_table))
        }
        if found and definition is not None and not is_trigger:
            found = _of_sql(without, definition, found)
        if found:
            by_oid[oid] = found
    by_name = _spread(functions, views, by_oid)
    by_event: dict[tuple[str, str, str], dict[str, Hidden]] = {}
    names = {row[6]: row[1] for row in functions}
    for schema, relation, trigger, bits, oid in triggers:
        effects = by_oid.get(oid) or by_name.get(names.get(oid, "").lower(), {})
        for bit, event in EVENTS.items():
            if bits & bit and effects:
                told = {c: Hidden(h.fate, f"it fires the trigger {trigger}: {h.reason}") for c, h in effects.items()}
                _merge(by_event.setdefault((schema, relation, event), {}), told)
    relations = {key[1].lower() for key in by_event}
    called = {row[1].lower() for row in functions}
    return HiddenCode(by_name, by_event, frozenset({*called, *by_name, *relations, *_depending(whole, plan)}))


def _of_body(body: Body, name: str, column: str, table: str, is_trigger: bool, on_table: bool) -> Hidden | None:
    """What the words of a body say of the column."""
    if not body.names(column, "code", "text"):
        return None
    if is_trigger and not on_table and not body.names(table, "code", "text") and not body.outside_records(column):
        return None  # NEW and OLD are rows of another table there
    if is_trigger and on_table and body.reads_record(column):
        return Hidden("breaks", f"{name} reads the column of NEW or OLD")
    return Hidden("unknown", f"the body of {name} names the column, and is not planned with the statement")


def _of_sql(without: psycopg.Connection[Any], definition: str, found: dict[str, Hidden]) -> dict[str, Hidden]:
    """A body in SQL is parsed when its function is made: made again, and taken back, where the columns are gone."""
    try:
        with without.transaction(force_rollback=True):
            without.execute("SET TRANSACTION READ WRITE")
            without.execute(definition.encode())
    except psycopg.Error as error:
        state = error.sqlstate or "?"
        reason = f"without the column its body is refused (SQLSTATE {state})"
        return {
            column: Hidden("breaks", hidden.reason.partition(" names ")[0] + f": {reason}")
            for column, hidden in found.items()
        }
    return {}


def _spread(functions: Any, views: Any, by_oid: dict[int, dict[str, Hidden]]) -> dict[str, dict[str, Hidden]]:
    """Names with their effects, and the names of what uses them: a function that calls one, a view that does."""
    found: dict[str, dict[str, Hidden]] = {}
    for _, name, _, _, is_trigger, _, oid in functions:
        if oid in by_oid and not is_trigger:
            _merge(found.setdefault(name.lower(), {}), by_oid[oid])
    users = [(name, names_in(source), oid) for _, name, _, source, _, _, oid in functions]
    users += [(name, names_in(text), 0) for _, name, text in views]
    grown = True
    while grown:
        grown = False
        for name, used, oid in users:
            for inner in used & found.keys() - {name.lower()}:
                effects = found[inner]
                own = (
                    found.setdefault(name.lower(), {}) if not oid or oid not in by_oid else found.get(name.lower(), {})
                )
                before = dict(own)
                _merge(own, {c: Hidden(h.fate, h.reason) for c, h in effects.items()})
                grown = grown or own != before
    return {name: effects for name, effects in found.items() if effects}


def _merge(into: dict[str, Hidden], more: Mapping[str, Hidden]) -> None:
    for column, hidden in more.items():
        known = into.get(column)
        if known is None or FATES.index(hidden.fate) < FATES.index(known.fate):
            into[column] = hidden


def _depending(whole: psycopg.Connection[Any], plan: Plan) -> set[str]:
    """The table, its partitions and children, and the views over them, however far."""
    rows = whole.execute(
        """
        WITH RECURSIVE tree(oid) AS (
            SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = %s AND c.relname = %s
            UNION (WITH t AS (SELECT oid FROM tree)
                SELECT i.inhrelid FROM pg_inherits i JOIN t ON i.inhparent = t.oid
                UNION ALL SELECT i.inhparent FROM pg_inherits i JOIN t ON i.inhrelid = t.oid
                UNION ALL SELECT w.ev_class FROM pg_rewrite w
                JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                JOIN t ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid))
        SELECT c.relname FROM tree JOIN pg_class c ON c.oid = tree.oid
        """,
        [plan.table.schema_name, plan.table.name],
    )
    return {row[0].lower() for row in rows}
