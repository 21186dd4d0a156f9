"""The archive of the dropped columns' values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts import ArchiveFacts


def read(_: Asked, paths: Sequence[Path]) -> ArchiveFacts:
    """What the archive holds, after all of it was read again."""
    from genreq_checks.sources.archive import read_facts

    return read_facts(paths[0])


SOURCE = Source("archive", 50, "FILE", "The archive of the dropped columns' values.", read, by_plan=False)
