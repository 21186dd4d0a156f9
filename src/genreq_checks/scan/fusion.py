"""The fusion of all facets into one SELECT that reads the table once and counts the rows by their joint class."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Plan, Table
from genreq_checks.scan.facets import Columns, Facet, as_text, derivation, derivation_name, derived_from, passes_cheaply
from genreq_checks.scan.fingerprints import Marked, Marking
from genreq_checks.tally import FacetClasses, Tally, TallyRow
from genreq_checks.tally.counting import Counting

MOST_TOGETHER = 100_000  # joint classes of all facets, beyond which they are counted apart
PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}
YEARS = (-62_135_596_800, 253_402_300_800)  # the seconds since 1970 of the first of January of the years 1 and 10000
SAFE_SUFFIX = re.compile("[A-Za-z0-9.-]+")  # what cannot make a well-formed URL malformed


@dataclass(frozen=True, slots=True)
class Group:
    """Facets that are coded together: `code` is their mixed-radix number, the first facet's class the lowest digit."""

    facets: tuple[Facet, ...]
    code: sa.ColumnElement[int]

    @property
    def size(self) -> int:
        """How many codes there are."""
        return math.prod(len(facet.classes) for facet in self.facets)


def alone(facet: Facet) -> Group:
    """A group of one."""
    return Group((facet,), facet.code)


def derived_group(plan: Plan, first: Facet, second: Facet, third: Facet) -> Group:
    """A URL column, the one derived from it, and the derivation: the usual rows are settled by testing the source once.

    When the stored value equals the one derived from a source that passes its cheap test, it is as well-formed as the source.
    Most sources have no slash at the end, so that source + suffix is the derived value: to compare that is cheaper than
    to derive. A source with one gives a value in which '/' + suffix occurs, and a long text is searched for such a text
    faster than for one character at its end. What is not settled so is classified facet by facet.
    """
    source, column = first.name, second.name
    shape, own = plan.kept[source].url, plan.kept[column].url
    _, suffix = plan.derivations()[column]
    facets = (first, second, third)
    slow = packed([alone(facet) for facet in facets])
    if shape is None or shape != own or not SAFE_SUFFIX.fullmatch(suffix):
        return Group(facets, slow)
    nothing = sa.and_(sa.column(source).is_(None), sa.column(column).is_(None))
    text = as_text(source)
    match = sa.and_(as_text(column) == text + suffix, sa.func.strpos(as_text(column), "/" + suffix) == 0)
    matched = _joint(facets, "populated", "populated", "match")
    code = sa.case(
        (nothing, _joint(facets, "null", "null", "none")),
        (
            passes_cheaply(source, shape),
            sa.case(
                (sa.column(column).is_(None), _joint(facets, "populated", "null", "missing")),
                (match, matched),
                (as_text(column) == derived_from(source, suffix), matched),
                else_=slow,
            ),
        ),
        else_=slow,
    )
    return Group(facets, code)


def _joint(facets: Sequence[Facet], *labels: str) -> sa.ColumnElement[int]:
    total, radix = 0, 1
    for facet, label in zip(facets, labels, strict=True):
        total += facet.classes.index(label) * radix
        radix *= len(facet.classes)
    return sa.literal_column(str(total), sa.Integer)


def groups_of(plan: Plan, facets: Iterable[Facet]) -> tuple[Group, ...]:
    """The facets, each once; a derivation is coded together with its two columns.

    Two columns that are compared by a derivation are coded with it whether or not it was asked for: it settles the usual
    row of the derived one for less than that one's own test.

    Raises: ValueError for two facets of one name that have other classes.
    """
    named: dict[str, Facet] = {}
    for facet in facets:
        if named.setdefault(facet.name, facet).classes != facet.classes:
            raise ValueError(f"two facets are called {facet.name}")
    found: list[Group] = []
    for column, (source, suffix) in plan.derivations().items():
        if source in named and column in named:
            third = named.pop(derivation_name(column), derivation(column, source, suffix))
            found.append(derived_group(plan, named.pop(source), named.pop(column), third))
    return (*found, *map(alone, named.values()))


Parts = tuple[tuple[Group, ...], ...]


