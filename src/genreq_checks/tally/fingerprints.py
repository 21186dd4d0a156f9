"""Fingerprints of rows and values: by them it is told later whether the same rows hold the same values, without keeping any.

A block is the rows of one period of the cohort. Hashes are XORed, so that blocks add up and the order of rows is of no account.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from genreq_checks.facts.file_format import Model
from genreq_checks.tally.periods import Unit, period


class Values(NamedTuple):
    """One column's values in a block: how many are not NULL, and the XOR of their hashes, each seeded with its row's key."""

    present: int
    hashed: int


class Block(NamedTuple):
    """The rows of one day (month, year), the XOR of their keys' hashes, and the values of each column."""

    day: str
    rows: int
    keys: int
    values: tuple[Values, ...]


class KeyRange(Model):
    """The rows of every status whose key, one integer, is not greater than `newest`: how many, and the XOR of their hashes.

    They are the rows that were there when it was first read, also those whose time or status is another one by now.
    `values` are those of `columns` in them: of the columns that are dropped, whose values count in every row.
    """

    newest: int
    rows: int
    keys: int
    columns: tuple[str, ...] = ()
    values: tuple[Values, ...] = ()


class Fingerprints(Model):
    """The blocks of the cohort's rows whose time is not later than `until`, and by what rule they were made.

    `until` is the newest time of such a row when it was first read: rows that came later are not in the blocks.
    `hashing` is the hash of a fixed text on that server: servers that give another one hash otherwise (another major
    version, another byte order). `key` and `cohort` are the plan's; `columns` are those that were read. `known` is None where
    the key is not one integer, or there is no row.
    """

    until: datetime
    hashing: int
    key: tuple[str, ...]
    cohort: tuple[str, ...]
    columns: tuple[str, ...]
    unit: Unit = "day"
    blocks: tuple[Block, ...]
    known: KeyRange | None = None

    def by(self, unit: Unit) -> dict[str, Block]:
        """The blocks by their period, which is not shorter than the fingerprints' own."""
        found: dict[str, Block] = {}
        for block in self.blocks:
            day = period(block.day, unit)
            found[day] = added(day, *(one for one in (found.get(day), block) if one is not None))
        return found


def added(day: str, *blocks: Block) -> Block:
    """One block of the rows of several, which hold the same columns."""
    rows, keys = 0, 0
    for block in blocks:
        rows, keys = rows + block.rows, keys ^ block.keys
    columns = zip(*(block.values for block in blocks), strict=True)
    return Block(day, rows, keys, tuple(all_values(some) for some in columns))


def all_values(some: Iterable[Values]) -> Values:
    """The values of several blocks in one."""
    present, hashed = 0, 0
    for one in some:
        present, hashed = present + one.present, hashed ^ one.hashed
    return Values(present, hashed)
