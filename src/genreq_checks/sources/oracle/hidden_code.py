"""Code that EXPLAIN does not see: bodies of functions, and the triggers that a statement fires.

A name (of a function, a view or a table) leads to what its use does without a column; one function may hide another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from genreq_checks.facts.queries import FATES, Fate
from genreq_checks.plan import Plan
from genreq_checks.sources.oracle.bodies import MOST, refusal, takes_all, wrapped
from genreq_checks.sources.oracle.clones import Clones
from genreq_checks.sources.oracle.routines import Routine, Trigger, names_in, read_routines, read_triggers

GENERATORS = frozenset(("graphql",))  # schemas of extensions whose functions read any table that they are asked for
_USERS = """
    SELECT n.nspname, c.relname, pg_get_viewdef(c.oid), '' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL
    SELECT n.nspname, c.relname, pg_get_constraintdef(k.oid), 'w' FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'c'
    UNION ALL
    SELECT n.nspname, c.relname, pg_get_expr(d.adbin, d.adrelid), CASE WHEN a.attgenerated = '' THEN 'd' ELSE 'w' END
    FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT n.nspname, c.relname, pg_get_indexdef(i.indexrelid), 'w' FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_RELATED = """
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
"""
_NAMES = """
    SELECT relname::text FROM pg_class WHERE relnamespace > 16383 OR relnamespace = 'public'::regnamespace
    UNION SELECT proname::text FROM pg_proc WHERE oid > 16383 UNION SELECT typname::text FROM pg_type WHERE oid > 16383
"""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the use of something does without a column: `breaks`, `changes`, or `unknown` where words alone say so."""

    fate: Fate
    reason: str


Effects = dict[str, Hidden]  # by the dropped column


@dataclass(frozen=True, slots=True)
class HiddenCode:
    """What names lead to, and which events on which tables: (schema, table, event).

    `relevant` are all names of which a statement must have one to be of any interest, in lower case.
    """

    by_name: Mapping[str, Effects]
    by_event: Mapping[tuple[str, str, str], Effects]
    relevant: frozenset[str]


def read_hidden(clones: Clones) -> HiddenCode:
    """Look at every routine, trigger and view. Raises: psycopg.Error when the clone cannot be read."""
    whole, plan = clones.whole, clones.plan
    routines, triggers = read_routines(whole), read_triggers(whole)
    related = related_names(whole, plan)
    tables = tuple(member.name.lower() for member in clones.family)
    called = {one.oid: _of_routine(clones, one, None, tables) for one in routines if not one.is_trigger}
    by_oid = {one.oid: one for one in routines}
    fired = {one: _of_routine(clones, by_oid[one.routine], one, tables) for one in triggers if one.routine in by_oid}
    for one in routines:
        if one.schema in GENERATORS:  # also as a stub, which does nothing here
            reason = f"{one.schema}.{one.name} makes statements from what it is given"
            called[one.oid] = {column: Hidden("unknown", reason) for column in clones.columns}
    hidden = _spread(whole, routines, called, fired)
    gone = _names(whole) - _names(clones.without())  # what went with the columns: views, sequences, functions
    relevant = {*hidden.relevant, *related, *gone, *hidden.by_name, *(key[1].lower() for key in hidden.by_event)}
    return HiddenCode(hidden.by_name, hidden.by_event, frozenset(relevant | {one.name.lower() for one in routines}))


def related_names(session: psycopg.Connection[Any], plan: Plan) -> frozenset[str]:
    """The names, in lower case, of the table, what is above and under it, and the views and tables with rules on it."""
    found = session.execute(_RELATED, [plan.table.schema_name, plan.table.name]).fetchall()
    return frozenset(row[0].lower() for row in found)


def _names(session: psycopg.Connection[Any]) -> set[str]:
    return {row[0].lower() for row in session.execute(_NAMES)}


def _of_routine(clones: Clones, one: Routine, trigger: Trigger | None, tables: tuple[str, ...]) -> Effects:
    """What a routine's own statements do without each column; as a trigger, on the rows of its table."""
    columns = clones.columns
    name = f"{one.schema}.{one.name}"
    if not one.is_read:
        return {
            column: Hidden("unknown", f"{name} names the column, in a language that is not read")
            for column in columns
            if column.lower() in one.names
        }
    row = trigger.type if trigger else None
    found: Effects = {}
    if one.definition is not None and not one.is_trigger and refusal(clones.whole, one.definition) is None:
        found = _refused(clones, (one.definition,), f"the body of {name}")
    ours = trigger is not None and any((trigger.schema, trigger.table) == (m.schema, m.name) for m in clones.family)
    about = {*tables, *(("new", "old") if ours else ())}
    for statement in one.statements[:MOST] if one.language == "plpgsql" else ():
        said = names_in(statement)
        if said.isdisjoint({*about, *(name for name, _ in one.records), *(column.lower() for column in columns)}):
            continue
        made = wrapped(clones.whole, one, statement, said, row)
        if refusal(clones.whole, *made) is not None:
            _merge(found, _by_words(said, columns, name))
        else:
            _merge(found, _refused(clones, made, f"a statement of {name}"))
    whole = [name for name, query in one.records if takes_all(query, tables) and not names_in(query).isdisjoint(tables)]
    of_the_table = [name for name, type_ in one.variables if type_.rpartition(".")[2].strip('"').lower() in tables]
    rows = (*tables, *whole, *of_the_table)
    for statement in one.statements[:MOST] if one.language == "plpgsql" else ():  # SQL's is in the plan or the result
        if takes_all(statement, rows) and (ours or not names_in(statement).isdisjoint(rows)):
            reason = f"a statement of {name} takes or gives all columns of a row"
            _merge(found, {column: Hidden("changes", reason) for column in columns})
    for text in one.dynamic:
        said = names_in(text)
        _merge(found, _by_words(said, columns, f"{name} puts a statement together at run time that"))
    return found