def ways_to_count(groups: Sequence[Group], together: Iterable[frozenset[str]]) -> Iterator[Parts]:
    """The ways to part the groups, the fastest first: all in one part, unless the joint classes may be too many; and
    apart, by which the counts are fewest.

    Every facet is in a part, and facets that are to be counted `together` (those of them that there are) are in one part.
    A group may be in several parts.
    """
    if math.prod(group.size for group in groups) <= MOST_TOGETHER:
        yield (tuple(groups),) if groups else ()
    place = {facet.name: number for number, group in enumerate(groups) for facet in group.facets}
    wanted = [frozenset(place[name] for name in names if name in place) for names in together]
    wanted += [frozenset((number,)) for number in range(len(groups))]
    parts: list[frozenset[int]] = []
    for one in sorted(wanted, key=len, reverse=True):
        if not any(one <= part for part in parts):
            parts.append(one)
    yield tuple(tuple(groups[number] for number in sorted(part)) for part in parts)


Since = sa.ColumnElement[bool] | None


@dataclass(frozen=True, slots=True)
class Probe:
    """One read of the rows that does not add up over parts of a table, such as how many different values there are.

    `select` gets where the rows are read from, and the condition that a row is of the cutover or later: None without a
    cutover, NULL for an undated row. It gives numbers, times and truth values, never a value of a user's. A probe is read
    when all of its `columns` can be.
    """

    name: str
    columns: tuple[str, ...]
    select: Callable[[sa.FromClause, Since], sa.Select[Any]]


@dataclass(frozen=True, slots=True)
class Needs:
    """What is to be read of the rows. None as `facets`: they need not be counted.

    Facets that are to be counted `together` may not be counted apart. `fingerprints` tells that they are needed, where
    there is something to compare them with.
    """

    facets: Callable[[Columns], Iterable[Facet]] | None
    together: tuple[frozenset[str], ...] = ()
    probes: tuple[Probe, ...] = ()
    fingerprints: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """One SELECT over the table, and how to read its rows: `parts` has the facets in each code column.

    Where there are several parts, each row is of one of them and has NULL as the code of the others. Behind the codes
    come the aggregates of the fingerprints, where there are some.
    """

    select: sa.Select[Any]
    parts: tuple[tuple[Facet, ...], ...]

    def tally(
        self,
        rows: Iterable[Sequence[Any]],
        split: datetime | None,
        counting: Counting | None = None,
        marking: Marking | None = None,
    ) -> Tally:
        """The counts in the SELECT's rows; their fingerprints are added to `marking`. Raises: TooManyGroupsError."""
        counting = counting or Counting((), len(self.parts))
        for day, after, status, count, *others in rows:
            codes = others[: len(self.parts)]
            part = next((n for n, code in enumerate(codes) if code is not None), 0)
            counting.add(part, day, after, status, codes[part] if codes else 0, count)
            if marking is not None and part == 0:  # the other parts are of the same rows
                covered, *marks = others[len(self.parts) :]
                marking.add(day, status, covered, count, marks, counting.unit)
        counting.finish()
        found: list[list[TallyRow]] = [[] for _ in self.parts] or [[]]
        unpacked = cache(self._unpacked)
        for (part, day, after, status, code), count in counting.rows.items():
            found[part].append(TallyRow(day, after, status, unpacked(part, code), count))
        first, *others = (
            Tally(
                facets=tuple(FacetClasses(name=facet.name, classes=facet.classes) for facet in facets),
                split=split,
                rows=tuple(some),
                unit=counting.unit,
                other=counting.other,
            )
            for facets, some in zip(self.parts or ((),), found, strict=True)
        )
        return first.model_copy(update={"apart": tuple(others)})

    def _unpacked(self, part: int, code: int) -> tuple[int, ...]:
        """The class index of each facet of a part."""
        found: list[int] = []
        for facet in self.parts[part] if self.parts else ():
            code, index = divmod(code, len(facet.classes))
            found.append(index)
        return tuple(found)


