"""Contradictions between the plan and its table, or the plan's own SQL, each with the facts that it removes.

The checks that need those facts cannot be judged. What was not read (files of rows, a snapshot of an earlier version)
contradicts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from genreq_checks.errors import near
from genreq_checks.facts import EvidenceName
from genreq_checks.facts.migrations import PlanSql, Statements
from genreq_checks.plan import Plan
from genreq_checks.plan.type_names import same_type
from genreq_checks.report import Phase
from genreq_checks.snapshot import Column, Snapshot, TableFacts

MOST_STATUSES = 24
LABEL = re.compile(r"[\w-]{1,30}")  # what looks like a status, and not like somebody's text
FactOfTheTable = Literal[
    "catalog",  # the table's columns and types
    "dependents",  # what depends on a column, recent statements included
    "rows",  # the source's rows as they are now
    "cohort",  # which rows are completed
    "values",  # the values of every row, in any status
    "key",  # the plan's key: no two rows have the same one
    "baseline",  # the baseline is of this table
    "earlier values",  # the values that the baseline counted
    "books",  # the migration tool's bookkeeping
    "forward SQL",
    "rollback SQL",
]
Fact = FactOfTheTable | EvidenceName  # what a check may need
KEY, COHORT, VALUES = frozenset[Fact]({"key"}), frozenset[Fact]({"cohort"}), frozenset[Fact]({"values"})
FORWARD, ROLLBACK = frozenset[Fact]({"forward SQL"}), frozenset[Fact]({"rollback SQL"})
REHEARSE = "Rehearse it: genreq-checks rehearse SOURCE"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One problem (a clause), its kind, what to do, and the facts that it removes: of some columns, or of all (None).

    The checks that need one of them are `unknown`; a problem that does not change what is measured is an extra `warn`.
    """

    about: Literal["key", "type", "cohort", "sql", "source"]
    problem: str
    remedy: str
    facts: frozenset[Fact]
    columns: frozenset[str] | None = None
    outcome: Literal["unknown", "warn"] = "unknown"

    def concerns(self, needs: Collection[Fact], subject: str) -> bool:
        """Does a check that needs these facts of a subject depend on a contradicted one?"""
        return not self.facts.isdisjoint(needs) and (self.columns is None or subject in self.columns)


def find_contradictions(
    plan: Plan, phase: Phase, now: Snapshot, sql: PlanSql | None = None
) -> tuple[Contradiction, ...]:
    """All contradictions between the plan and its table. The plan's SQL and types count only before the drop."""
    facts = now.table if now.table is not None and now.table.is_table else None
    found = [*_of_the_key(plan, facts), *_of_the_cohort(plan, facts, now)]
    if phase == "before":
        found += _of_the_types(plan, facts, sql)
        if sql is not None:
            found += [*_of_the_forward_sql(plan, facts, sql.forward), *_of_the_rollback_sql(plan, sql.rollback)]
    return tuple(found)


def _of_the_key(plan: Plan, facts: TableFacts | None) -> Iterator[Contradiction]:
    if facts is None:
        return
    names = [column.name for column in facts.columns]
    key, table = plan.table.key, plan.table.qualified
    remedy = "Name the columns of a unique key in the plan (table.key)."
    if not key:
        problem = f"the plan names no key of {table}, by which one row is compared with itself."
        yield Contradiction("key", problem, remedy, KEY)
        return
    missing = next((name for name in key if name not in names), None)
    if missing is not None:
        problem = f"the plan's key names '{missing}', which is not a column of {table}. {near(missing, names)}".rstrip()
        yield Contradiction("key", problem, remedy, KEY)
        return
    why = _why_not_unique(key, facts)
    if why is not None:
        known = [f"({', '.join(one.columns)})" for one in facts.unique or () if not one.nullable]
        better = f" Unique are: {', '.join(known[:5])}." if known and not _has_other_children(facts) else ""
        problem = f"no unique index proves that ({', '.join(key)}) is a key of {table}{why}."
        yield Contradiction("key", problem, f"{remedy}{better}", KEY)


def _why_not_unique(key: tuple[str, ...], facts: TableFacts) -> str | None:
    """Why a key is not proved unique and never NULL; None when it is proved, or when no index was read."""
    if facts.unique is None:
        return None
    if _has_other_children(facts):
        return f": no index covers the tables that inherit from it, such as {facts.children[0].name}"
    covering = [one for one in facts.unique if set(one.columns) <= set(key)]
    if not covering:
        return ""
    unsure = {name for one in covering for name in one.nullable}
    unsure |= {column.name for column in facts.columns if column.nullable}
    nullable = next((name for name in key if name in unsure), None)
    return None if nullable is None else f": '{nullable}' of the plan's key may be NULL"


def _has_other_children(facts: TableFacts) -> bool:
    """Are there rows that an index of the table does not cover? The partitions of a partitioned table are in its index."""
    return bool(facts.children) and facts.kind == "table"


