"""The scan can be distributed: its parts add up, and no part of it needs a row of another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlglot
from sqlalchemy.dialects import postgresql
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from genreq_checks.checks import checks_of, needs_of
from genreq_checks.plan import Plan
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.fingerprints import Marked
from genreq_checks.scan.fusion import fuse, groups_of, time_of, ways_to_count

ADDITIVE = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.BitwiseXorAgg)
CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)


def statements(plan: Plan) -> list[str]:
    types = dict.fromkeys((*plan.kept, *plan.dropped), "text") | {"id": "integer"}
    needs = needs_of(plan, [one for one, _ in checks_of(plan, None)])
    assert needs.facets
    marked = Marked(plan.table.key, tuple(plan.kept), time_of(plan), CUTOVER, {"id": "integer"}, 9, ())
    ways = ways_to_count(groups_of(plan, needs.facets(Columns(types))), needs.together)
    selects = [fuse(plan, parts, CUTOVER, aware=False, marked=mark).select for parts in ways for mark in (None, marked)]
    return [
        str(select.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})) for select in selects
    ]


def is_distributable(statement: str) -> bool:
    scopes = traverse_scope(sqlglot.parse_one(statement, read="postgres"))
    aggregates = [found for scope in scopes for found in scope.find_all(exp.AggFunc)]
    windows = [found for scope in scopes for found in scope.find_all(exp.Window)]
    alone = not any(scope.is_correlated_subquery or scope.is_subquery for scope in scopes)
    return alone and not windows and all(isinstance(found, ADDITIVE) for found in aggregates)


def test_no_subquery_is_correlated_and_all_counts_add_up(plan: Plan) -> None:
    found = statements(plan)
    assert len(found) == 4
    for statement in found:
        assert "count(*)" in statement
        assert is_distributable(statement), statement


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM a WHERE EXISTS (SELECT FROM b WHERE b.x = a.x)",
        "SELECT (SELECT max(y) FROM b WHERE b.x = a.x) FROM a",
        "SELECT array_agg(x) FROM a",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM a",
        "SELECT row_number() OVER (ORDER BY x) FROM a",
    ],
)
def test_the_test_finds_what_cannot_be_distributed(statement: str) -> None:
    assert not is_distributable(statement)
