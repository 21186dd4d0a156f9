"""Row hashes and what they tell: which rows and values of a baseline are gone, new or others, counted exactly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from genreq_checks.facts.file_format import Model


class HashedRows(Model):
    """The file of row hashes that was written beside a snapshot: its name, its digest (SHA-256) and how many rows it has."""

    name: str
    digest: str
    rows: int


class ColumnChanges(Model):
    """Of the rows that are in the table both times: values that are others now, that came, and that are gone.

    `in_left` of the changed and cleared ones are in rows that by now have another status or a later time.
    """

    changed: int
    backfilled: int
    cleared: int
    in_left: int = 0


class RowChanges(Model):
    """The rows of the cohort until the newest time of the baseline, then and now, compared one by one.

    `digest` is that of the file of row hashes. `gone` rows are no longer in the table, `left` rows are there with another
    status or a later time, `added` ones were not there then; `columns` has those that were compared.
    """

    digest: str
    until: datetime
    then: int
    now: int
    gone: int
    added: int
    left: int
    columns: Mapping[str, ColumnChanges]