def _of_the_cohort(plan: Plan, facts: TableFacts | None, now: Snapshot) -> Iterator[Contradiction]:
    """A value that no row can have, and a cohort without a row: in both cases a rate would count fewer rows than it should."""
    cohort = plan.cohort
    if cohort.column is None:
        return
    remedy = "Name the values that count in the plan (cohort.values)."
    column = facts.column(cohort.column) if facts else None
    for who, known in _known_values(column) if column else ():
        value = next((one for one in cohort.values if one not in known), None)
        if value is not None:
            problem = f"{who} does not allow '{value}', a value of the plan's cohort. {near(value, known)}".rstrip()
            yield Contradiction("cohort", problem, remedy, COHORT)
            return
    if now.tally is None or not now.tally.total or now.tally.of_status(cohort.values).total:
        return
    there = [status for status in now.tally.own_statuses() if status is not None]
    shown = [status for status in there if LABEL.fullmatch(status)] if len(there) <= MOST_STATUSES else []
    rows = f"0 of {now.tally.total:,} rows are of the plan's cohort ({cohort.column} is {' or '.join(cohort.values)})."
    yield Contradiction("cohort", f"{rows} {near(cohort.values[0], shown)}".rstrip(), remedy, COHORT)


def _known_values(column: Column) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What limits a column's values, in words, and the values."""
    if column.labels is not None:
        yield f"the type {column.type}", column.labels
    if column.type == "boolean":
        yield "the type boolean", ("true", "false")
    if column.allowed is not None:
        yield f"a CHECK of {column.name}", column.allowed


def _of_the_types(plan: Plan, facts: TableFacts | None, sql: PlanSql | None) -> Iterator[Contradiction]:
    """A type that is not the table's: the rollback would create another column."""
    for name, gone in plan.dropped.items():
        column = facts.column(name) if facts else None
        if column is None:
            continue
        remedy = f"Write {column.type} in the plan (dropped.{name}.type, sql.rollback)."
        if gone.type is not None and same_type(gone.type, column.type) is False:
            problem = f"the plan says that {name} is {gone.type}, but the table has {column.type}."
            yield Contradiction("type", problem, remedy, VALUES, frozenset((name,)))
            continue
        back = sql.rollback.types.get(name) if sql else None
        if back is not None and same_type(back, column.type) is False:
            problem = f"the plan's rollback SQL brings {name} back as {back}, but the table has {column.type}."
            yield Contradiction("type", problem, remedy, ROLLBACK, frozenset((name,)))


def _of_the_forward_sql(plan: Plan, facts: TableFacts | None, sql: Statements) -> Iterator[Contradiction]:
    """It must be SQL, drop every column to be dropped, and drop no column that stays."""
    the, fix = "the plan's forward SQL", "Fix it in the plan (sql.forward)."
    if sql.no_sql:
        yield Contradiction("sql", f"{the} cannot be read as SQL: {sql.no_sql}.", fix, FORWARD | VALUES)
        return
    stay = frozenset(plan.kept)
    if sql.takes_table:
        problem = f"{the} {sql.takes_table} the table {plan.table.qualified}."
        yield Contradiction("sql", problem, fix, FORWARD, stay)
    there = {column.name for column in facts.columns} if facts else set[str]()
    for name, taking in sql.takes.items():
        if name in plan.kept:
            yield Contradiction(
                "sql", f"{the} {taking} {name}, which the plan keeps.", fix, FORWARD, frozenset((name,))
            )
        elif name not in plan.dropped and name in there:
            yield Contradiction("sql", f"{the} {taking} {name}, which the plan does not name.", fix, FORWARD, stay)
    for name in sorted(sql.may_take & set(plan.kept)):
        problem = f"it is not certain whether {the} drops {name}: it is dynamic or unusual SQL."
        yield Contradiction("sql", problem, REHEARSE, FORWARD, frozenset((name,)))
    strange = [f"'{name}'" for name in sql.takes if there and name not in there]
    for name in plan.dropped:
        if sql.effects.get(name) == "gone":
            continue
        of_it = frozenset((name,))
        if sql.takes.get(name) == "renames":
            yield Contradiction("sql", f"{the} does not drop {name}: it renames {name}.", fix, FORWARD, of_it)
        elif sql.unclear:
            problem = f"it is not certain whether {the} drops {name}: it contains {sql.unclear}."
            yield Contradiction("sql", problem, REHEARSE, FORWARD, of_it)
        else:
            instead = f": it drops {', '.join(strange[:3])}, which the table does not have" if strange else ""
            problem = f"{the} does not drop {name} of {plan.table.qualified}{instead}."
            yield Contradiction("sql", problem, fix, FORWARD, of_it)


def _of_the_rollback_sql(plan: Plan, sql: Statements) -> Iterator[Contradiction]:
    """It must be SQL, and bring back every dropped column."""
    the, fix = "the plan's rollback SQL", "Fix it in the plan (sql.rollback)."
    if sql.no_sql:
        yield Contradiction("sql", f"{the} cannot be read as SQL: {sql.no_sql}.", fix, ROLLBACK)
        return
    for name in plan.dropped:
        if sql.effects.get(name) == "there":
            continue
        if sql.unclear:
            problem = f"it is not certain whether {the} brings {name} back: it contains {sql.unclear}."
            yield Contradiction("sql", problem, REHEARSE, ROLLBACK, frozenset((name,)))
        else:
            problem = f"{the} does not bring {name} back to {plan.table.qualified}."
            yield Contradiction("sql", problem, fix, ROLLBACK, frozenset((name,)))
