"""A column's population on one side: the numbers behind a rate, from the evidence, never from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genreq_checks.evidence.sides import Evidence
from genreq_checks.snapshot import Snapshot
from genreq_checks.tally import Side, Tally
from genreq_checks.text import quote_name


@dataclass(frozen=True, slots=True)
class Population:
    """Rows of the cohort on one side, by class. rows = null + blank + populated; the other classes are populated too.

    A URL is malformed when it holds credentials or cannot be decoded, too. `undecodable` is None where each value can be.
    """

    rows: int
    populated: int
    null: int
    blank: int
    malformed: int
    credentials: int
    undecodable: int | None = None

    def shown(self) -> dict[str, int]:
        """The numbers as the report's tables have them."""
        return {name: getattr(self, name) for name in ("rows", "populated", "null", "blank", "malformed")}

    def evidence(self) -> dict[str, int]:
        """The numbers as a finding has them."""
        names = ("rows", "populated", "null", "blank", "malformed", "credentials")
        found = {name: getattr(self, name) for name in names}
        return found if self.undecodable is None else found | {"undecodable": self.undecodable}


def count(tally: Tally, column: str) -> Population:
    """The population of a column in a tally. Raises KeyError when the column was not counted."""
    return of_classes(tally.count(column))


def of_classes(counts: Mapping[str, int]) -> Population:
    """The population of rows, given the number of rows in each class."""
    rows = sum(counts.values())
    credentials, undecodable = counts.get("credentials", 0), counts.get("undecodable")
    malformed = counts["malformed"] + credentials + (undecodable or 0) if "malformed" in counts else 0
    null, blank = counts["null"], counts["blank"]
    return Population(rows, rows - null - blank, null, blank, malformed, credentials, undecodable)


def population_of(evidence: Evidence, column: str, side: Side) -> Population | str:
    """The population of a column on a side, or the reason why it is not known."""
    tally = evidence.side(side)
    if isinstance(tally, str):
        return tally
    if not tally.has(column):
        return not_counted(evidence, column, side)
    return count(tally, column)


def not_in_baseline(baseline: Snapshot, column: str) -> str:
    """Why a baseline says nothing about a column."""
    problem = baseline.problem("tally")
    return problem.text if problem else f"the baseline {baseline.source.location} did not count {column}."


def not_counted(evidence: Evidence, facet: str, side: Side) -> str:
    """Why an existing tally does not have a facet: its column does not exist, or the role may not read it."""
    snapshot = evidence.baseline if side == "before" and evidence.baseline else evidence.now
    column = facet
    if facet.startswith("follows."):
        own = facet.removeprefix("follows.")
        other, _ = evidence.plan.comparisons()[own]
        if snapshot.tally and snapshot.tally.has(own) and snapshot.tally.has(other):
            return f"{snapshot.source.location} was read by another plan or version, which did not compare {own} with {other}."
        column = other if snapshot.tally and snapshot.tally.has(own) else own
    found = snapshot.table.column(column) if snapshot.table else None
    if found is None:
        return f"{snapshot.plan_table} has no column '{column}'."
    if not found.privilege:
        grant = f"GRANT SELECT ({quote_name(column)}) ON {evidence.plan.table.in_sql}"
        return f"the role may not read {snapshot.plan_table}.{column}; {grant} to it."
    return f"{snapshot.source.location} was read without counting '{column}'."
