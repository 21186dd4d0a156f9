"""Row classifications as SQL expressions, and their fusion into one SELECT that reads the table once.

A facet puts each row into exactly one of a few labelled classes. Its predicates are total: nothing in them raises,
whatever the row holds, and each says what NULL does. Text is compared as bytes (`COLLATE "C"`), so that citext or a
nondeterministic collation cannot make unequal strings equal. No connection is made here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from genreq_checks import url_shape
from genreq_checks.plan import KeptColumn, Plan, UrlShape

JSON_TYPES = ("json", "jsonb")
SPLIT_LIMIT = 2**30  # codes of several facets are packed into one integer as long as it stays below this

SAFE_SUFFIX = re.compile("[A-Za-z0-9.-]+")  # what cannot make a well-formed URL malformed

POPULATION = ("null", "blank", "populated")
URL = ("null", "blank", "populated", "malformed", "credentials")
JSON = ("null", "json-null", "empty", "populated")
DERIVATION = ("none", "match", "missing", "wrong", "unexpected")
REBUILD = ("null", "same", "other")


@dataclass(frozen=True, slots=True)
class Facet:
    """One classification: its name, its classes in code order, and the expression that gives a row's code."""

    name: str
    classes: tuple[str, ...]
    code: sa.ColumnElement[int]


def as_text(column: str) -> sa.ColumnElement[str]:
    """A column's value as text that is compared byte by byte; NULL stays NULL."""
    return sa.cast(sa.column(column), sa.Text).collate("C")


def _code(
    classes: Sequence[str], cases: Iterable[tuple[sa.ColumnElement[bool], str]], otherwise: str
) -> sa.ColumnElement[int]:
    """CASE WHEN … THEN the class's place; literals instead of parameters, so that the server folds them."""
    place = {label: sa.literal_column(str(index), sa.Integer) for index, label in enumerate(classes)}
    return sa.case(*((condition, place[label]) for condition, label in cases), else_=place[otherwise])


