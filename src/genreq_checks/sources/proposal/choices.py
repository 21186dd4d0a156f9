"""What a catalog tells of a table's plan: its key, the rows that count, their time, and the columns that stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from genreq_checks.snapshot import Column, TableFacts

if TYPE_CHECKING:
    from genreq_checks.sources.proposal.measured import Measured

MOST_KEPT = 40  # columns whose checks a plan makes by itself; the others are in comments
TIMES = ("timestamp without time zone", "timestamp with time zone", "date")
STATUS = ("status", "state", "stage", "phase")
DONE = (
    "completed",
    "complete",
    "done",
    "finished",
    "succeeded",
    "success",
    "paid",
    "published",
    "shipped",
    "delivered",
    "closed",
)
COMPLETED = (
    "completedat",
    "finishedat",
    "completedon",
    "completiondate",
    "publishedat",
    "paidat",
    "shippedat",
    "closedat",
)
CREATED = (
    "createdat",
    "createdon",
    "created",
    "insertedat",
    "createdate",
    "creationdate",
    "datecreated",
    "createtime",
    "createddate",
)
REWRITTEN = re.compile(r"updat|modif|chang|last|expir|birth|delet|due|until|end")
NAME = re.compile(r"^[^\x00-\x1f]{1,63}$")  # what a plan can name


@dataclass(frozen=True, slots=True)
class Choices:
    """What is proposed: `key` is () where nothing proves one, `status` and `time` are None where nothing tells them.

    `kept` are the columns that stay and that a plan can name, in the table's order; of `unread` nothing is measured.
    """

    dropped: tuple[str, ...]
    key: tuple[str, ...]
    is_primary: bool
    status: str | None
    values: tuple[str, ...]
    time: str | None
    kept: tuple[str, ...]
    unread: frozenset[str]

    def held_by(self, measured: Measured) -> Choices:
        """The choices that the rows bear out: a cohort without a row is none, and nor is a time that most rows lack."""
        held = self
        if self.status is not None and not measured.cohort:
            held = replace(held, status=None, values=())
        rows = measured.cohort if held.status is not None else measured.rows
        dated = measured.dated if held.status is not None else measured.columns[self.time].filled if self.time else 0
        if held.time is not None and dated * 10 < rows * 9:
            held = replace(held, time=None)
        return held


def choose(facts: TableFacts, types: Mapping[str, str], primary: Sequence[str], dropped: Sequence[str]) -> Choices:
    """The choices for a table; `types` are those of the columns that can be read."""
    stay = [column for column in facts.columns if column.name not in dropped and NAME.match(column.name)]
    readable = [column for column in stay if column.name in types]
    key, is_primary = _key(facts, primary, dropped)
    status, values = _status(readable, set(key))
    return Choices(
        dropped=tuple(dropped),
        key=key,
        is_primary=is_primary,
        status=status,
        values=values,
        time=_time(readable, types, status is not None, facts.name),
        kept=tuple(column.name for column in stay),
        unread=frozenset(column.name for column in facts.columns if column.name not in types),
    )


def _key(facts: TableFacts, primary: Sequence[str], dropped: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The primary key, or the shortest other key without NULL, of columns that stay; () when there is none."""
    if facts.children and facts.kind == "table":
        return (), False
    if primary and not set(primary) & set(dropped) and all(map(NAME.match, primary)):
        return tuple(primary), True
    others = [one.columns for one in facts.unique or () if not one.nullable]
    fitting = [one for one in others if not set(one) & set(dropped) and all(map(NAME.match, one))]
    return min(fitting, key=lambda names: (len(names), names), default=()), False


def _status(columns: Sequence[Column], key: Collection[str]) -> tuple[str | None, tuple[str, ...]]:
    """The column that says that a row is done, and the value: only where the catalog lists the values."""
    for column in columns:
        known = column.labels or column.allowed or ()
        value = next((one for one in DONE for label in known if label.lower() == one), None)
        words = re.split(r"[^a-z]+|(?<=[a-z])(?=[A-Z])", column.name)
        if value is not None and column.name not in key and any(word.lower() in STATUS for word in words):
            return column.name, (next(label for label in known if label.lower() == value),)
    return None, ()


def _time(columns: Sequence[Column], types: Mapping[str, str], has_status: bool, table: str) -> str | None:
    """The column with the time at which a row came or was completed; None unless one stands out."""
    named = {re.sub("[^a-z]", "", one.name.lower()): one.name for one in columns if types[one.name] in TIMES}
    for wanted in (*(COMPLETED if has_status else ()), *CREATED):
        if wanted in named:
            return named[wanted]
    others = [one for plain, one in named.items() if not REWRITTEN.search(plain) and _says_when(one, columns, table)]
    return others[0] if len(others) == 1 else None


def _says_when(name: str, columns: Sequence[Column], table: str) -> bool:
    """Is the column filled when a row comes, or named after the table, as `order_date` of `orders` is?"""
    default = next((one.default for one in columns if one.name == name), None) or ""
    stem = re.sub(r"(ies|es|s|y)$", "", table.lower())
    return default.startswith(("now()", "CURRENT_", "statement_timestamp")) or name.lower().startswith(stem)
