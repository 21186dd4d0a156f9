"""What an archive of dropped columns' values holds, as data: the checks judge this, and never open the file."""

from __future__ import annotations

from datetime import datetime

from genreq_checks.snapshot import Model


class ArchivedColumn(Model):
    """A column in the archive: its type in the database, how many rows have a value, and the values' SHA-256."""

    type: str
    values: int
    digest: str


class ArchiveFacts(Model):
    """An archive file: of which table, from when, and whether its contents were read again and found whole.

    `location` is the database without a password. `rows` counts the rows in the file: those with a value in at least one
    of `columns`.
    """

    path: str
    location: str = ""
    table: str
    created_at: datetime
    rows: int
    verified: bool
    problem: str = ""
    columns: dict[str, ArchivedColumn]
