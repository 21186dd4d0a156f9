"""A source as a file of its own: what tickets say. See tests/test_added_source.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genreq_checks.sources.evidence.source import Asked, Source


def read(_: Asked, paths: Sequence[Path]) -> tuple[str, ...]:
    """The lines of the files."""
    return tuple(line for path in paths for line in path.read_text().splitlines())


SOURCE = Source("ticket", 60, "FILE", "What the tickets say.", read, repeatable=True, by_plan=False)
