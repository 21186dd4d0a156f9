"""Which rows of the table a rehearsal copies: some of every class, the same ones each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from genreq_checks.checks import needs_of
from genreq_checks.plan import Plan
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.fusion import groups_of, relation


def sampled(plan: Plan, types: Mapping[str, str], columns: list[str], size: int | None) -> sa.Select[Any]:
    """The columns of `size` rows, or of all when it is None.

    Rows are taken in turn from every joint class of the plan's facets (null, blank, populated … of each kept and
    dropped column) and every status, in the order of the key. At least one row of every class is copied, even if that
    makes more rows than `size`. Each row is copied once; where the key is not unique, all rows of a key are copied.
    """
    every = dict.fromkeys((*columns, *(plan.table.key or ("tableoid", "ctid"))))
    table = relation(plan.table, *every)
    wanted = [table.c[name] for name in columns]
    if size is None:
        return sa.select(*wanted)
    # short generated names: SQLAlchemy cuts a label that is nearly as long as a name may be
    own = plan.table.key or ("tableoid", "ctid")
    key: dict[str, sa.Label[Any]] = {name: sa.column(name).label(f"key_{number}") for number, name in enumerate(own)}
    facets = needs_of(plan).facets
    classes: list[sa.ColumnElement[Any]] = [
        group.code for group in groups_of(plan, facets(Columns(types)) if facets else ())
    ]
    if plan.cohort.column is not None and plan.cohort.column in types:
        classes.append(sa.column(plan.cohort.column))
    turn = (
        sa.func.row_number()
        .over(partition_by=classes or None, order_by=[one.element for one in key.values()])
        .label("turn")
    )
    ranked = sa.select(*key.values(), turn).select_from(relation(plan.table)).subquery()
    place = sa.func.row_number().over(order_by=[ranked.c.turn, *(ranked.c[one.name] for one in key.values())])
    placed = sa.select(*ranked.c, place.label("place")).subquery()
    chosen = sa.or_(placed.c.turn == 1, placed.c.place <= size)
    # IN, not a join: where the key is not unique, a join would repeat a row for each row with its key
    keys = sa.select(*(placed.c[one.name] for one in key.values())).where(chosen)
    return sa.select(*wanted).where(sa.tuple_(*(table.c[name] for name in key)).in_(keys))
