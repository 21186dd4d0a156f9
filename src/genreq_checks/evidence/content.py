"""The baseline's fingerprints held against the source's: which blocks of rows and values are as they were."""

from __future__ import annotations

from dataclasses import dataclass

from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.row_changes import RowChanges
from genreq_checks.tally.fingerprints import Block, Fingerprints, Values, added
from genreq_checks.tally.periods import UNITS
from genreq_checks.text import plural

NO_BASELINE = "No baseline was given."


@dataclass(frozen=True, slots=True)
class Content:
    """The blocks of the baseline and of the source, by period; a block that one of them lacks has no rows there.

    Equal sums of both prove the same rows, also where a row's time has moved it from one block to another.
    """

    then: Fingerprints
    now: Fingerprints
    pairs: tuple[tuple[Block, Block], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that were fingerprinted both times."""
        return tuple(name for name in self.then.columns if name in self.now.columns)

    @property
    def total(self) -> tuple[Block, Block]:
        """All rows of the baseline and of the source in one block each."""
        then, now = zip(*self.pairs, strict=True)
        return added("", *then), added("", *now)


@dataclass(frozen=True, slots=True)
class ValueChanges:
    """What the blocks prove of one column's values, in rows that the baseline has too.

    `lost`: so many values at least are gone, though their rows are there. `changed`, `gained`: the blocks of the same rows
    in which as many values are others, or in which there are more. `unsure`: the blocks whose rows are not the same.
    """

    same: bool
    lost: int = 0
    changed: int = 0
    gained: int = 0
    unsure: int = 0
    rows: int = 0


def content(evidence: Evidence) -> Content | str:
    """Both fingerprints, block by block; or why they cannot be compared."""
    baseline = evidence.baseline
    if baseline is None:
        return NO_BASELINE
    if baseline.fingerprints is None:
        problem = baseline.problem("fingerprints", "tally")
        return problem.text if problem else "The baseline has no fingerprints of its rows and values."
    then, now = baseline.fingerprints, evidence.now.fingerprints
    if now is None:
        problem = evidence.now.problem("fingerprints", "tally")
        return problem.text if problem else f"{evidence.now.source.location} was read without fingerprints."
    reason = _other_rule(then, now)
    if reason:
        return reason
    unit = max(then.unit, now.unit, key=UNITS.index)
    before, after = then.by(unit), now.by(unit)
    days = sorted(before.keys() | after.keys())
    return Content(then, now, tuple((_block(before, day, then), _block(after, day, now)) for day in days))


def blocks(evidence: Evidence, found: Content, number: int) -> str:
    """So many blocks, in words: days, or blocks of the key's hash where the plan has no time."""
    if evidence.plan.cohort.time is None:
        return plural(number, "block of keys", "blocks of keys")
    return plural(number, found.then.unit)


def _block(blocks: dict[str, Block], day: str, of: Fingerprints) -> Block:
    return blocks.get(day) or Block(day, 0, 0, tuple(Values(0, 0) for _ in of.columns))


def _other_rule(then: Fingerprints, now: Fingerprints) -> str:
    if then.until != now.until:
        return (
            f"The source's fingerprints are of rows until {now.until:%Y-%m-%d %H:%M} UTC, the baseline's of rows until "
            f"{then.until:%Y-%m-%d %H:%M} UTC."
        )
    if then.hashing != now.hashing:
        return "The baseline's server hashes otherwise: another major version of PostgreSQL, or another byte order."
    if then.key != now.key or then.cohort != now.cohort:
        return "The baseline was read by another key, or for other rows."
    return ""


def exact_changes(evidence: Evidence) -> RowChanges | str | None:
    """What the row hashes of the baseline tell; why they cannot be used; None when there are none."""
    found, baseline = evidence.now.row_hashes, evidence.baseline
    if found is None:
        return None
    if baseline is None:
        return NO_BASELINE
    if baseline.hashed is None or baseline.hashed.digest != found.digest:
        return "The row hashes are not those that were saved with the baseline."
    comparison = evidence.compared.get("baseline")
    if comparison is not None and comparison.kind == "other" and not evidence.other_database:
        return baseline.problems[0].text if baseline.problems else comparison.text
    return found


def same_rows(then: Block, now: Block) -> bool:
    """Are the rows of two blocks the same, by their number and their keys?"""
    return (then.rows, then.keys) == (now.rows, now.keys)


def range_values(found: Content, column: str) -> tuple[Values, Values] | None:
    """A column's values in all rows of the range of keys, then and now; None where it is not of the same rows."""
    then, now = found.then.known, found.now.known
    if then is None or now is None or column not in then.columns or column not in now.columns:
        return None
    if (then.newest, then.rows, then.keys) != (now.newest, now.rows, now.keys):
        return None
    return then.values[then.columns.index(column)], now.values[now.columns.index(column)]


def value_changes(found: Content, column: str) -> ValueChanges:
    """What is proved of a column that was fingerprinted both times."""
    here, there = found.then.columns.index(column), found.now.columns.index(column)
    then, now = found.total if found.pairs else (None, None)
    if then is None or now is None or (same_rows(then, now) and then.values[here] == now.values[there]):
        return ValueChanges(same=True, rows=then.rows if then else 0)
    lost = changed = gained = unsure = rows = 0
    rows_gone = values_gone = 0
    for one, other in found.pairs:
        before, after = one.values[here], other.values[there]
        if not same_rows(one, other):
            unsure += 1
            rows_gone, values_gone = rows_gone + one.rows - other.rows, values_gone + before.present - after.present
        elif before != after:
            lost += max(0, before.present - after.present)
            changed += before.present == after.present
            gained += before.present < after.present
        else:
            continue
        rows += one.rows
    lost += max(0, values_gone - max(0, rows_gone))
    return ValueChanges(same=False, lost=lost, changed=changed, gained=gained, unsure=unsure, rows=rows)
