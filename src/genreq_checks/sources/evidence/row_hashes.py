"""The row hashes of a baseline, with which the table's rows are compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.errors import UsageError
from genreq_checks.postgres.url import is_database_url
from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts.row_changes import RowChanges


def read(asked: Asked, paths: Sequence[Path]) -> RowChanges:
    """Which rows and values are gone, new or others. Raises: UsageError when SOURCE is no database."""
    if not is_database_url(asked.url):
        raise UsageError("Row hashes are compared with a database.", "Give its URL as SOURCE.")
    from genreq_checks.sources.row_hashes import compare_rows

    return compare_rows(asked.plan, asked.url, paths[0], asked.timeout, asked.deadline)


SOURCE = Source(
    name="row_hashes",
    order=45,
    metavar="FILE",
    help="The row hashes that were saved with the baseline: which rows and values are gone or others, one by one.",
    read=read,
)
