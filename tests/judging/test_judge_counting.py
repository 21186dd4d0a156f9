"""The counts within bounded memory: whatever is put together, every total and every side stays exact."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreq_checks.tally import Tally, TallyRow, counting, side_of
from genreq_checks.tally.counting import Counting, TooManyGroupsError
from genreq_checks.tally.periods import begins, next_begin, period

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
FIRST = date(2020, 1, 1)
DAYS = st.one_of(
    st.none(),
    st.integers(0, 4000).map(lambda n: (FIRST + timedelta(days=n)).isoformat()),
    st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"]),
)
STATUSES = st.one_of(st.none(), st.sampled_from(["completed", "(other)"]), st.integers(0, 30).map(str))
GROUPS = st.lists(st.tuples(DAYS, st.sampled_from([None, True, False]), STATUSES, st.integers(0, 2), st.integers(1, 9)))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_DAYS", 8)
    monkeypatch.setattr(counting, "MOST_STATUSES", 4)
    monkeypatch.setattr(counting, "MOST_GROUPS", 40)


@given(groups=GROUPS, kept=st.sampled_from([("completed",), ("(other)", "7")]))
def test_totals_classes_sides_and_kept_statuses_are_exact(
    groups: list[tuple[str | None, bool | None, str | None, int, int]], kept: tuple[str, ...]
) -> None:
    made = Counting(kept)
    try:
        for day, split, status, code, rows in groups:
            made.add(0, day, split, status, code, rows)
    except TooManyGroupsError:
        assert made.unit == "year"  # all that could be put together was
        return
    made.finish()
    for place in (1, 3):  # the split, the class
        wanted, found = Counter[object](), Counter[object]()
        for group in groups:
            wanted[group[place]] += group[-1]
        for key, rows in made.rows.items():
            found[key[place + 1]] += rows
        assert found == wanted
    by_status = Counter[str | None]()
    for key, rows in made.rows.items():
        by_status[key[3]] += rows
    for status in {*kept, *by_status} - {made.other}:
        assert by_status[status] == sum(group[-1] for group in groups if group[2] == status)
    assert made.other not in kept
    assert len(by_status) <= 4 + len(kept) + 2
    if made.unit == "day":
        assert len({key[1] for key in made.rows}) <= 8
    for day in {group[0] for group in groups}:
        assert any(key[1] == (day and period(day, made.unit)) for key in made.rows)


def test_what_was_put_together_is_told_in_the_tally_and_its_words() -> None:
    made = Counting(("completed",))
    for number in range(40):
        made.add(0, (FIRST + timedelta(days=number)).isoformat(), None, f"s{number}", 0, 1 + number)
    made.finish()
    tally = Tally(facets=(), rows=(), unit=made.unit, other=made.other)
    assert (made.unit, made.other) == ("month", "(other)")
    assert [words.split(":")[0] for words in tally.limits] == [
        "rows of too many days to show each",
        "too many different statuses to show each",
    ]
    assert {key[3] for key in made.rows} == {"(other)", *(f"s{n}" for n in range(36, 40))} or made.rows.total() == 820
    assert made.rows.total() == sum(range(1, 41))
    assert Tally.model_validate_json(tally.model_dump_json()) == tally


@pytest.mark.parametrize(
    ("day", "unit", "cutover", "wanted"),
    [
        ("2025-01-01", "month", CUTOVER, None),
        ("2025-01-01", "year", CUTOVER, None),
        ("2024-12-01", "month", CUTOVER, "before"),
        ("2025-02-01", "month", CUTOVER, "after"),
        ("2025-01-01", "month", datetime(2025, 1, 1, tzinfo=UTC), "after"),
        ("2025-01-01", "year", datetime(2025, 2, 1, tzinfo=UTC), None),
        ("0001-01-01 BC", "year", CUTOVER, "before"),
        ("10000-01-01", "year", CUTOVER, "after"),
    ],
)
def test_the_side_of_a_month_or_a_year_is_only_told_when_the_cutover_is_not_inside(
    day: str, unit: str, cutover: datetime, wanted: str | None
) -> None:
    assert side_of(TallyRow(day, None, "completed", (), 1), cutover, None, None, unit) == wanted  # type: ignore[arg-type]


def test_the_flag_of_the_very_cutover_tells_the_side_also_inside_of_a_month() -> None:
    row = TallyRow("2025-01-01", False, "completed", (), 1)
    assert side_of(row, CUTOVER, CUTOVER, None, "month") == "before"


@pytest.mark.parametrize(
    ("moment", "unit", "wanted"),
    [
        (CUTOVER, "month", datetime(2025, 2, 1, tzinfo=UTC)),
        (CUTOVER, "year", datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime(2025, 1, 31, 23, tzinfo=UTC), "month", datetime(2025, 2, 1, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), "year", datetime(2025, 1, 1, tzinfo=UTC)),
        (datetime(2024, 12, 31, 1, tzinfo=UTC), "year", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_next_beginning_of_a_period(moment: datetime, unit: str, wanted: datetime) -> None:
    assert next_begin(moment, unit) == wanted  # type: ignore[arg-type]
    assert begins(wanted, unit)  # type: ignore[arg-type]
