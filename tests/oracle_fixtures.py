"""The plan of the truth, and an oracle for it over the database that a test module's `source` gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genreq_checks.plan import Plan, parse_plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.sources.oracle import Oracle, open_oracle
from oracle_truth import PLAN


@pytest.fixture(scope="module")
def notes_go() -> Plan:
    return parse_plan(PLAN, "notes")


@pytest.fixture(scope="module")
def oracle(source: str, notes_go: Plan) -> Iterator[Oracle]:
    target = parse(source)
    with reading(target) as connection, open_oracle(connection, target, notes_go) as oracle:
        yield oracle
