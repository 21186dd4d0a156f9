"""Groups of counted rows put together within bounded memory: there are never more groups than a client and a report bear.

Where there are too many days, months are counted, then years; where there are too many statuses, those with the fewest
rows are counted together. The totals stay exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from genreq_checks.tally.periods import UNITS, Unit, period

MOST_DAYS = 5000  # almost 14 years; then months
MOST_STATUSES = 100
MOST_GROUPS = 300_000  # of one part
OTHER = "(other)"

Group = tuple[int, str | None, bool | None, str | None, int]  # part, day, split, status, packed classes
_period = lru_cache(20_000)(period)


class TooManyGroupsError(Exception):
    """There are more groups than are kept."""


class Counting:
    """The counts so far: `unit` is how long a day of theirs is, and `other` the status of those that are counted together.

    `kept` statuses, as those of the plan's cohort, are always counted under their own names. There are `parts` parts; days
    are made coarser for the number of groups only where it `may_coarsen`, for the number of days always.
    """

    def __init__(self, kept: Iterable[str], parts: int = 1, *, may_coarsen: bool = True) -> None:
        self.unit: Unit = "day"
        self.other: str | None = None
        self.rows: Counter[Group] = Counter()
        self._kept = frozenset(kept)
        self._most = MOST_GROUPS * max(1, parts)
        self._may_coarsen = may_coarsen
        self._own: frozenset[str | None] = frozenset()  # the statuses under their own names, once there are others
        self._days: set[str | None] = set()
        self._statuses: Counter[str | None] = Counter()

    def add(self, part: int, day: str | None, split: bool | None, status: str | None, code: int, rows: int) -> None:
        """Count so many rows more. Raises: TooManyGroupsError."""
        self._add((part, day, split, status, code), rows)
        while len(self._days) > MOST_DAYS and self.unit != UNITS[-1]:
            self._coarsen()
        if len(self._statuses) > 10 * MOST_STATUSES and self.other is None:
            self._merge()
        while len(self.rows) > self._most:
            self._make_room()

    def finish(self) -> None:
        """Put together the statuses that are too many for a report; nothing is added after that."""
        if len(self._statuses) > MOST_STATUSES and self.other is None:
            self._merge()

    def _add(self, group: Group, rows: int) -> None:
        part, day, split, status, code = group
        if day is not None and self.unit != "day":
            day = _period(day, self.unit)
        if self.other is not None and status not in self._own:
            status = self.other
        self.rows[part, day, split, status, code] += rows
        self._days.add(day)
        if part == 0:  # the other parts count the same rows again
            self._statuses[status] += rows

    def _make_room(self) -> None:
        if len(self._statuses) > MOST_STATUSES and self.other is None:
            self._merge()
        elif self._may_coarsen and self.unit != UNITS[-1]:
            self._coarsen()
        else:
            raise TooManyGroupsError

    def _merge(self) -> None:
        """Count all statuses but the kept ones and those with the most rows so far together, from now on too.

        A status that is merged has been counted under its name so far, and one that is not is never merged: each is exact.
        """
        self.other = OTHER
        while self.other in self._kept:
            self.other = f"({self.other})"
        ranked = sorted(self._statuses, key=lambda status: (-self._statuses[status], str(status)))
        self._own = (self._kept | {None, *ranked[:MOST_STATUSES]}) - {self.other}
        self._count_again()

    def _coarsen(self) -> None:
        self.unit = UNITS[UNITS.index(self.unit) + 1]
        self._count_again()

    def _count_again(self) -> None:
        groups, self.rows, self._statuses = self.rows, Counter(), Counter()
        self._days = set()
        for group, rows in groups.items():
            self._add(group, rows)
