"""Rates, and intervals for them: Wilson's for one rate, Newcombe's for the difference of two.

Both are closed forms of a few lines; a test holds them to statsmodels, which would cost every run two seconds of import.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


def rate(count: int, rows: int) -> float | None:
    """Count ÷ rows as a fraction 0–1, or None when there are no rows: no data is neither 0 nor 1."""
    return count / rows if rows else None


def wilson(count: int, rows: int, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The Wilson score interval of a rate, as fractions 0–1, or None when there are no rows.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not rows:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = count / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    margin = z / (1 + z * z / rows) * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return (0.0 if count == 0 else max(0.0, centre - margin)), (1.0 if count == rows else min(1.0, centre + margin))


def newcombe(
    before: tuple[int, int], after: tuple[int, int], confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of (rate after − rate before) for two independent sides, each (count, rows); None when one is empty.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998), method 10.
    """
    one, two = wilson(*before, confidence), wilson(*after, confidence)
    if one is None or two is None:
        return None
    p1, p2 = before[0] / before[1], after[0] / after[1]
    difference = p2 - p1
    low = difference - sqrt((p2 - two[0]) ** 2 + (one[1] - p1) ** 2)
    high = difference + sqrt((two[1] - p2) ** 2 + (p1 - one[0]) ** 2)
    return max(-1.0, low), min(1.0, high)
