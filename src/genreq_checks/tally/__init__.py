"""Counts of rows per day, side of the cutover, status and joint class: tiny, additive, enough for every rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from genreq_checks.errors import libraries
from genreq_checks.tally.periods import Unit, begins, day_number, day_of, period

if TYPE_CHECKING:
    import pandas as pd

Side = str  # "before", "after", "undated", "all"


class FacetClasses(BaseModel):
    """A facet's name and its classes, in the order of the codes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    classes: tuple[str, ...]


class TallyRow(NamedTuple):
    """So many rows of one day (text; None is undated), on or after the split or not, of one status and joint class.

    In a tally whose unit is a month or a year, `day` is the first of it.
    """

    day: str | None
    split: bool | None
    status: str | None
    codes: tuple[int, ...]
    rows: Annotated[int, Field(ge=0)]


class Tally(BaseModel):
    """The counts of one reading. `split` is the instant at which `TallyRow.split` was taken, if there was one.

    `unit` is what is counted by: days, or months or years where the days were too many. `other` is the status of the rows
    whose statuses were too many to count each: None when there are none.

    All facets are counted together, unless their joint classes would be too many: then `apart` has further tallies of the
    same reading, each of the same rows by other facets. A facet may be in several of them.
    Two tallies with the same facets and split add up (`+`): partitions and days need not be read together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    facets: tuple[FacetClasses, ...]
    split: datetime | None = None
    rows: tuple[TallyRow, ...]
    unit: Unit = Field("day", exclude_if=lambda unit: unit == "day")
    other: str | None = Field(None, exclude_if=lambda other: other is None)
    apart: tuple[Tally, ...] = Field((), exclude_if=lambda apart: not apart)

    @model_validator(mode="after")
    def _codes_are_classes(self) -> Tally:
        sizes = [len(facet.classes) for facet in self.facets]
        for row in self.rows:
            if len(row.codes) != len(sizes) or any(not 0 <= c < n for c, n in zip(row.codes, sizes, strict=True)):
                raise ValueError("a row of the tally names a class that no facet has")
        if any(part.total != self.total or part.apart for part in self.apart):
            raise ValueError("the parts of the tally are not of the same rows")
        return self

    @property
    def total(self) -> int:
        """All rows counted."""
        return sum(row.rows for row in self.rows)

    def has(self, facet: str) -> bool:
        """Was this facet counted?"""
        return any(f.name == facet for part in (self, *self.apart) for f in part.facets)

    def of(self, *facets: str) -> Tally:
        """The tally that counts these facets together: this one, or one of those apart. Raises KeyError."""
        for part in (self, *self.apart):
            if {facet.name for facet in part.facets}.issuperset(facets):
                return part
        raise KeyError(*facets)

    def where(self, keep: Callable[[TallyRow], bool]) -> Tally:
        """The part of the tally whose rows are kept, by their day, split and status."""
        return self.map(lambda rows: (row for row in rows if keep(row)))

    def map(self, change: Callable[[Iterable[TallyRow]], Iterable[TallyRow]]) -> Tally:
        """This tally with other rows, and so those apart."""
        apart = tuple(part.map(change) for part in self.apart)
        return self.model_copy(update={"rows": tuple(change(self.rows)), "apart": apart})

    def of_status(self, values: Iterable[str]) -> Tally:
        """The rows of the cohort: those whose status is one of the values; every row, where there are no values."""
        wanted = set(values)
        return self.where(lambda row: row.status in wanted) if wanted else self

    def count(self, facet: str) -> dict[str, int]:
        """Rows per class of one facet, every class named, also with 0. Raises KeyError for a facet not counted."""
        part = self.of(facet)
        place, classes = part._place(facet)
        counts = Counter(dict.fromkeys(classes, 0))
        for row in part.rows:
            counts[classes[row.codes[place]]] += row.rows
        return dict(counts)

    def count_by_day(self, facet: str) -> dict[str | None, dict[str, int]]:
        """`count` for the rows of each day that has rows; None has those without a time."""
        part = self.of(facet)
        place, classes = part._place(facet)
        days: dict[str | None, dict[str, int]] = {}
        for row in part.rows:
            if row.rows:
                counts = days.setdefault(row.day, dict.fromkeys(classes, 0))
                counts[classes[row.codes[place]]] += row.rows
        return days

    def filled(self, facet: str) -> int:
        """Rows in which the facet's column is not NULL; 0 for a facet that has no class for NULL."""
        counts = self.count(facet)
        return self.total - counts["null"] if "null" in counts else 0

    def joint(self, *facets: str) -> dict[tuple[str, ...], int]:
        """Rows per combination of some facets' classes; those that do not occur are left out.

        Raises KeyError for a facet that was not counted, and for facets that were counted apart.
        """
        part = self.of(*facets)
        places = [part._place(facet) for facet in facets]
        counts: Counter[tuple[str, ...]] = Counter()
        for row in part.rows:
            counts[tuple(classes[row.codes[place]] for place, classes in places)] += row.rows
        return dict(counts)

    def statuses(self) -> dict[str | None, int]:
        """Rows per status; those of `other` are of several statuses."""
        counts: Counter[str | None] = Counter()
        for row in self.rows:
            counts[row.status] += row.rows
        return dict(counts)

    @property
    def limits(self) -> tuple[str, ...]:
        """What was too many to be counted each, in words."""
        found = []
        if self.unit != "day":
            found.append(f"rows of too many days to show each: they are counted by {self.unit}.")
        if self.other is not None:
            found.append(f"too many different statuses to show each: those with few rows are counted as {self.other}.")
        return tuple(found)

    def own_statuses(self) -> tuple[str | None, ...]:
        """The statuses that were counted each."""
        return tuple(status for status in self.statuses() if self.other is None or status != self.other)

    def __add__(self, other: Tally) -> Tally:
        """The tally of both readings' rows. Raises ValueError when they do not count the same things."""
        same = self.facets == other.facets and self.split == other.split and len(self.apart) == len(other.apart)
        same = same and self.unit == other.unit and self.other is None and other.other is None
        if not same:
            raise ValueError("only tallies with the same facets, split, unit and statuses can be added")
        counts: Counter[tuple[str | None, bool | None, str | None, tuple[int, ...]]] = Counter()
        for row in (*self.rows, *other.rows):
            counts[row[:4]] += row.rows
        apart = tuple(one + two for one, two in zip(self.apart, other.apart, strict=True))
        rows = tuple(TallyRow(*key, n) for key, n in counts.items())
        return self.model_copy(update={"rows": rows, "apart": apart})

    def frame(self) -> pd.DataFrame:
        """A tidy frame: day (text), split, status, one column a facet with its class, and rows; without what is `apart`."""
        with libraries():
            import pandas as pd

        names = [facet.name for facet in self.facets]
        records = [
            (r.day, r.split, r.status, *(f.classes[c] for f, c in zip(self.facets, r.codes, strict=True)), r.rows)
            for r in self.rows
        ]
        return pd.DataFrame.from_records(records, columns=["day", "split", "status", *names, "rows"])

    def _place(self, facet: str) -> tuple[int, tuple[str, ...]]:
        for index, known in enumerate(self.facets):
            if known.name == facet:
                return index, known.classes
        raise KeyError(facet)


def side_of(
    row: TallyRow, cutover: datetime, split: datetime | None, read_at: datetime | None, unit: Unit = "day"
) -> Side | None:
    """before, after (the cutover itself is after) or undated; None when the tally cannot tell.

    A tally split at this very cutover tells by the flag. Otherwise its day (month, year) tells, unless the cutover lies
    inside of that; then the row is before it only if the whole tally was read before the cutover.
    """
    if row.day is None:
        return "undated"
    if split == cutover and row.split is not None:
        return "after" if row.split else "before"
    start = day_number(period(day_of(cutover), unit))
    here = day_number(row.day)
    if here != start:
        return "after" if here > start else "before"
    if begins(cutover, unit):
        return "after"
    if read_at is not None and read_at < cutover:
        return "before"
    return None
