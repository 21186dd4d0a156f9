"""What the rows say today: how many values a column has, and whether a dropped one follows from another in every row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Table
from genreq_checks.postgres.encoding import known_white_space
from genreq_checks.scan import url_shape
from genreq_checks.scan.facets import JSON_TYPES, as_text, is_blank
from genreq_checks.scan.fusion import relation
from genreq_checks.sources.proposal.choices import Choices

AT_ONCE = 1200  # aggregates of one statement: PostgreSQL has at most 1,664 columns
MOST_PAIRS = 600  # of a dropped column and one that stays
FEW, SHORT = 10, 40  # different values that are no coincidence; the length of a prefix or suffix
PLAIN = re.compile(r"[A-Za-z0-9._~:/?#=&%+-]*")  # a part of a URL or a code, and no words of a person
TEXTS = ("text", "character varying", "character", "citext")
COMPARED = (
    *TEXTS,
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "uuid",
    "date",
    "boolean",
    "timestamp without time zone",
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A column's rows: those that are not NULL, and of these those with content, which is more than white space or `{}`."""

    filled: int
    content: int


@dataclass(frozen=True, slots=True)
class Follows:
    """A dropped column's value is `prefix`, the other column's value, `suffix`: in every row in which it has content."""

    column: str
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """The table's rows: all of them, those of the chosen cohort, and how many of these have the chosen time."""

    rows: int
    cohort: int
    dated: int
    columns: Mapping[str, Filled]
    follows: Mapping[str, Follows]


def measure(
    connection: sa.Connection, table: Table, types: Mapping[str, str], choices: Choices, dropped: Sequence[str]
) -> Measured:
    """Read the rows: by one statement, unless there are very many columns."""
    names = [name for name in (*dropped, *choices.kept) if name in types]
    pairs = list(_pairs(types, choices, dropped))[:MOST_PAIRS]
    in_cohort: sa.ColumnElement[bool] = sa.true()
    if choices.status is not None:
        in_cohort = sa.cast(sa.column(choices.status), sa.Text).in_(choices.values)
    is_dated = sa.column(choices.time).is_not(None) if choices.time is not None else sa.false()
    wanted: list[sa.ColumnElement[Any]] = [_count(sa.true()), _count(in_cohort), _count(sa.and_(in_cohort, is_dated))]
    for name in names:
        wanted += [sa.func.count(sa.column(name)), _count(_has_content(name, types[name]))]
    for name, other in pairs:
        wanted += _compared(name, other, types)
    found: list[Any] = []
    for start in range(0, len(wanted), AT_ONCE):
        part = sa.select(*(one.label(f"c{number}") for number, one in enumerate(wanted[start : start + AT_ONCE])))
        found += connection.execute(part.select_from(relation(table)), known_white_space(connection)).one()
    rows, cohort, dated, *others = found
    counts = iter(others)
    columns = {name: Filled(next(counts), next(counts)) for name in names}
    follows: dict[str, Follows] = {}
    for name, other in pairs:
        answer = [next(counts) for _ in range(WIDTH)]
        said = _follows(other, columns[name].content, answer)
        if said is not None:
            follows.setdefault(name, said)
    return Measured(rows, cohort, dated, columns, follows)


def _pairs(types: Mapping[str, str], choices: Choices, dropped: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A dropped column and one that stays, where one may follow from the other: columns of one type come first."""
    for name in dropped:
        if types.get(name) in COMPARED:
            others = [one for one in choices.kept if types.get(one) in COMPARED]
            others.sort(key=lambda one, own=types[name]: types[one] != own)  # type: ignore[misc]
            yield from ((name, other) for other in others if types[name] in TEXTS or types[other] == types[name])


WIDTH = 8


def _compared(name: str, other: str, types: Mapping[str, str]) -> list[sa.ColumnElement[Any]]:
    """How often both are equal; how often the one contains the other, in how many rows at most, and the least and greatest
    text before and after it, where that is short.
    """
    value, source = as_text(name), as_text(other)
    same = sa.and_(_has_content(name, types[name]), value == source)
    equal = [_count(same), _different(same, source)]
    if types[name] not in TEXTS:
        return [*equal, *(sa.null() for _ in range(WIDTH - len(equal)))]
    place = sa.func.strpos(value, source)
    contains = sa.and_(_has_content(name, types[name]), source != "", place > 0)
    before = sa.case((contains, sa.func.left(value, place - 1)))
    after = sa.case((contains, sa.func.substr(value, place + sa.func.length(source))))
    short = [sa.func.left(one, SHORT + 1).collate("C") for one in (before, after)]
    bounds = [of(one) for one in short for of in (sa.func.min, sa.func.max)]
    return [*equal, _count(contains), _different(contains, source), *bounds]


def _different(condition: sa.ColumnElement[bool], source: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.distinct(sa.case((condition, sa.func.md5(source)))))


def _follows(other: str, content: int, answer: Sequence[Any]) -> Follows | None:
    equal, equal_ones, containing, different, first, last, first_after, last_after = answer
    if equal == content and equal_ones >= FEW:
        return Follows(other)
    if containing != content or different is None or different < FEW or first != last or first_after != last_after:
        return None
    parts = (first or "", first_after or "")
    plain = all(len(part) <= SHORT and PLAIN.fullmatch(part) for part in parts)
    secret = re.search(url_shape.CREDENTIALS, "x".join(parts), re.IGNORECASE)
    return Follows(other, *parts) if plain and not secret else None


def _has_content(name: str, of_type: str) -> sa.ColumnElement[bool]:
    column: sa.ColumnClause[Any] = sa.column(name)
    if of_type in TEXTS:
        return sa.and_(column.is_not(None), sa.not_(is_blank(as_text(name))))
    if of_type in JSON_TYPES:
        return sa.and_(column.is_not(None), as_text(name).not_in(("null", "{}", "[]")))
    return column.is_not(None)


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, sa.literal_column("1", sa.Integer))))