def is_blank(text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Nothing but white space, or nothing at all (NULL gives NULL)."""
    return sa.func.btrim(text, url_shape.WHITE_SPACE) == ""


def population(column: str) -> Facet:
    """null, blank (empty or white space only) or populated, for a column of any type."""
    text = as_text(column)
    starts_visibly = sa.and_(
        text >= "!", text < "~"
    )  # the first byte is a printable ASCII character: cheap, and settles most
    cases = [(sa.column(column).is_(None), "null"), (starts_visibly, "populated"), (is_blank(text), "blank")]
    return Facet(column, POPULATION, _code(POPULATION, cases, "populated"))


def url(column: str, shape: UrlShape) -> Facet:
    """null, blank, populated (well-formed), malformed, or credentials (a password or a token in the URL).

    The cheap test comes first and settles nearly every row: a plain prefix and one negated character class. It never
    passes what the regular expressions behind it would refuse (held by a property test).
    """
    text = as_text(column)
    cases = [
        (sa.column(column).is_(None), "null"),
        (passes_cheaply(column, shape), "populated"),
        (is_blank(text), "blank"),
        (text.op("~*", is_comparison=True)(url_shape.CREDENTIALS), "credentials"),
        (text.op("~*", is_comparison=True)(url_shape.well_formed(shape)), "populated"),
    ]
    return Facet(column, URL, _code(URL, cases, "malformed"))


def passes_cheaply(column: str, shape: UrlShape) -> sa.ColumnElement[bool]:
    """Is the value surely well-formed? False says nothing yet; NULL gives NULL."""
    text = as_text(column)
    tests = [
        sa.and_(text.like(test.like), text.op("!~", is_comparison=True)(test.refused))
        for test in url_shape.cheap_tests(shape)
    ]
    return sa.or_(sa.false(), *tests)


def json_content(column: str, type_name: str) -> Facet:
    """Null (SQL NULL), json-null, empty ({} or []) or populated, for a json or jsonb column."""
    value: sa.ColumnClause[Any] = sa.column(column)
    if type_name == "jsonb":
        kind = sa.func.jsonb_typeof(value)
        empty = sa.cast(value, sa.Text).in_(("{}", "[]"))
        is_empty = sa.and_(kind.in_(("object", "array")), empty)
    else:
        kind = sa.func.json_typeof(value)
        is_empty = as_text(column).op("~", is_comparison=True)(r"^\s*(\{\s*\}|\[\s*\])\s*$")
    cases = [(value.is_(None), "null"), (kind == "null", "json-null"), (is_empty, "empty")]
    return Facet(column, JSON, _code(JSON, cases, "populated"))


def derived_from(source: str, suffix: str) -> sa.ColumnElement[str]:
    """What the plan's JavaScript derives from a column: one trailing slash off, suffix on; NULL for NULL and ''."""
    text = as_text(source)
    trimmed = sa.case((sa.func.right(text, 1) == "/", sa.func.left(text, -1)), else_=text)
    return sa.case((text != "", (trimmed + suffix)))


def derivation(column: str, source: str, suffix: str) -> Facet:
    """none, match, missing, wrong or unexpected: the stored value held against the derived one, byte by byte.

    NULL is nothing; '' is something stored, and derives nothing (JavaScript takes it for false).
    """
    stored: sa.ColumnClause[Any] = sa.column(column)
    origin = as_text(source)
    nothing_derived = sa.or_(sa.column(source).is_(None), origin == "")
    cases = [
        (sa.and_(nothing_derived, stored.is_(None)), "none"),
        (nothing_derived, "unexpected"),
        (stored.is_(None), "missing"),
        (as_text(column) == derived_from(source, suffix), "match"),
    ]
    return Facet(f"derivation.{column}", DERIVATION, _code(DERIVATION, cases, "wrong"))


def rebuild(column: str, source: str, prefix: str, suffix: str) -> Facet:
    """null, same (the plan's reconstruction gives the very value) or other, for a dropped column."""
    made = sa.literal(prefix) + as_text(source) + suffix
    same = sa.and_(sa.column(source).is_not(None), as_text(column) == made)
    cases = [(sa.column(column).is_(None), "null"), (same, "same")]
    return Facet(f"rebuild.{column}", REBUILD, _code(REBUILD, cases, "other"))


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


def derived_group(column: str, source: str, kept: Mapping[str, KeptColumn], suffix: str) -> Group:
    """A URL column, the one derived from it, and the derivation: the usual rows are settled by testing the source once.

    A source that passes its cheap test has no slash at its end, so that source + suffix is the derived value; and when
    the stored one equals it, that is as well-formed as the source. What is not settled so is classified facet by facet.
    """
    shape, own = kept[source].url, kept[column].url
    first = url(source, shape) if shape else population(source)
    second = url(column, own) if own else population(column)
    facets = (first, second, derivation(column, source, suffix))
    slow = packed([alone(facet) for facet in facets])
    if shape is None or shape != own or not SAFE_SUFFIX.fullmatch(suffix):
        return Group(facets, slow)
    nothing = sa.and_(sa.column(source).is_(None), sa.column(column).is_(None))
    match = as_text(column) == as_text(source) + suffix
    code = sa.case(
        (nothing, _joint(facets, "null", "null", "none")),
        (
            passes_cheaply(source, shape),
            sa.case(
                (sa.column(column).is_(None), _joint(facets, "populated", "null", "missing")),
                (match, _joint(facets, "populated", "populated", "match")),
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


def groups_of(plan: Plan, types: Mapping[str, str]) -> tuple[Group, ...]:
    """The plan's facets over the columns that are there and readable (`types`: name → type name in the catalog)."""
    found: list[Group] = []
    coded: set[str] = set()
    for name, (source, suffix) in plan.derivations().items():
        if name not in types or source not in types:
            continue
        if {name, source} & coded:
            found.append(alone(derivation(name, source, suffix)))
        else:
            found.append(derived_group(name, source, plan.kept, suffix))
            coded |= {name, source}
    for name, kept in plan.kept.items():
        if name in types and name not in coded:
            found.append(alone(url(name, kept.url) if kept.url else population(name)))
    for name, gone in plan.dropped.items():
        if name not in types:
            continue
        is_json = types[name] in JSON_TYPES
        found.append(alone(json_content(name, types[name]) if is_json else population(name)))
        recipe = gone.reconstruction
        if recipe and recipe.column in types:
            found.append(alone(rebuild(name, recipe.column, recipe.prefix, recipe.suffix)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Scan:
    """One SELECT over the table, and how to read its rows: `packs` gives the facets in each code column."""

    select: sa.Select[Any]
    packs: tuple[tuple[Facet, ...], ...]

    @property
    def facets(self) -> tuple[Facet, ...]:
        """The facets in the order in which `unpack` gives their codes."""
        return tuple(facet for pack in self.packs for facet in pack)

    def unpack(self, codes: Sequence[int]) -> tuple[int, ...]:
        """The class index of each facet, from the code columns of one row."""
        found: list[int] = []
        for pack, packed in zip(self.packs, codes, strict=True):
            code = packed
            for facet in pack:
                code, index = divmod(code, len(facet.classes))
                found.append(index)
        return tuple(found)


def fuse(plan: Plan, groups: Sequence[Group], cutover: datetime | None, aware: bool) -> Scan:
    """All facets in one SELECT: day, split, status, one or more codes, and the number of rows.

    `day` is completed_at's date in UTC as text (NULL when undated; infinity, BC and the year 20000 are fine as text).
    `split` says, when there is a cutover, whether the row is on or after it (NULL when undated). `aware` tells that
    the time column has a time zone. The table is named by schema and name, never found by search_path.
    """
    time: sa.ColumnClause[Any] = sa.column(plan.cohort.time)
    status: sa.ColumnClause[Any] = sa.column(plan.cohort.column)
    split: sa.ColumnElement[Any] = sa.null()
    if cutover is not None:
        moment = cutover.astimezone(UTC) if aware else cutover.astimezone(UTC).replace(tzinfo=None)
        split = time >= sa.literal(moment, sa.TIMESTAMP(timezone=aware))
    packs = _packs(groups)
    codes = [packed(pack).label(f"code_{index}") for index, pack in enumerate(packs)]
    rows = (
        sa.select(sa.cast(time, sa.Date).label("day"), split.label("split"), status.label("status"), *codes)
        .select_from(sa.table(plan.table.name, schema=plan.table.schema_name))
        .subquery("classified")
    )
    day, state = sa.cast(rows.c.day, sa.Text), sa.cast(rows.c.status, sa.Text)
    counted = [rows.c[code.name] for code in codes]
    select = sa.select(day, rows.c.split, state, *counted, sa.func.count()).group_by(
        rows.c.day, rows.c.split, rows.c.status, *counted
    )
    return Scan(select, tuple(tuple(facet for group in pack for facet in group.facets) for pack in packs))


def packed(groups: Sequence[Group]) -> sa.ColumnElement[int]:
    """The codes of some groups in one integer, the first group's the lowest digits."""
    first, *others = groups
    total, radix = first.code, first.size
    for group in others:
        total = total + group.code * sa.literal_column(str(radix), sa.Integer)
        radix *= group.size
    return total


def _packs(groups: Sequence[Group]) -> list[list[Group]]:
    packs: list[list[Group]] = []
    room = 0
    for group in groups:
        if room < group.size:
            packs.append([])
            room = SPLIT_LIMIT
        packs[-1].append(group)
        room //= group.size
    return packs
