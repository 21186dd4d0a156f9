"""The archive of the dropped columns' values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.errors import SourceError
from genreq_checks.postgres.url import is_database_url
from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts import ArchiveFacts


def read(asked: Asked, paths: Sequence[Path]) -> ArchiveFacts:
    """What the archive holds, after all of it was read again, and what the table holds otherwise by now."""
    from genreq_checks.sources.archive import opened, read_facts

    facts = read_facts(paths[0])
    if not is_database_url(asked.url) or facts.table != asked.plan.table.qualified:
        return facts
    from genreq_checks.sources.stale_archive import stale_values

    with suppress(SourceError), opened(paths[0]) as archive:  # why the table cannot be read, the scan of it tells
        stale = stale_values(asked.plan, asked.url, archive, asked.timeout, asked.deadline)
        return facts.model_copy(update={"stale": stale})
    return facts


SOURCE = Source("archive", 50, "FILE", "The archive of the dropped columns' values.", read, by_plan=False)
