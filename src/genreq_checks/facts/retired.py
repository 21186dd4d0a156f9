"""A column that was renamed away: its name while it is held, and the stamp in its comment, by which it is known again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Final

from pydantic import ValidationError

from genreq_checks.facts.file_format import Model

MOST_BYTES: Final = 63  # of a name in PostgreSQL
MARK: Final = "genreq-checks retired: "  # what a stamp begins with
_NAME = re.compile(r"_retired_(\d{8})_.*", re.DOTALL)


class Stamp(Model):
    """What the comment of a retired column says: which column it was, under which plan (its fingerprint), and since when.

    `transaction` is the number of the transaction that retired it, `not_null` says that NOT NULL was taken away with it.
    The column's own comment is in the stamp too, for undo; it may be user text, and is not read.
    """

    column: str
    plan: str
    at: datetime
    transaction: str = ""
    not_null: bool = False


def read_stamp(comment: str | None) -> Stamp | None:
    """The stamp in a comment; None for one without a stamp, or with one that cannot be read."""
    if comment is None or not comment.startswith(MARK):
        return None
    try:
        found = json.loads(comment.removeprefix(MARK))
        stamp = Stamp.model_validate({name: found[name] for name in Stamp.model_fields if name in found})
    except (ValueError, TypeError, ValidationError):
        return None
    return stamp if stamp.at.tzinfo is not None else None


def retired_name(column: str, day: date, taken: Collection[str] = ()) -> str:
    """The name of a column that is retired on a day: `_retired_20260101_download_url`, of at most 63 bytes.

    A name that would be longer, or is taken, is cut at a whole character and gets a hash of the column's own name.
    """
    start = f"_retired_{day:%Y%m%d}_"
    if len((start + column).encode()) <= MOST_BYTES and start + column not in taken:
        return start + column
    for number in range(1000):
        tail = "_" + hashlib.sha256(f"{column}\0{number}".encode()).hexdigest()[:8]
        room = MOST_BYTES - len(start) - len(tail)
        name = start + column.encode()[:room].decode("utf-8", "ignore") + tail
        if name not in taken:
            return name
    raise ValueError("a thousand names are taken")


def is_name_of(name: str, column: str) -> bool:
    """Is this the name that a column has when it is retired on the day that is in the name?"""
    found = _NAME.fullmatch(name)
    if found is None:
        return False
    try:
        day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return False
    return name in (retired_name(column, day), retired_name(column, day, (f"_retired_{found[1]}_{column}",)))
