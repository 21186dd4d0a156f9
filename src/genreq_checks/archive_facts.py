"""What an archive of dropped columns' values holds, as data: read from the file by the archive, judged by `loss`."""

from __future__ import annotations

from datetime import datetime

from genreq_checks.snapshot import Model


class ArchivedColumn(Model):
    """A column in an archive: its type, how many values that are not NULL, and their digest."""

    type: str
    values: int
    digest: str


class ArchiveFacts(Model):
    """An archive file: of which table (`schema.name`), made when, how many rows; `problem` says why it is not verified."""

    path: str
    table: str
    created_at: datetime
    rows: int
    verified: bool
    problem: str = ""
    columns: dict[str, ArchivedColumn]
