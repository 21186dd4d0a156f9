"""The report's numbers from the evidence: rates, derivation classes, changes, and changes since the baseline."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from genreq_checks.evidence.population import of_classes, population_of
from genreq_checks.evidence.sides import Evidence
from genreq_checks.report import DayCount, Derivation, Meanwhile, Rate, RateAmong, RateChange
from genreq_checks.tally.intervals import newcombe, rate, wilson
from genreq_checks.tally.periods import UNITS, Unit, period

SideName = Literal["before", "after", "undated", "all"]


def shown_sides(evidence: Evidence) -> tuple[SideName, ...]:
    """The sides of this report: `all` when there is only one."""
    if evidence.cutover is not None:
        return ("before", "after", "undated")
    return ("before", "after") if evidence.baseline is not None else ("all",)


def rates(evidence: Evidence) -> tuple[Rate, ...]:
    """Each kept column's population on each side that could be counted."""
    found: list[Rate] = []
    for column in evidence.plan.kept:
        for side in shown_sides(evidence):
            population = population_of(evidence, column, side)
            if isinstance(population, str):
                continue
            low, high = wilson(population.populated, population.rows) or (None, None)
            found.append(
                Rate(
                    column=column,
                    side=side,
                    **population.shown(),
                    rate=rate(population.populated, population.rows),
                    low=low,
                    high=high,
                )
            )
    return tuple(found)


def rates_among(evidence: Evidence) -> tuple[RateAmong, ...]:
    """Of the rows whose recorded message had the plan's field for a column, how many hold a value there."""
    found: list[RateAmong] = []
    for column, kept in evidence.plan.kept.items():
        match = evidence.now.messages.columns.get(column) if evidence.now.messages else None
        if match is None or match.sent is None or match.stored is None or kept.message_field is None:
            continue
        low, high = wilson(match.stored, match.sent) or (None, None)
        found.append(
            RateAmong(
                column=column,
                side="all" if len(shown_sides(evidence)) == 1 else "after",
                field=kept.message_field,
                rows=match.sent,
                populated=match.stored,
                rate=rate(match.stored, match.sent),
                low=low,
                high=high,
            )
        )
    return tuple(found)


def daily(evidence: Evidence) -> tuple[DayCount, ...]:
    """The rates' counts of each day (month, year: `period_of`); days in order of their text, rows without a time last.

    They add up to `rates`.
    """
    unit = period_of(evidence)
    found: list[DayCount] = []
    for column in evidence.plan.kept:
        for side in shown_sides(evidence):
            tally = evidence.side(side)
            if isinstance(tally, str) or not tally.has(column):
                continue
            days: dict[str | None, Counter[str]] = {}
            for day, counts in tally.count_by_day(column).items():
                days.setdefault(day and period(day, unit), Counter()).update(counts)
            for day in sorted(days, key=lambda day: (day is None, day or "")):
                found.append(DayCount(column=column, side=side, day=day, **of_classes(days[day]).shown()))
    return tuple(found)


def period_of(evidence: Evidence) -> Unit:
    """By what the rates are counted over time: days, unless a side has too many of them."""
    return max((tally.unit for tally in evidence.sides.values()), key=UNITS.index, default="day")


def derivations(evidence: Evidence) -> tuple[Derivation, ...]:
    """Each derived column's classes on each side that could be counted."""
    found: list[Derivation] = []
    for column in evidence.plan.derivations():
        for side in shown_sides(evidence):
            tally = evidence.side(side)
            if not isinstance(tally, str) and tally.has(f"derivation.{column}"):
                found.append(Derivation(column=column, side=side, **tally.count(f"derivation.{column}")))
    return tuple(found)


def changes(evidence: Evidence) -> tuple[RateChange, ...]:
    """After − before for each column, with Newcombe's interval when the sides are different rows; None when one is empty."""
    if len(shown_sides(evidence)) == 1:
        return ()
    found: list[RateChange] = []
    for column in evidence.plan.kept:
        before, after = population_of(evidence, column, "before"), population_of(evidence, column, "after")
        if isinstance(before, str) or isinstance(after, str):
            continue
        one, two = rate(before.populated, before.rows), rate(after.populated, after.rows)
        difference = None if one is None or two is None else two - one
        interval = (
            newcombe((before.populated, before.rows), (after.populated, after.rows)) if evidence.independent else None
        )
        low, high = interval or (None, None)
        found.append(RateChange(column=column, before=one, after=two, difference=difference, low=low, high=high))
    return tuple(found)


def meanwhile(evidence: Evidence) -> tuple[Meanwhile, ...]:
    """How the rows before the cutover changed since the baseline: back-filled or cleared. Exact."""
    found: list[Meanwhile] = []
    for column in evidence.plan.kept:
        then, now = population_of(evidence, column, "before"), population_of(evidence, column, "before-now")
        if "before-now" in evidence.sides and not isinstance(then, str) and not isinstance(now, str):
            found.append(
                Meanwhile(
                    column=column,
                    rows_then=then.rows,
                    rows_now=now.rows,
                    populated_then=then.populated,
                    populated_now=now.populated,
                )
            )
    return tuple(found)
