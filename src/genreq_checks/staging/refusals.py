"""Why the columns may not be renamed away now, and what does not notice a rename: pure, from what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genreq_checks.facts import LIVE
from genreq_checks.facts.identity import compare
from genreq_checks.plan import Plan
from genreq_checks.snapshot import Snapshot
from genreq_checks.staging.family import FamilyFacts, Staged
from genreq_checks.text import line, plural, quote_name

MOST = 5  # of a kind that one message names
UNMOVED = (
    "Views, materialized views, functions with BEGIN ATOMIC, SELECT *, NEW.*, foreign keys, indexes, statistics, policies and "
    "generated columns are bound by position: they go on with the renamed column, do not notice the rename, and so say "
    "nothing about whether they need the column. A prepared SELECT * fails once (0A000), since its result has another name."
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What speaks against staging (`refused`), and what a user should know of it (`told`)."""

    refused: tuple[str, ...]
    told: tuple[str, ...]


def advise(
    plan: Plan, now: Snapshot, baseline: Snapshot | None, family: FamilyFacts, *, other_database: bool = False
) -> Advice:
    """Everything that speaks against renaming the plan's columns away."""
    refused = [*_of_another(now, baseline, other_database), *of_the_table(now, family)]
    told = [UNMOVED]
    for column in plan.dropped:
        staged = family.columns.get(column)
        if staged is None:
            refused.append(f"{column} is not in {plan.table.qualified}.")
            continue
        refused += [*_of_the_column(staged), *readers(now, column)]
        told += _known(now, column, staged)
    if now.queries is None and now.code is None:
        told.append("No statements and no code were given (--queries, --code): readers of the columns are not known.")
    if family.slots:
        slots = plural(family.slots, "logical replication slot")
        told.append(f"The database has {slots}: what reads them sees the columns under their new names.")
    return Advice(tuple(refused), tuple(told))


def _of_another(now: Snapshot, baseline: Snapshot | None, other_database: bool) -> Iterator[str]:
    if baseline is None or other_database:
        return
    comparison = compare(baseline.source.identity, now.source.identity)
    if baseline.plan_table != now.plan_table:
        yield f"the baseline is of the table {baseline.plan_table}, not of {now.plan_table}."
    elif comparison.kind == "other":
        yield f"the database is not the baseline's: {comparison.text}."
    elif comparison.kind != "same":
        yield f"it is not certain that the database is the baseline's: {comparison.text}; --other-database if it is meant."


def of_the_table(now: Snapshot, family: FamilyFacts) -> Iterator[str]:
    """What speaks against any change of the table's columns."""
    facts = now.table
    if family.publications:
        yield (
            f"the table is published ({line(family.publications)}): a rename stops its logical replication, and renaming back "
            "does not heal it. Take the table or the columns out of the publication first."
        )
    for one in (facts.subscriptions or ()) if facts else ():
        yield f"{one.name} writes the table: it stops when a column that its publisher sends is missing."
    foreign = [child.place for child in (facts.children if facts else ()) if child.is_foreign]
    if foreign:
        yield f"{line(', '.join(foreign[:MOST]))}: a foreign table under it would ask its server for the new name."


def _of_the_column(staged: Staged) -> Iterator[str]:
    name = quote_name(staged.name)
    if staged.inherited:
        yield f"{name} is inherited: name the table in which it is defined as the plan's table."
    if staged.typed:
        yield f"{name} is a column of a typed table, which cannot be renamed."
    if staged.in_identity:
        yield f"{name} is in the primary key or the replica identity: it cannot be hidden."
    if staged.refuses_null and not staged.filled:
        yield f"{name} has a domain that refuses NULL and no default: an INSERT without it would fail."
    if staged.stricter:
        yield f"{name} is NOT NULL in {', '.join(staged.stricter[:MOST])} and not above: an INSERT without it would fail there."


def readers(now: Snapshot, column: str) -> Iterator[str]:
    """What is known to use the column by its name, and would fail."""
    textual = [
        f"{one.kind} {one.name}"
        for one in now.dependents or ()
        if one.column == column and one.fate == "breaks" and one.confidence == "textual"
    ]
    if textual:
        yield f"{column} is named in {first(textual)}: it would fail at once. Change that first."
    if now.queries is not None:
        if now.queries.problem:
            yield f"the statements could not be judged: {now.queries.problem}"
        broken = [
            f"{one.source}:{one.line}" for one in now.queries.statements if one.judged.fates.get(column) == "breaks"
        ]
        if broken:
            yield f"{column} is needed by {plural(len(broken), 'known statement')} ({first(broken)})."
    if now.code is not None:
        live = [
            f"{one.file}:{one.line}"
            for one in now.code.mentions
            if one.column == column and one.cls == LIVE and one.certain
        ]
        if live:
            count = now.code.counts(column)[LIVE] - now.code.counts(column).get("possible", 0)
            yield f"{column} is used in the code in {plural(count, 'place')} ({first(live)})."


def _known(now: Snapshot, column: str, staged: Staged) -> Iterator[str]:
    """What may matter and does not speak against it."""
    if staged.takes_not_null:
        yield f"{column} is NOT NULL without a default: NOT NULL is taken away, so that an INSERT without it works."
    if staged.dependents:
        yield f"{column}: the rename is not noticed by {first(list(staged.dependents))}."
    possible = [
        f"{one.kind} {one.name}"
        for one in now.dependents or ()
        if one.column == column and one.fate == "breaks" and one.confidence == "possible"
    ]
    if possible:
        yield f"{column} may be used by {first(possible)}."


def first(names: list[str]) -> str:
    """The first names, and how many more."""
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return line(", ".join(names[:MOST])) + more
