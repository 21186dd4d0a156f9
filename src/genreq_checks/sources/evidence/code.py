"""The application's source code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts import CodeFacts


def read(asked: Asked, paths: Sequence[Path]) -> CodeFacts:
    """What the files of the folder say about the dropped columns."""
    from genreq_checks.sources.source_code import read_code

    return read_code(asked.plan, paths[0])


SOURCE = Source("code", 30, "DIR", "The source code, to search for uses of the columns.", read)
