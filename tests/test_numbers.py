"""Rates, intervals and the words for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from genreq_checks.tally.intervals import newcombe, rate, wilson
from genreq_checks.text import percent, points, share, size

counts = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(side=counts)
def test_wilson_is_statsmodels(side: tuple[int, int]) -> None:
    assert wilson(*side) == pytest.approx(proportion_confint(*side, method="wilson"), abs=1e-12)


@given(before=counts, after=counts)
def test_newcombe_is_statsmodels(before: tuple[int, int], after: tuple[int, int]) -> None:
    wanted = confint_proportions_2indep(*after, *before, method="newcomb", compare="diff")
    assert newcombe(before, after) == pytest.approx(wanted, abs=1e-9)


def test_no_rows_are_no_data_not_zero_and_not_one() -> None:
    assert rate(0, 0) is None
    assert wilson(0, 0) is None
    assert newcombe((0, 0), (5, 10)) is None
    assert percent(0, 0) == share(0, 0) == "no rows"


@given(side=counts)
def test_an_interval_holds_its_rate_and_stays_within_bounds(side: tuple[int, int]) -> None:
    interval = wilson(*side)
    assert interval
    assert 0 <= interval[0] <= side[0] / side[1] <= interval[1] <= 1


@given(side=counts)
def test_only_all_is_100_percent_and_only_none_is_0(side: tuple[int, int]) -> None:
    count, rows = side
    text = percent(count, rows)
    assert (text == "100 %") == (count == rows)
    assert (text == "0 %") == (count == 0)


@pytest.mark.parametrize(
    ("count", "rows", "text"),
    [
        (9997, 10000, "99.97 %"),
        (1, 3, "33.3 %"),
        (95, 100, "95 %"),
        (9_999_999, 10**7, "> 99.9999 %"),
        (1, 10**7, "< 0.0001 %"),
        (999_999, 10**6, "99.9999 %"),
    ],
)
def test_percent(count: int, rows: int, text: str) -> None:
    assert percent(count, rows) == text


def test_points_and_sizes() -> None:
    assert [points(0.031), points(-0.008), points(0.0), points(1.0)] == ["+3.1", "−0.8", "±0.0", "+100.0"]
    assert [points(0.9998), points(-0.00004), points(-0.9999999)] == ["+99.98", "−0.004", "< −99.9999"]
    assert [size(999), size(1_400_000_000)] == ["999 bytes", "1.4 GB"]
