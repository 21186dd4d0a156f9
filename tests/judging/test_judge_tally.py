"""Counting: parts, facets, sides by day, by split and by the time of reading, at each limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from genreq_checks.tally import FacetClasses, Tally, TallyRow, side_of
from genreq_checks.tally.periods import begins, day_number, day_of, next_begin
from handmade import CUTOVER, NOON

A = FacetClasses(name="a", classes=("null", "x"))
B = FacetClasses(name="b", classes=("p", "q", "r"))
C = FacetClasses(name="c", classes=("null", "z"))
ROWS = (
    TallyRow("2025-01-01", None, "completed", (0, 1), 3),
    TallyRow("2025-01-02", True, "failed", (1, 1), 4),
    TallyRow(None, None, None, (1, 2), 5),
)
APART = Tally(
    facets=(C,), rows=(TallyRow("2025-01-01", None, "completed", (1,), 3), TallyRow(None, None, None, (0,), 9))
)
TALLY = Tally(facets=(A, B), rows=ROWS)
PARTED = TALLY.model_copy(update={"apart": (APART,)})


def test_the_plus_of_next_midnight_is_a_day_later_and_a_midnight_is_itself() -> None:
    assert next_begin(NOON) == datetime(2025, 1, 11, tzinfo=UTC)
    assert next_begin(CUTOVER) == CUTOVER
    east = timezone(timedelta(hours=3))
    assert next_begin(datetime(2025, 1, 10, 1, tzinfo=east)) == datetime(2025, 1, 10, tzinfo=UTC)
    assert next_begin(datetime(2025, 1, 10, 3, tzinfo=east)) == CUTOVER


def test_a_midnight_and_a_day_are_those_of_utc() -> None:
    east = timezone(timedelta(hours=3))
    assert begins(datetime(2025, 1, 10, 3, tzinfo=east))
    assert not begins(datetime(2025, 1, 10, 0, tzinfo=east))
    assert not begins(datetime(2025, 1, 10, 0, 0, 1, tzinfo=UTC))
    assert day_of(datetime(2025, 1, 10, 1, tzinfo=east)) == "2025-01-09"


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", 1),
        ("1969-12-31", -1),
        ("9999-12-31", 2932896),
        ("infinity", float("inf")),
        ("20000-01-01", float("inf")),
        ("-infinity", float("-inf")),
        ("0044-03-15 BC", float("-inf")),
    ],
)
def test_a_days_number(day: str, wanted: float) -> None:
    assert day_number(day) == wanted


@pytest.mark.parametrize(
    ("day", "flag", "split", "cutover", "read_at", "wanted"),
    [
        (None, None, None, CUTOVER, None, "undated"),
        (None, True, CUTOVER, CUTOVER, None, "undated"),
        ("2025-01-09", None, None, CUTOVER, None, "before"),
        ("2025-01-10", None, None, CUTOVER, None, "after"),
        ("2025-01-11", None, None, CUTOVER, None, "after"),
        ("infinity", None, None, CUTOVER, None, "after"),
        ("-infinity", None, None, CUTOVER, None, "before"),
        # The flag tells on the cutover's own day, where the tally was split at this very cutover.
        ("2025-01-10", True, NOON, NOON, None, "after"),
        ("2025-01-10", False, NOON, NOON, None, "before"),
        ("2025-01-10", True, CUTOVER, NOON, None, None),
        ("2025-01-09", True, CUTOVER, NOON, None, "before"),
        ("2025-01-10", None, NOON, NOON, None, None),
        ("2025-01-09", None, NOON, NOON, None, "before"),
        # The cutover's own day, inside: before only if all was read before the cutover.
        ("2025-01-10", None, None, NOON, None, None),
        ("2025-01-10", None, None, NOON, NOON - timedelta(seconds=1), "before"),
        ("2025-01-10", None, None, NOON, NOON, None),
        ("2025-01-10", None, None, NOON, NOON + timedelta(seconds=1), None),
        ("2025-01-11", None, None, NOON, NOON - timedelta(seconds=1), "after"),
        ("2025-01-10", None, None, CUTOVER, CUTOVER - timedelta(days=1), "after"),
    ],
)
def test_the_side_of_a_row(day: Any, flag: Any, split: Any, cutover: datetime, read_at: Any, wanted: Any) -> None:
    assert side_of(TallyRow(day, flag, "completed", (), 1), cutover, split, read_at) == wanted


def test_a_facet_is_counted_class_by_class_also_with_0() -> None:
    assert TALLY.total == 12
    assert TALLY.count("a") == {"null": 3, "x": 9}
    assert TALLY.count("b") == {"p": 0, "q": 7, "r": 5}
    assert TALLY.filled("a") == 9
    assert TALLY.filled("b") == 0
    assert TALLY.statuses() == {"completed": 3, "failed": 4, None: 5}
    with pytest.raises(KeyError, match="c"):
        TALLY.count("c")


def test_facets_counted_together_and_separately() -> None:
    assert TALLY.joint("b", "a") == {("q", "null"): 3, ("q", "x"): 4, ("r", "x"): 5}
    assert PARTED.has("c")
    assert PARTED.has("b")
    assert not TALLY.has("c")
    assert not PARTED.has("d")
    assert PARTED.of("c") == APART
    assert PARTED.of("a") == PARTED
    assert PARTED.of("b", "a") == PARTED
    assert PARTED.count("c") == {"null": 9, "z": 3}
    with pytest.raises(KeyError):
        PARTED.of("a", "c")


def test_a_part_by_status_or_day_is_also_a_part_of_separate_facets() -> None:
    part = PARTED.of_status(["completed"])
    assert (part.total, part.count("c"), part.count("a")) == (3, {"null": 0, "z": 3}, {"null": 3, "x": 0})
    undated = PARTED.where(lambda row: row.day is None)
    assert undated.statuses() == {None: 5}
    assert undated.count("c") == {"null": 9, "z": 0}
    assert PARTED.map(lambda rows: list(rows)[:1]).apart[0].total == 3


def test_two_readings_add_up_where_they_count_the_same() -> None:
    same = APART.model_copy(update={"rows": (TallyRow("2025-01-01", None, "completed", (1,), 12),)})
    whole = TALLY.model_copy(update={"apart": (same,)})
    both = whole + whole
    assert both.total == 24
    assert len(both.rows) == 3
    assert both.rows[0] == TallyRow("2025-01-01", None, "completed", (0, 1), 6)
    assert both.apart[0].rows == (TallyRow("2025-01-01", None, "completed", (1,), 24),)
    others = (
        Tally(facets=(A,), rows=()),
        TALLY.model_copy(update={"split": CUTOVER}),
        PARTED,
    )
    for other in others:
        with pytest.raises(ValueError, match="same facets"):
            TALLY + other


@pytest.mark.parametrize("codes", [(0,), (0, 0, 0), (2, 0), (0, 3), (-1, 0)])
def test_a_class_that_no_facet_has_is_refused(codes: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="names a class"):
        Tally(facets=(A, B), rows=(TallyRow(None, None, None, codes, 1),))


def test_parts_of_other_rows_or_with_parts_of_their_own_are_refused() -> None:
    twelve = APART
    assert Tally(facets=(A, B), rows=ROWS, apart=(twelve,)).apart == (twelve,)
    seven = Tally(facets=(C,), rows=(TallyRow(None, None, None, (1,), 7),))
    with pytest.raises(ValidationError, match="not of the same rows"):
        Tally(facets=(A, B), rows=ROWS, apart=(seven,))
    nested = twelve.model_copy(update={"apart": (twelve,)})
    with pytest.raises(ValidationError, match="not of the same rows"):
        Tally(facets=(A, B), rows=ROWS, apart=(nested,))


def test_a_negative_count_and_an_unknown_key_are_refused_and_nothing_can_be_changed() -> None:
    with pytest.raises(ValidationError):
        Tally(facets=(A,), rows=(TallyRow(None, None, None, (0,), -1),))
    with pytest.raises(ValidationError):
        Tally.model_validate({"facets": (), "rows": (), "more": 1})
    with pytest.raises(ValidationError):
        FacetClasses.model_validate({"name": "a", "classes": (), "more": 1})
    with pytest.raises(ValidationError):
        TALLY.rows = ()  # type: ignore[misc]
    with pytest.raises(ValidationError):
        A.name = "b"  # type: ignore[misc]


def test_separate_parts_are_written_only_when_they_exist() -> None:
    assert "apart" not in TALLY.model_dump()
    assert PARTED.model_dump()["apart"]


def test_the_frame_has_a_row_a_count() -> None:
    frame = TALLY.frame()
    assert list(frame.columns) == ["day", "split", "status", "a", "b", "rows"]
    assert frame.iloc[1].tolist() == ["2025-01-02", True, "failed", "x", "q", 4]
