"""Statements that the application runs, from files of SQL and from server logs, judged by PostgreSQL on a clone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts.queries import QueryFacts


def read(asked: Asked, paths: Sequence[Path]) -> QueryFacts:
    """What becomes of the statements without the dropped columns."""
    from genreq_checks.sources.queries import read_queries

    return read_queries(asked.plan, asked.url, paths, asked.timeout, asked.deadline)


SOURCE = Source(
    name="queries",
    order=35,
    metavar="FILE",
    help="Statements to try on a clone without the columns: SQL, a server's log, or pg_stat_statements; repeatable.",
    read=read,
    repeatable=True,
)
