"""Functions, procedures and triggers that need a column: by the words of their bodies, by whole rows, by arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.snapshot import Dependent
from genreq_checks.sources.function_bodies import Body, read_body, whole_word
from genreq_checks.sources.whole_rows import whole_row

# Every body is counted, but only one that may be about the table or a column is fetched. A BEGIN ATOMIC body has no
# text, and its dependencies are in pg_depend; PostgreSQL 13 has no pg_proc.prosqlbody that would identify it.
_BODIES = sa.text("""
    WITH family AS (SELECT c.oid, c.reltype, t.typarray FROM pg_catalog.pg_class c
                    LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype WHERE c.oid = ANY (CAST(:tree AS oid[]))),
    bodies AS (
        SELECT p.*, l.lanname AS language,
               EXISTS (SELECT FROM family f CROSS JOIN LATERAL unnest(ARRAY[f.reltype, f.typarray]) AS own(type)
                       WHERE own.type IN (SELECT coalesce(nullif(d.typbasetype, 0), d.oid) FROM pg_catalog.pg_type d
                           WHERE d.oid = p.prorettype OR d.oid = ANY (coalesce(p.proallargtypes, p.proargtypes::oid[]))))
                   AS takes_row,
               ARRAY(SELECT format('%I on %s', t.tgname, t.tgrelid::regclass) FROM pg_catalog.pg_trigger t
                     WHERE t.tgfoid = p.oid AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'D'
                       AND t.tgrelid IN (SELECT oid FROM family) ORDER BY 1) AS triggers
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE l.lanname NOT IN ('c', 'internal') AND p.prosrc <> ''
          AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
    SELECT (pg_catalog.pg_identify_object('pg_proc'::regclass, b.oid, 0)).identity AS name, b.language,
           CASE WHEN b.takes_row OR b.triggers <> '{}' OR position('u&' IN lower(b.prosrc)) > 0
                  OR EXISTS (SELECT FROM unnest(CAST(:words AS text[])) w
                             WHERE position(lower(w) IN lower(b.prosrc)) > 0 OR w = ANY (b.proargnames))
                THEN b.prosrc END AS source, coalesce(b.proargnames::text[], '{}') AS arguments,
           CASE b.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind, b.takes_row, b.triggers,
           b.prorettype = 'trigger'::regtype AS is_trigger,
           b.prorettype = 'record'::regtype AND b.proretset AS returns_table
    FROM bodies b ORDER BY 1
""")
_ARGUMENTS = sa.text("""
    SELECT format('%I on %s', t.tgname, t.tgrelid::regclass) AS name, p.prosrc AS source, l.lanname AS language,
           p.oid::regprocedure::text AS routine, t.tgrelid = ANY (CAST(:tree AS oid[])) AS is_own, t.tgargs AS arguments
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE t.tgnargs > 0 AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'D' ORDER BY 1
""")
_SEQUENCES = sa.text("""
    SELECT a.attname::text AS col, s.relname::text AS name FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      AND d.refobjid = ANY (CAST(:tree AS oid[])) AND a.attname::text = ANY (CAST(:columns AS text[])) AND d.refobjsubid > 0
""")


@dataclass(frozen=True, slots=True)
class Bodies:
    """What was found in bodies, and how many were counted."""

    found: tuple[Dependent, ...]
    count: int


def read_bodies(connection: sa.Connection, plan: Plan, tree: Sequence[int], present: Sequence[str]) -> Bodies:
    """The functions, procedures and triggers that name a dropped column or take whole rows of the table.

    `present` are the columns that the table still has: without them a whole row cannot lose any.
    """
    names, of = list(plan.dropped), {"tree": list(tree)}
    sequences: dict[str, list[str]] = {}
    for row in connection.execute(_SEQUENCES, of | {"columns": list(present)}):
        sequences.setdefault(row.col, []).append(row.name)
    words = [*names, plan.table.name, *(name for owned in sequences.values() for name in owned)]
    rows = connection.execute(_BODIES, of | {"words": words}).all()
    found: list[Dependent] = []
    for row in rows:
        if row.source is not None:
            body = read_body(row.source, row.language)
            for name in names:
                by_name = list(_of_body(row, body, name, plan, sequences.get(name, ())))
                found += by_name
                if name in present and not any(one.fate == "breaks" for one in by_name):
                    found += _unnamed(row, body, name, plan)
    for row in connection.execute(_ARGUMENTS, of):
        found += [one for name in names if (one := _of_arguments(row, name, plan)) is not None]
    return Bodies(tuple(found), len(rows))


def _of_body(row: sa.Row[Any], body: Body, column: str, plan: Plan, sequences: Sequence[str]) -> Iterator[Dependent]:
    """The fate of a function whose body may name the column, and of the table's triggers that run it."""
    named = body.names(column, "code", "text") or column in row.arguments
    about_table = body.names(plan.table.name, "code", "text") or row.takes_row or bool(row.triggers)
    common = {"column": column, "kind": row.kind, "name": row.name}
    if not named:
        of_sequence = next((name for name in sequences if body.names(name, "code", "text")), None)
        if of_sequence:
            detail = f"Its body names the sequence {of_sequence}, which is dropped with the column."
            yield Dependent(**common, fate="breaks", confidence="textual", detail=detail)
        elif body.names(column, "comment"):
            detail = "Only a comment in it names the column."
            yield Dependent(**common, fate="fine", confidence="possible", detail=detail)
        return
    if row.is_trigger and not about_table and not body.outside_records(column) and not body.names(column, "text"):
        detail = "It reads the column from NEW or OLD, but no enabled trigger of this table runs it."
        yield Dependent(**common, fate="fine", confidence="possible", detail=detail)
        return
    in_code = body.names(column, "code") or (body.names(column, "text") and body.runs_text)
    sure = about_table and in_code
    where = (
        "Its body names the column and the table."
        if sure
        else "Its body has the column's name, but may use another column."
    )
    if row.triggers and body.reads_record(column):
        where = f"Its body reads NEW.{column} or OLD.{column}."
    yield Dependent(**common, fate="breaks", confidence="textual" if sure else "possible", detail=where)
    for trigger in row.triggers if sure else ():
        detail = f"It runs {row.name}, which names {column}: without the column every statement that fires it fails."
        yield Dependent(column=column, kind="trigger", name=trigger, fate="breaks", confidence="textual", detail=detail)


def _unnamed(row: sa.Row[Any], body: Body, column: str, plan: Plan) -> Iterator[Dependent]:
    """A body that does not name the column but uses whole rows of the table, or builds a name when it runs."""
    of_trigger = bool(row.triggers)
    used = whole_row(body, plan.table.name, of_trigger=of_trigger)
    about_table = of_trigger or row.takes_row or body.names(plan.table.name, "code", "text")
    fate: Literal["breaks", "changes"] = "breaks"
    if about_table and body.builds_text:
        detail = "It is about the table and runs text that it builds, which may name the column."
    elif used is not None:
        fate = "breaks" if row.returns_table and used.what == "all columns by *" else used.fate
        detail = f"Its body uses {used.what}, and so the column, without naming it."
    elif row.takes_row:
        fate, detail = "changes", "Its arguments or its result are rows of the table, which lose the column."
    else:
        return
    for kind, name in ((row.kind, row.name), *(("trigger", one) for one in row.triggers)):
        yield Dependent(column=column, kind=kind, name=name, fate=fate, confidence="possible", detail=detail)


def _of_arguments(row: sa.Row[Any], column: str, plan: Plan) -> Dependent | None:
    """A trigger that is given the column's name as an argument, as tsvector_update_trigger is."""
    given = [one.decode("utf-8", "replace") for one in bytes(row.arguments).split(b"\0")]
    if not any(whole_word(column).search(one) for one in given):
        return None
    body = read_body(row.source, row.language)
    about_table = any(whole_word(plan.table.name).search(one) for one in given) or body.names(
        plan.table.name, "code", "text"
    )
    if not row.is_own and not about_table:
        return None
    sure = row.is_own and column in given and row.language in ("c", "internal")
    detail = f"It gives the column's name to {row.routine} as an argument."
    return Dependent(
        column=column,
        kind="trigger",
        name=row.name,
        fate="breaks",
        confidence="textual" if sure else "possible",
        detail=detail,
    )
