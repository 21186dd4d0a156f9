"""Doubts about the source itself: a standby that may be late, an unlogged table, rows stored or written elsewhere.

Each is in the report, and judged: the checks that depend on it are unknown, or warn. The same holds for evidence in a
snapshot that was read for another plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from genreq_checks.evidence.contradictions import VALUES, Contradiction, Fact
from genreq_checks.plan import Plan
from genreq_checks.report import Phase
from genreq_checks.snapshot import Snapshot, TableFacts
from genreq_checks.text import plural

OF_THE_SOURCE = frozenset[Fact]({"catalog", "rows", "key", "books"})
OF_USE = frozenset[Fact]({"dependents"})
OF_THE_PAST = frozenset[Fact]({"earlier values"})


def find_doubts(
    plan: Plan, phase: Phase, now: Snapshot, baseline: Snapshot | None, max_lag: float | None
) -> tuple[Contradiction, ...]:
    """Everything about the source and the baseline that weakens a measurement. `max_lag` is in seconds."""
    found = [*_of_a_standby(plan, phase, now, max_lag), *_of_a_late_baseline(phase, baseline, max_lag)]
    if phase == "before" and now.table is not None:
        found += [*_of_unlogged_rows(now.table), *_of_subscriptions(now.table)]
    return tuple(found)


def _of_a_standby(plan: Plan, phase: Phase, now: Snapshot, max_lag: float | None) -> Iterator[Contradiction]:
    """Before the drop every value counts, so a lag must be allowed explicitly. After it, a standby that is not known to
    be late is judged by what it shows: the report says how late that may be.
    """
    state, before = now.source.recovery, phase == "before"
    if state is None:
        return
    doubt = state.doubt(max_lag, needed=before)
    late = state.doubt(max_lag, needed=False) is not None
    if doubt is not None:
        counted_here = frozenset(name for name in plan.dropped if now.tally and now.tally.has(name))
        if before or late:
            facts = (VALUES | OF_USE if before else frozenset()) | (OF_THE_SOURCE if late else frozenset())
            yield Contradiction("source", *doubt, facts)
        if not before:
            yield Contradiction("source", *doubt, VALUES, counted_here)


def _of_a_late_baseline(phase: Phase, baseline: Snapshot | None, max_lag: float | None) -> Iterator[Contradiction]:
    """The baseline counts the values that were dropped: values that a late standby did not have yet are missing from it."""
    state = baseline.source.recovery if baseline else None
    doubt = state.doubt(max_lag, needed=True) if state else None
    if doubt is not None and phase != "before":
        remedy = "Take it from the primary server, or allow the lag: --max-lag SECONDS, or max_lag in the plan."
        yield Contradiction("source", f"of the baseline: {doubt[0]}", remedy, OF_THE_PAST)


def _of_unlogged_rows(facts: TableFacts) -> Iterator[Contradiction]:
    unlogged = _unlogged(facts)
    if unlogged:
        problem = f"{unlogged[0]} is unlogged: a server crash empties it, and then only later rows are counted."
        remedy = "Make sure that no rows are missing, or make it permanent first: ALTER TABLE … SET LOGGED."
        yield Contradiction("source", problem, remedy, VALUES, outcome="warn")


def _of_subscriptions(facts: TableFacts) -> Iterator[Contradiction]:
    for one in facts.subscriptions or ():
        remedy = "Check the publisher, which has the original rows."
        if one.ready:
            problem = f"The rows come from the publisher of {one.name}: how far behind they are is not known."
            yield Contradiction("source", problem, remedy, VALUES, outcome="warn")
        else:
            problem = (
                f"the rows come from the publisher of {one.name}, and its first copy of the table is not complete."
            )
            yield Contradiction("source", problem, remedy, VALUES)


def find_stale(plan: Plan, now: Snapshot, cutover: datetime | None) -> Iterator[Contradiction]:
    """Evidence in a snapshot that was read under another plan or cutover: it does not answer for this one."""
    for name, under in now.read_under.items():
        option = f"--{name.replace('_', '-')}"
        if under.plan != plan.fingerprint:
            problem = f"the snapshot's {option} was read under another plan ({under.plan}, now {plan.fingerprint})."
        elif under.by_cutover and under.cutover != cutover:
            when = f"with the cutover {under.cutover:%Y-%m-%d %H:%M} UTC" if under.cutover else "without a cutover"
            problem = f"the snapshot's {option} was read {when}."
        else:
            continue
        yield Contradiction("source", problem, f"Read them again: {option}.", frozenset[Fact]({name}))


def source_notes(now: Snapshot) -> Iterator[str]:
    """Notes on a table whose rows are not all stored, or not all written, on this server."""
    facts = now.table
    if facts is None:
        return
    foreign = [child for child in facts.children if child.is_foreign]
    if foreign:
        names = ", ".join(child.place for child in foreign[:5])
        more = f" and {len(foreign) - 5:,} more" if len(foreign) > 5 else ""
        stand = f"{plural(len(foreign), 'partition or child', 'partitions or children')} of {now.plan_table}"
        yield f"{stand} on another server: {names}{more}. Their rows are read from there, at another instant."
    unlogged = _unlogged(facts)
    if unlogged:
        yield f"Unlogged, so a server crash empties it and a standby does not have its rows: {', '.join(unlogged[:5])}."
    for one in facts.subscriptions or ():
        yield f"The rows of {now.plan_table} are written by {one.name}, from another server."


def _unlogged(facts: TableFacts) -> list[str]:
    """The names of the unlogged ones among the table and its partitions and children."""
    own = [f"{facts.schema_name}.{facts.name}"] if facts.unlogged else []
    return own + [child.name for child in facts.children if child.unlogged]
