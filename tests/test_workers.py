"""How many parallel workers a reading uses, and what is said before it: for a big table this is its speed."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.run import observe
from genreq_checks.scan.fusion import Needs, Probe
from genreq_checks.sources import table
from genreq_checks.sources.evidence.source import Asked
from rows import execute

SETTING = "max_parallel_workers_per_gather"
MANY = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at)
    SELECT gen_random_uuid(), i::text, repeat('x', 500), '', 'completed', now() FROM generate_series(1, 3000) i
"""


@pytest.mark.parametrize(("workers", "expected"), [(0, False), (2, True)])
def test_the_server_uses_workers_only_where_they_are_wanted(database: str, workers: int, expected: bool) -> None:
    execute(database, MANY)
    execute(database, "ANALYZE generation_requests")
    grouped = "SELECT prompt, count(*) FROM public.generation_requests GROUP BY 1"
    with reading(parse(database), workers=workers) as connection:
        plan = connection.execute(sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {grouped}")).scalar_one()
    assert ("Workers Planned" in json.dumps(plan)) == expected


def test_a_reading_uses_as_many_workers_as_asked_for_and_counts_the_same(database: str, plan: Plan) -> None:
    execute(database, MANY)
    setting = sa.cast(sa.func.current_setting(SETTING), sa.Integer)
    needs = Needs(None, probes=(Probe("workers", ("status",), lambda *_: sa.select(setting)),))
    assert table.observe(Asked(plan, database, workers=5), needs).probe("workers") == ((5,),)
    with reading(parse(database)) as connection:
        servers_own = int(connection.execute(sa.text(f"SHOW {SETTING}")).scalar_one())
    assert table.observe(Asked(plan, database), needs).probe("workers") == ((servers_own,),)
    alone, together = (observe(plan, database, workers=workers) for workers in (0, 3))
    assert alone.tally is not None
    assert together.tally is not None
    assert sorted(alone.tally.rows, key=str) == sorted(together.tally.rows, key=str)


def test_an_estimate_is_told_before_the_rows_are_read(database: str, plan: Plan) -> None:
    said: list[str] = []
    observe(plan, database, progress=said.append)
    assert said[0].startswith("Reading rows (")  # no statistics yet: no number is invented
    execute(database, MANY)
    execute(database, "ANALYZE generation_requests")
    observe(plan, database, progress=said.append)
    assert said[1].startswith("Reading about 3,000 rows (")
    assert said[1].endswith("B) of public.generation_requests")
