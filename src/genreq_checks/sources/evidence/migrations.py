"""A folder of migrations, or a file of Alembic's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts.migrations import MigrationFolder


def read(asked: Asked, paths: Sequence[Path]) -> MigrationFolder:
    """The migrations in the folder."""
    from genreq_checks.sources.migrations import read_folder

    return read_folder(paths[0], asked.plan)


SOURCE = Source(
    "migrations",
    20,
    "DIR",
    "The folder of migrations: Drizzle, Alembic (or a file of its SQL), Flyway, golang-migrate.",
    read,
)