def _by_words(said: frozenset[str], columns: Iterable[str], name: str) -> Effects:
    return {
        column: Hidden("unknown", f"{name} names the column in a statement that cannot be planned apart")
        for column in columns
        if column.lower() in said
    }


def _refused(clones: Clones, made: Sequence[str], what: str) -> Effects:
    """Which columns something cannot be made without that can be made with all of them."""
    joint = refusal(clones.without(), *made)
    if joint is None:
        return {}
    found: Effects = {}
    for column in clones.columns:
        why = joint if len(clones.columns) == 1 else refusal(clones.without(column), *made)
        if why is not None:
            found[column] = Hidden("breaks", f"{what} is refused without the column (SQLSTATE {why[0]})")
    return found or {c: Hidden("breaks", f"{what} is refused (SQLSTATE {joint[0]})") for c in clones.columns}


def _spread(
    whole: psycopg.Connection[Any],
    routines: tuple[Routine, ...],
    called: dict[int, Effects],
    fired: dict[Trigger, Effects],
) -> HiddenCode:
    """Names and events with their effects, and those of what uses them, as far as it goes."""
    by_name: dict[str, Effects] = {}
    by_event: dict[tuple[str, str, str], Effects] = {}
    users = [(schema, name, names_in(text), way) for schema, name, text, way in whole.execute(_USERS).fetchall()]
    by_oid = {one.oid: one for one in routines}
    relevant: set[str] = set()
    before = -1
    while before != (before := _size(by_name, by_event)):
        events: dict[tuple[str, str], Effects] = {}
        for (_, table, event), effects in by_event.items():
            _merge(events.setdefault((event, table.lower()), {}), effects)
        for one in routines:
            if not one.is_trigger:
                own = called[one.oid]
                _merge(own, _through(one, by_name, events))
                if own:
                    _merge(by_name.setdefault(one.name.lower(), {}), own)
        for trigger, own in fired.items():
            _merge(own, _through(by_oid[trigger.routine], by_name, events))
            for event in trigger.events if own else ():
                told = {c: Hidden(h.fate, f"it fires the trigger {trigger.name}: {h.reason}") for c, h in own.items()}
                _merge(by_event.setdefault((trigger.schema, trigger.table, event), {}), told)
        for schema, name, used, way in users:
            for inner in used & by_name.keys() - {name.lower()}:
                if way == "d":  # where a default is used, it is in the plan
                    relevant.add(name.lower())
                elif way == "w":
                    for event in ("insert", "update"):
                        _merge(by_event.setdefault((schema, name, event), {}), by_name[inner])
                else:
                    _merge(by_name.setdefault(name.lower(), {}), by_name[inner])
    return HiddenCode(by_name, by_event, frozenset(relevant))


def _through(one: Routine, by_name: Mapping[str, Effects], events: Mapping[tuple[str, str], Effects]) -> Effects:
    """What a routine does by what it calls and what its statements fire."""
    found: Effects = {}
    for name in one.names & by_name.keys() - {one.name.lower()}:
        _merge(found, by_name[name])
    for write in one.writes & events.keys():
        _merge(found, events[write])
    return found


def _size(by_name: Mapping[str, Effects], by_event: Mapping[tuple[str, str, str], Effects]) -> int:
    """A number that grows whenever an effect is added or becomes worse."""
    effects = [hidden for of in (*by_name.values(), *by_event.values()) for hidden in of.values()]
    return sum(len(FATES) - FATES.index(hidden.fate) for hidden in effects)


def _merge(into: Effects, more: Mapping[str, Hidden]) -> None:
    for column, hidden in more.items():
        known = into.get(column)
        if known is None or FATES.index(hidden.fate) < FATES.index(known.fate):
            into[column] = hidden
