"""Numbers and rates as people read them: exact counts beside every rate, and 99.97 % never as 100 %."""

from __future__ import annotations

from collections.abc import Mapping


def percent(count: int, rows: int) -> str:
    """A share in percent, with as many decimals as keep it from reading as 0 % or 100 % when it is not; `no rows` for 0/0."""
    if rows == 0:
        return "no rows"
    if count in (0, rows):
        return "0 %" if count == 0 else "100 %"
    for decimals in range(1, 5):
        text = f"{100 * count / rows:.{decimals}f}"
        if (100 * count) % rows == 0:
            return f"{100 * count // rows} %"
        if float(text) not in (0.0, 100.0):
            return f"{text} %"
    return "> 99.9999 %" if 2 * count > rows else "< 0.0001 %"


def share(count: int, rows: int) -> str:
    """A share with its counts: `97.4 % (1,948 of 2,000)`."""
    return "no rows" if rows == 0 else f"{percent(count, rows)} ({count:,} of {rows:,})"


def points(difference: float) -> str:
    """A difference of two rates in percentage points, signed; ±100.0 and ±0.0 only when it is just that."""
    if difference == 0:
        return "±0.0"
    for decimals in range(1, 5):
        text = f"{100 * difference:+.{decimals}f}"
        if float(text) not in (0.0, 100.0, -100.0) or abs(difference) == 1:
            return text.replace("-", "−")
    return ("> +99.9999" if difference > 0 else "< −99.9999") if abs(difference) > 0.5 else "±0.0"


def bounds(low: float | None, high: float | None) -> str:
    """An interval in percent, in brackets; nothing when there is none. Its ends are rounded outwards."""
    if low is None or high is None:
        return ""
    return f"[{int(low * 1000) / 10:.1f}, {-int(-high * 1000 - 0.999999) / 10:.1f}]"


def span(low: float | None, high: float | None) -> str:
    """An interval of a difference in percentage points, in brackets; nothing when there is none."""
    return "" if low is None or high is None else f"[{points(low)}, {points(high)}]"


def plural(count: int, noun: str, more: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,204 rows`."""
    return f"{count:,} {noun if count == 1 else more or noun + 's'}"


def listed(counts: Mapping[str, int]) -> str:
    """The classes that occur, with their counts: `3 null, 1 blank`; `none` when nothing occurs."""
    return ", ".join(f"{count:,} {label}" for label, count in counts.items() if count) or "none"


def size(number: int) -> str:
    """Bytes as people say them: `1.4 GB`."""
    value = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
