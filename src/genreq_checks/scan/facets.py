"""Row classifications as SQL expressions; `fusion` fuses them into one SELECT.

A facet puts each row into exactly one of a few labelled classes. Its predicates are total: nothing in them raises,
whatever the row holds, and each says what NULL does. Text is compared as bytes (`COLLATE "C"`), so that citext or a
nondeterministic collation cannot make unequal strings equal. No connection is made here.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Comparison, KeptColumn, Plan, UrlShape
from genreq_checks.scan import url_shape

JSON_TYPES = ("json", "jsonb")

WHITE_SPACE = "white_space"
UNDECODABLE = "undecodable"  # a value that has no form in UTF-8, in a database whose encoding allows such
POPULATION = ("null", "blank", "populated")
URL = ("null", "blank", "populated", "malformed", "credentials")
JSON = ("null", "json-null", "empty", "populated")
DERIVATION = ("none", "match", "missing", "wrong", "unexpected")
ALLOWED = ("none", "allowed", "other")
REBUILD = ("null", "same", "other")

BOOLEAN = {
    True: ("t", "true", "y", "yes", "on", "1"),
    False: ("f", "false", "n", "no", "off", "0"),
}  # as PostgreSQL reads
UPPER, LOWER = string.ascii_uppercase, string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class Facet:
    """One classification: its name, its classes in code order, and the expression that gives a row's code."""

    name: str
    classes: tuple[str, ...]
    code: sa.ColumnElement[int]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that are there and can be read: the type of each, by name, as the catalog writes it.

    `decodable` is the regular expression of the values that have a form in UTF-8, where not all have one.
    """

    types: Mapping[str, str]
    decodable: str | None = None

    def __contains__(self, name: object) -> bool:
        return name in self.types


def content_of(plan: Plan, columns: Columns, names: Iterable[str]) -> list[Facet]:
    """What columns of the plan hold, of those that can be read: a URL's classes, JSON's, or any value's."""
    return [_content(plan, columns, name) for name in names if name in columns]


def _content(plan: Plan, columns: Columns, name: str) -> Facet:
    kept = plan.kept.get(name)
    if kept is not None and kept.url is not None:
        return url(name, kept.url, columns.decodable)
    if name in plan.dropped and columns.types[name] in JSON_TYPES:
        return json_content(name, columns.types[name], columns.decodable)
    return population(name, columns.decodable)


def comparisons_of(plan: Plan, columns: Columns, names: Iterable[str]) -> list[Facet]:
    """Whether the values of columns follow from another one's, of those that the plan compares and that can be read."""
    compared = plan.comparisons()
    wanted = [(name, *compared[name]) for name in names if name in compared]
    return [follows(name, source, how) for name, source, how in wanted if name in columns and source in columns]


def as_text(column: str) -> sa.ColumnElement[str]:
    """A column's value as text that is compared byte by byte; NULL stays NULL."""
    return sa.cast(sa.column(column), sa.Text).collate("C")


def _coded(
    name: str,
    classes: tuple[str, ...],
    cases: Sequence[tuple[sa.ColumnElement[bool], str]],
    otherwise: str,
    text: sa.ColumnElement[str],
    decodable: str | None,
) -> Facet:
    """The facet of a column's content. Where not all values are `decodable`, those that are not are a class of their own.

    They are told before all others but NULL and, in a URL, credentials: what is a leak stays one.
    """
    if decodable is None:
        return Facet(name, classes, _code(classes, cases, otherwise))
    place = next((n + 1 for n, (_, label) in enumerate(cases) if label == "credentials"), 1)
    refused = (sa.not_(text.regexp_match(decodable)), UNDECODABLE)
    classes = (*classes, UNDECODABLE)
    return Facet(name, classes, _code(classes, (*cases[:place], refused, *cases[place:]), otherwise))


def _code(
    classes: Sequence[str], cases: Iterable[tuple[sa.ColumnElement[bool], str]], otherwise: str
) -> sa.ColumnElement[int]:
    """CASE WHEN … THEN the class's place; literals instead of parameters, so that the server folds them."""
    place = {label: sa.literal_column(str(index), sa.Integer) for index, label in enumerate(classes)}
    return sa.case(*((condition, place[label]) for condition, label in cases), else_=place[otherwise])


