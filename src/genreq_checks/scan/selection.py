"""Which rows stand behind a check's count, as classes of facets: counted in a tally, and listed from the table, alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from genreq_checks.plan import Claim, Plan
from genreq_checks.tally import Tally, side_of

if TYPE_CHECKING:
    import sqlalchemy as sa

CONTENT = frozenset(("populated", "malformed", "credentials", "undecodable"))
NO_CONTENT = frozenset(("null", "blank", "json-null", "empty"))
MALFORMED = frozenset(("malformed", "undecodable"))


@dataclass(frozen=True, slots=True)
class Pick:
    """The rows whose facets are of these classes, and that fulfil the condition; `label` says what is with them.

    What `where` says of a row is no class, and cannot be counted in a tally; it gets the condition that a row is of the
    cutover or later, None without one.

    `cohort` takes only rows of the cohort; `side` only those from the cutover on (after), or all others (not-after).
    Without a cutover a side takes every row.
    """

    label: str
    classes: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    cohort: bool = False
    side: Literal["any", "after", "not-after"] = "any"
    where: Callable[[sa.ColumnElement[bool] | None], sa.ColumnElement[bool]] | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """All rows behind one check (no row is in two picks), and the columns by whose values one sees why."""

    picks: tuple[Pick, ...]
    columns: tuple[str, ...]

    @property
    def facets(self) -> tuple[str, ...]:
        """The facets that are needed to tell."""
        return tuple(dict.fromkeys(facet for pick in self.picks for facet in pick.classes))


def count_picked(tally: Tally, pick: Pick, plan: Plan, cutover: datetime | None = None) -> int:
    """How many rows of a tally (of all statuses) a pick takes. Raises KeyError when a facet was not counted."""
    if pick.cohort:
        tally = tally.of_status(plan.cohort.values)
    if cutover is not None and pick.side != "any":
        after = partial(side_of, cutover=cutover, split=tally.split, read_at=None, unit=tally.unit)
        tally = tally.where(lambda row: (after(row) == "after") == (pick.side == "after"))
    classes = list(pick.classes.values())
    joint = tally.joint(*pick.classes)
    return sum(n for found, n in joint.items() if all(c in of for c, of in zip(found, classes, strict=True)))


def uncompared(claim: Claim, other: str, needs: Mapping[str, frozenset[str]]) -> Iterator[Pick]:
    """The rows whose value stands beside another that may not say the same. Where presence is enough, a malformed one."""
    yield Pick("beside a malformed one", {**needs, other: MALFORMED})
    if claim.presence_is_enough is None:
        yield Pick("not compared", {**needs, other: CONTENT - MALFORMED})
