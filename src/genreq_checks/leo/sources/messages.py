"""Recorded completion messages, compared with the rows of the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts import Reconciliation


def read(asked: Asked, paths: Sequence[Path]) -> Reconciliation:
    """The messages compared with the rows; only a database can look up rows by key."""
    from genreq_checks.postgres.url import is_database_url

    asked.plan.require_messages("--messages")
    if not is_database_url(asked.url):
        from genreq_checks.facts import Reconciliation
        from genreq_checks.leo.message_lines import message_files
        from genreq_checks.text import shown_path

        message_files(paths)  # a path that does not exist is a wrong call, whatever the source is
        return Reconciliation(
            problem=f"{shown_path(Path(asked.url).name)} has no rows that can be looked up by key.",
            remedy="Give the database's URL as SOURCE.",
        )
    from genreq_checks.leo.messages import reconcile

    return reconcile(asked.plan, asked.url, paths, asked.cutover, timeout=asked.timeout, deadline=asked.deadline)


SOURCE = Source(
    name="messages",
    order=10,
    metavar="FILE",
    help="Recorded completion messages (JSONL, plain or gzip, or a folder of them) to compare with the rows; repeatable.",
    read=read,
    repeatable=True,
    by_cutover=True,
)
