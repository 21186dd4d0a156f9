"""The rows behind a check, read from the table with the same expressions that counted them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.encoding import decodable, known_white_space, server_encoding
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.scan.facets import JSON_TYPES, Columns, Facet, as_text
from genreq_checks.scan.fusion import Needs, in_cohort, on_or_after, relation
from genreq_checks.scan.selection import Pick, Selection
from genreq_checks.sources.readable import find_obstacle, is_aware, read_types
from genreq_checks.text import SHAPE_LENGTH, mask

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows behind a check: the columns' names, and the rows as they arrive; None is NULL."""

    header: tuple[str, ...]
    rows: Iterator[tuple[str | None, ...]]


@contextmanager
def listing(
    plan: Plan,
    url: str,
    selection: Selection,
    needs: Needs,
    cutover: datetime | None = None,
    *,
    show_values: bool = False,
    limit: int | None = None,
    timeout: float = 300,
    deadline: Deadline | None = None,
) -> Iterator[Listing]:
    """The rows of a selection, ordered by key, in batches, any number of them: key, status, time, finding, and
    the selection's columns, of which only the shape is shown unless `show_values`. `needs` has the facets that the
    selection names. `timeout` is each statement's, `deadline` bounds all of it.

    Raises: SourceError when the table, a column or the rows cannot be read; UsageError for an invalid URL.
    """
    target = parse(url)
    try:
        with reading(target, timeout, deadline) as connection:
            types = readable(connection, plan, target, selection)
            columns = Columns(types, decodable(server_encoding(connection)))
            facets = {facet.name: facet for facet in needs.facets(columns)} if needs.facets else {}
            select = select_rows(plan, selection, types, facets, cutover, show_values).limit(limit)
            select = select.params(known_white_space(connection))
            connection.execute(sa.select(sa.func.pg_catalog.set_config("enable_sort", "on", True)))
            names = (*plan.table.key, *plan.cohort.columns, "finding", *selection.columns)
            streamed = connection.execution_options(stream_results=True, yield_per=BATCH)
            with closing(streamed.execute(select)) as result:
                yield Listing(
                    names, masked_rows(result, len(names) - len(selection.columns), selection, types, show_values)
                )
    except DRIVER_ERRORS as error:
        raise explain(error, target, plan.table) from None


def readable(connection: sa.Connection, plan: Plan, target: Target, selection: Selection) -> dict[str, str]:
    """The types of the columns that the role may read. Raises: SourceError when one that is needed is not among them."""
    found = find_table(connection, plan.table)
    problem = found.problem
    if problem is None and found.oid is not None and found.facts is not None:
        problem = find_obstacle(connection, plan, found.oid, found.facts)
        types = read_types(connection, found.oid)
        name = next((n for n in (*plan.table.key, *selection.columns) if n not in types), None)
        if problem is None and name is None:
            return types
        if problem is None and name and found.facts.column(name):
            raise SourceError(
                f"The role may not read {plan.table.qualified}.{name}.", "GRANT SELECT on it to the role."
            )
        if problem is None:
            raise SourceError(
                f"{plan.table.qualified} has no column '{name}': its rows cannot be listed.",
                "Only an archive has the values of a column that is gone.",
            )
    raise SourceError(
        problem.message if problem else f"{target.location} could not be read.", problem.hint if problem else ""
    )


def select_rows(
    plan: Plan,
    selection: Selection,
    types: dict[str, str],
    facets: Mapping[str, Facet],
    cutover: datetime | None,
    show_values: bool = False,
    origin: sa.FromClause | None = None,
) -> sa.Select[Any]:
    """The rows of a selection by key: key, status, time, finding, the columns' values (or their first characters and their
    lengths). `origin` is another place to read the rows from than the table.
    """
    since = None if cutover is None else on_or_after(plan, cutover, is_aware(plan, types))
    taken = [(_taken(plan, pick, facets, since), pick.label) for pick in selection.picks]
    keys: list[sa.ColumnClause[Any]] = [sa.column(name) for name in plan.table.key]
    shown = [as_text(name) for name in selection.columns]
    values = [value if show_values else sa.func.left(value, SHAPE_LENGTH) for value in shown]
    lengths = [] if show_values else [sa.func.length(value) for value in shown]
    found: list[sa.ColumnElement[Any]] = [
        *(sa.cast(key, sa.Text).label(f"key_{place}") for place, key in enumerate(keys)),
        *(sa.cast(sa.column(name), sa.Text) for name in plan.cohort.columns),
        sa.case(*((condition, sa.literal(label)) for condition, label in taken)),
        *values,
        *lengths,
    ]
    return (
        sa.select(*found)
        .select_from(relation(plan.table) if origin is None else origin)
        .where(sa.or_(*(condition for condition, _ in taken)))
        .order_by(*keys)
    )


def _taken(
    plan: Plan, pick: Pick, facets: Mapping[str, Facet], since: sa.ColumnElement[bool] | None
) -> sa.ColumnElement[bool]:
    """Is the row in the pick? Judged by the classes' codes, which the tally counted."""
    conditions: list[sa.ColumnElement[bool]] = []
    for name, labels in pick.classes.items():
        codes = [code for code, label in enumerate(facets[name].classes) if label in labels]
        conditions.append(facets[name].code.in_(codes))
    if pick.where is not None:
        conditions.append(pick.where(since))
    if pick.cohort:
        conditions.append(in_cohort(plan))
    if since is not None and pick.side != "any":
        conditions.append(since if pick.side == "after" else since.is_not(True))
    return sa.and_(*conditions)


def masked_rows(
    result: Iterable[Any], plain: int, selection: Selection, types: dict[str, str], show_values: bool = False
) -> Iterator[tuple[str | None, ...]]:
    """The rows of such a statement as they may be shown; the first `plain` values of each are shown unchanged."""
    if show_values:
        yield from (tuple(row) for row in result)
        return
    count = len(selection.columns)
    is_json = [types[name] in JSON_TYPES for name in selection.columns]
    for row in result:
        values, lengths = row[plain : plain + count], row[plain + count :]
        yield (*row[:plain], *(mask(*of) for of in zip(values, lengths, is_json, strict=True)))
