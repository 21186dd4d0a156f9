"""Fingerprints of rows and values as SQL aggregates, which the one scan reads beside its counts.

Values are hashed as text, under the settings that `postgres.connection` pins and in the C collation, so that neither a time
zone nor a type without a hash function changes or breaks them. Each value's hash is seeded with that of its row's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from genreq_checks.tally.fingerprints import Block, Values, added, all_values
from genreq_checks.tally.periods import Unit, period

INTEGERS = ("smallint", "integer", "bigint")
BLOCKS = 256  # of a plan without a time: a power of two
KNOWN_TEXT = "genreq-checks"  # whose hash tells by which function a server hashes


@dataclass(frozen=True, slots=True)
class Marked:
    """What is fingerprinted: the `columns` of the cohort's rows whose `time` is not later than `until`, by the `key`.

    `types` has the types' names of the key's columns. A key of one integer is also read as a range, up to the `newest`
    where one is given, with the values of the columns in `everywhere`. `named` has the names of columns that are another
    one's in the table now: those that were renamed away.
    """

    key: tuple[str, ...]
    columns: tuple[str, ...]
    time: sa.ColumnElement[Any] | None
    until: datetime
    types: Mapping[str, str]
    newest: int | None = None
    everywhere: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_range(self) -> bool:
        """Is the key one integer?"""
        return len(self.key) == 1 and self.types[self.key[0]] in INTEGERS

    def inputs(self) -> Iterator[sa.ColumnElement[Any]]:
        """What the aggregates read of a row, by the labels under which they find it."""
        yield (sa.null() if self.time is None else self.time).label("time")
        for place, name in enumerate(self.key):
            yield sa.column(name).label(f"key_{place}")
        for place, name in enumerate(self.columns):
            yield sa.column(self.named.get(name, name)).label(f"value_{place}")

    def aggregates(
        self, row: sa.ColumnCollection[str, sa.ColumnElement[Any]], covered: sa.ColumnElement[bool]
    ) -> Iterator[sa.ColumnElement[Any]]:
        """The newest time, in seconds since 1970; XOR of the keys' hashes; for each column the number of its values that are
        not NULL, and their XOR; and of a range of keys the greatest, the number, and the XOR of the hashes,
        with the number of values and their XOR for each column in `everywhere`.

        Of rows that are not covered nothing is hashed: a hash seeded with NULL is NULL, and XOR passes it over.
        """
        hashed = self._key_hash([row[f"key_{place}"] for place in range(len(self.key))])
        key = sa.case((covered, hashed))
        yield sa.null() if self.time is None else sa.extract("epoch", sa.func.max(row["time"]))
        yield sa.func.bit_xor(key)
        for place in range(len(self.columns)):
            value = row[f"value_{place}"]
            yield sa.func.count(value)
            yield sa.func.bit_xor(text_hash(value, key))
        if self.is_range:
            number = row["key_0"]
            known = sa.true() if self.newest is None else number <= self.newest
            yield sa.func.max(number)
            yield sa.func.count(sa.case((known, number)))
            in_range = sa.case((known, hashed))
            yield sa.func.bit_xor(in_range)
            for name in self.everywhere:
                value = row[f"value_{self.columns.index(name)}"]
                yield sa.func.count(sa.case((known, value)))
                yield sa.func.bit_xor(text_hash(value, in_range))

    def by_key(self, origin: sa.FromClause, in_cohort: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """The fingerprints by blocks of the key's hash, where there is no time: the block, whether it is covered, the rows, and
        the aggregates. Of a range of keys only those up to the newest are covered.
        """
        known = sa.column(self.key[0]) <= self.newest if self.is_range and self.newest is not None else sa.true()
        rows = (
            sa.select(sa.and_(in_cohort, known).label("covered"), *self.inputs()).select_from(origin).subquery("hashed")
        )
        hashed = self._key_hash([rows.c[f"key_{place}"] for place in range(len(self.key))])
        block = sa.cast(hashed.op("&")(sa.literal_column(str(BLOCKS - 1), sa.BigInteger)), sa.Text)
        select = sa.select(block, rows.c.covered, sa.func.count(), *self.aggregates(rows.c, rows.c.covered))
        return select.group_by(block, rows.c.covered)

    def _key_hash(self, parts: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[int]:
        """The hash of a key of any number of columns: each part's is the seed of the next."""
        found: sa.ColumnElement[int] = sa.literal_column("0", sa.BigInteger)
        for name, part in zip(self.key, parts, strict=True):
            if self.types[name] in INTEGERS:
                found = sa.func.hashint8extended(sa.cast(part, sa.BigInteger), found)
            elif self.types[name] == "uuid":
                found = sa.func.uuid_hash_extended(part, found)
            else:
                found = text_hash(part, found)
        return found


def text_hash(value: sa.ColumnElement[Any], seed: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """The 64-bit hash of a value as text; NULL for NULL."""
    return sa.func.hashtextextended(sa.cast(value, sa.Text).collate("C"), seed, type_=sa.BigInteger)


@dataclass(slots=True)
class Marking:
    """The blocks so far, of the statuses in `cohort` (of every one, where there are none); `newest` is the newest time among
    them, in seconds since 1970.

    `greatest` is the greatest key of a range, which has `known` rows whose keys' hashes give `keys`.
    """

    cohort: frozenset[str]
    is_range: bool = False
    everywhere: tuple[str, ...] = ()
    newest: Decimal | None = None
    greatest: int | None = None
    known: int = 0
    keys: int = 0
    values: tuple[Values, ...] = ()
    blocks: dict[str, Block] = field(default_factory=dict[str, Block])

    def add(
        self,
        day: str | None,
        status: str | None,
        covered: bool | None,
        rows: int,
        marks: Sequence[Any],
        unit: Unit,
    ) -> None:
        """Add a group of rows, if it is covered; `marks` are what the aggregates gave."""
        if self.is_range:
            end = len(marks) - 3 - 2 * len(self.everywhere)
            greatest, known, keys, *values = marks[end:]
            marks = marks[:end]
            self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)
            self.known, self.keys = self.known + known, self.keys ^ (keys or 0)
            here = tuple(Values(count, hashed or 0) for count, hashed in zip(values[::2], values[1::2], strict=True))
            self.values = tuple(map(all_values, zip(self.values, here, strict=True))) if self.values else here
        if not covered or day is None or (self.cohort and status not in self.cohort):
            return
        newest, *hashes = marks
        if newest is not None:
            self.newest = newest if self.newest is None else max(self.newest, newest)
        keys, *of_columns = (one or 0 for one in hashes)
        hashed_values = tuple(map(Values, of_columns[::2], of_columns[1::2]))
        self._put(self.blocks, Block(period(day, unit), rows, keys, hashed_values))

    def finish(self, unit: Unit) -> tuple[Block, ...]:
        """The blocks in order of their text, each of a whole period; the first of them may have come by shorter ones."""
        found: dict[str, Block] = {}
        for block in self.blocks.values():
            self._put(found, block._replace(day=period(block.day, unit)))
        return tuple(found[day] for day in sorted(found))

    @staticmethod
    def _put(blocks: dict[str, Block], block: Block) -> None:
        there = blocks.get(block.day)
        blocks[block.day] = block if there is None else added(block.day, there, block)