def is_blank(text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Nothing but white space, or nothing at all (NULL gives NULL).

    The white space is a parameter, WHITE_SPACE: a database of another encoding than UTF8 does not know all of it.
    """
    return sa.func.btrim(text, sa.bindparam(WHITE_SPACE, url_shape.WHITE_SPACE, sa.Text)) == ""


def population(column: str, decodable: str | None = None) -> Facet:
    """null, blank (empty or white space only) or populated, for a column of any type; undecodable as `_coded` says."""
    text = as_text(column)
    cases = [(sa.column(column).is_(None), "null"), (_starts_visibly(text), "populated"), (is_blank(text), "blank")]
    return _coded(column, POPULATION, cases, "populated", text, decodable)


def url(column: str, shape: UrlShape, decodable: str | None = None) -> Facet:
    """null, blank, populated (well-formed), malformed, or credentials (a password or a token in the URL).

    And undecodable, as `_coded` says: such a value is no well-formed URL.

    The cost must not depend on the data, and a regular expression costs many times a comparison. So cheap tests come
    first: those that settle the usual row, and those that show that a row is neither a secret nor a URL of this shape. No
    cheap test passes what a regular expression behind it would refuse, and none refuses what it would pass (held by
    property tests).
    """
    text = as_text(column)
    lower = sa.func.lower(text)
    suspect = sa.or_(*(text.like(sign) for sign in url_shape.SIGNS), _has_token(lower))
    begins_so = sa.or_(*(lower.like(prefix, escape=url_shape.ESCAPE) for prefix in url_shape.prefixes(shape)))
    cases = [
        (sa.column(column).is_(None), "null"),
        (passes_cheaply(column, shape), "populated"),
        (sa.and_(sa.not_(_starts_visibly(text)), is_blank(text)), "blank"),
        (sa.and_(suspect, text.regexp_match(url_shape.CREDENTIALS, flags="i")), "credentials"),
        (sa.not_(begins_so), "malformed"),
        (text.regexp_match(url_shape.well_formed(shape), flags="i"), "populated"),
    ]
    return _coded(column, URL, cases, "malformed", text, decodable)


def passes_cheaply(column: str, shape: UrlShape) -> sa.ColumnElement[bool]:
    """Is the value surely well-formed? False says nothing yet; NULL gives NULL.

    It is tried as it is, and then in lower case, for hosts such as GitHub.com.
    """
    text = as_text(column)
    tests = list(url_shape.cheap_tests(shape))
    return sa.or_(sa.false(), *(_passes(text, said, test) for said in (text, sa.func.lower(text)) for test in tests))


def _passes(
    text: sa.ColumnElement[str], said: sa.ColumnElement[str], test: url_shape.CheapTest
) -> sa.ColumnElement[bool]:
    """Does a text pass a test, in the letters of `said`? `refused` makes sure that it is ASCII, so that lower() is the same
    everywhere.
    """
    return sa.and_(
        said.like(test.like, escape=url_shape.ESCAPE),
        *([said >= test.least] if test.least else []),
        *(sa.not_(said.like(pattern)) for pattern in test.unlike),
        sa.not_(text.regexp_match(test.refused)),
        sa.or_(sa.func.strpos(text, "_") == 0, sa.not_(_has_token(sa.func.lower(text)))),
    )


def _has_token(lower: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """May one of GitHub's tokens be in a text that is in lower case?"""
    return sa.or_(*(lower.like(pattern, escape=url_shape.ESCAPE) for pattern in url_shape.TOKENS))


def _starts_visibly(text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Is the first byte a printable ASCII character? It is cheap, and settles most values: such a one is not blank."""
    return sa.and_(text >= "!", text < "~")


def json_content(column: str, type_name: str, decodable: str | None = None) -> Facet:
    """Null (SQL NULL), json-null, empty ({} or []) or populated, for a json or jsonb column; undecodable as `_coded` says."""
    value: sa.ColumnClause[Any] = sa.column(column)
    if type_name == "jsonb":
        kind = sa.func.jsonb_typeof(value)
        is_null: sa.ColumnElement[bool] = kind == "null"
        is_empty = sa.and_(kind.in_(("object", "array")), sa.cast(value, sa.Text).in_(("{}", "[]")))
    else:
        text = as_text(column)
        is_null = text.regexp_match(r"^\s*null\s*$")
        is_empty = text.regexp_match(r"^\s*(\{\s*\}|\[\s*\])\s*$")
    cases = [(value.is_(None), "null"), (is_null, "json-null"), (is_empty, "empty")]
    return _coded(column, JSON, cases, "populated", as_text(column), decodable)


def derived_from(source: str, suffix: str) -> sa.ColumnElement[str]:
    """What the plan's JavaScript derives from a column: one trailing slash off, suffix on; NULL for NULL and ''."""
    text = as_text(source)
    trimmed = sa.case((sa.func.right(text, 1) == "/", sa.func.left(text, -1)), else_=text)
    return sa.case((text != "", (trimmed + suffix)))


def allowed(column: str, kept: KeptColumn, decodable: str | None = None) -> Facet:
    """None (NULL or blank), allowed (one of the plan's values, and of its pattern as a whole) or other."""
    text = as_text(column)
    rules: list[sa.ColumnElement[bool]] = [] if decodable is None else [text.regexp_match(decodable)]
    if kept.values is not None:
        rules.append(text.in_(kept.values))
    if kept.pattern is not None:
        rules.append(text.regexp_match(f"^({kept.pattern})$"))
    cases = [
        (sa.column(column).is_(None), "none"),
        (sa.and_(sa.not_(_starts_visibly(text)), is_blank(text)), "none"),
        (sa.and_(*rules), "allowed"),
    ]
    return Facet(allowed_name(column), ALLOWED, _code(ALLOWED, cases, "other"))


def allowed_name(column: str) -> str:
    """The name of a column's `allowed`."""
    return f"allowed.{column}"


def derivation_name(column: str) -> str:
    """The name of a derived column's `derivation`."""
    return f"derivation.{column}"


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
    return Facet(derivation_name(column), DERIVATION, _code(DERIVATION, cases, "wrong"))


def rebuild(column: str, source: str, prefix: str, suffix: str) -> Facet:
    """null, same (the plan's reconstruction gives the very value) or other, for a dropped column."""
    made = sa.literal(prefix) + as_text(source) + suffix
    same = sa.and_(sa.column(source).is_not(None), as_text(column) == made)
    cases = [(sa.column(column).is_(None), "null"), (same, "same")]
    return Facet(f"rebuild.{column}", REBUILD, _code(REBUILD, cases, "other"))


def follows(column: str, source: str, how: Comparison) -> Facet:
    """null, same (the value is what the plan says follows from the source's) or other, which any value is beside NULL."""
    cases = [(sa.column(column).is_(None), "null"), (_says_the_same(column, source, how), "same")]
    return Facet(f"follows.{column}", REBUILD, _code(REBUILD, cases, "other"))


def _says_the_same(column: str, source: str, how: Comparison) -> sa.ColumnElement[bool]:
    """Does the value follow from the source's? NULL when the source is NULL, or is not in the map."""
    value, origin = as_text(column), as_text(source)
    if how.true_when is not None:
        means, said = origin.in_(how.true_when), _folded(value)
        return sa.or_(sa.and_(means, said.in_(BOOLEAN[True])), sa.and_(means.is_(False), said.in_(BOOLEAN[False])))
    if how.map is not None:
        return value == sa.case(how.map, value=origin)
    made = sa.literal(how.prefix) + origin + how.suffix
    return _folded(value) == _folded(made) if how.ignore_case else value == made


def _folded(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The text with A–Z as a–z: the same on every server and in DuckDB, which lower() is not."""
    return sa.func.translate(text, UPPER, LOWER, type_=sa.Text)
