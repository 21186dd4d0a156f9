"""The server's log of a hold: the statements that failed for a column that is renamed away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts.server_log import ServerLog


def read(asked: Asked, paths: Sequence[Path]) -> ServerLog:
    """Who missed the retired columns."""
    from genreq_checks.sources.queries.hold import read_hold

    return read_hold(asked.plan, asked.url, paths, asked.timeout, asked.deadline)


SOURCE = Source(
    name="log",
    order=36,
    metavar="FILE",
    help="The server's log of the whole hold (phase held): what failed since the columns are renamed; repeatable.",
    read=read,
    repeatable=True,
)