def fuse(
    plan: Plan,
    parts: Sequence[Sequence[Group]],
    cutover: datetime | None,
    aware: bool,
    origin: sa.FromClause | None = None,
    sendable: str | None = None,
    marked: Marked | None = None,
) -> Scan:
    """All facets in one SELECT, which reads the table once: day, split, status, the rows, a code for each part, and the
    aggregates of what is `marked`, with whether they cover the rows.

    `day` is completed_at's date in UTC as text (NULL when undated; infinity, BC and the year 20000 are fine as text).
    `split` says, when there is a cutover, whether the row is on or after it (NULL when undated). `aware` tells that
    the time column has a time zone. The table is named by schema and name, never found by search_path; `origin` is another
    place to read the rows from. `sendable` is the regular expression of the statuses that the server can send, where there
    are others.
    """
    time, column = time_of(plan), plan.cohort.column
    status: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text) if column is None else sa.column(column)
    split: sa.ColumnElement[Any] = sa.null() if cutover is None else on_or_after(plan, cutover, aware)
    codes = [packed(part).label(f"code_{index}") for index, part in enumerate(parts)]
    marks = [] if marked is None else [not_later(plan, marked.until, aware).label("covered"), *marked.inputs()]
    rows = (
        sa.select(sa.cast(time, sa.Date).label("day"), split.label("split"), status.label("status"), *codes, *marks)
        .select_from(origin if origin is not None else relation(plan.table))
        .subquery("classified")
    )
    day = sa.cast(rows.c.day, sa.Text)
    state: sa.ColumnElement[str] = sa.cast(rows.c.status, sa.Text)
    if sendable is not None:
        plain = sa.or_(state.is_(None), state.collate("C").regexp_match(sendable))
        state = sa.case((plain, state), else_=sa.literal_column("'(undecodable)'", sa.Text))
    counted = [rows.c[code.name] for code in codes]
    common = [rows.c.day, rows.c.split, rows.c.status]
    select = sa.select(day, rows.c.split, state, sa.func.count(), *counted)
    if marked is not None:
        common.append(rows.c.covered)
        select = select.add_columns(rows.c.covered, *marked.aggregates(rows.c, rows.c.covered))
    if len(counted) > 1:
        select = select.group_by(sa.func.grouping_sets(*(sa.tuple_(*common, code) for code in counted)))
    else:
        select = select.group_by(*common, *counted)
    return Scan(select, tuple(tuple(facet for group in part for facet in group.facets) for part in parts))


def relation(table: Table, *columns: str) -> sa.TableClause:
    """The plan's table in a statement, with some of its columns; `postgres.catalog.quoted` is the same for psycopg."""
    return sa.table(table.name, *map(sa.column, columns), schema=table.schema_name)


def time_of(plan: Plan) -> sa.ColumnElement[Any]:
    """The time of a row, NULL where the plan has none. Nothing in it raises: an integer that is no time of the years 1 to
    9999 gives NULL.
    """
    cohort = plan.cohort
    if cohort.time is None:
        return sa.cast(sa.null(), sa.TIMESTAMP)
    column: sa.ColumnClause[Any] = sa.column(cohort.time)
    if cohort.epoch is None:
        return column
    in_a_second = PER_SECOND[cohort.epoch]
    first, last = (sa.literal_column(str(second * in_a_second), sa.BigInteger) for second in YEARS)
    unit: sa.ColumnElement[Any] = sa.literal_column(f"CAST('1 {cohort.epoch.removesuffix('s')}' AS interval)")
    at = sa.literal_column("CAST('1970-01-01' AS timestamp)", sa.TIMESTAMP) + column * unit
    return sa.case((sa.and_(column >= first, column < last), at))


def in_cohort(plan: Plan) -> sa.ColumnElement[bool]:
    """Is the row in the plan's cohort? NULL when it has no status."""
    if plan.cohort.column is None:
        return sa.true()
    return sa.cast(sa.column(plan.cohort.column), sa.Text).in_(plan.cohort.values)


def on_or_after(plan: Plan, cutover: datetime, aware: bool) -> sa.ColumnElement[bool]:
    """Is the row's time the cutover or later (NULL when it has none)?"""
    return time_of(plan) >= _instant(cutover, aware)


def not_later(plan: Plan, moment: datetime, aware: bool) -> sa.ColumnElement[bool]:
    """Is the row's time not later than an instant (NULL when it has none)? Every row is, where the plan has no time."""
    if plan.cohort.time is None:
        return sa.true()
    return time_of(plan) <= _instant(moment, aware)


def _instant(moment: datetime, aware: bool) -> sa.ColumnElement[datetime]:
    at = moment.astimezone(UTC) if aware else moment.astimezone(UTC).replace(tzinfo=None)
    return sa.literal(at, sa.TIMESTAMP(timezone=aware))


def packed(groups: Sequence[Group]) -> sa.ColumnElement[int]:
    """The codes of some groups in one integer, the first group's the lowest digits."""
    first, *others = groups
    total, radix = first.code, first.size
    for group in others:
        total = total + group.code * sa.literal_column(str(radix), sa.Integer)
        radix *= group.size
    return total
