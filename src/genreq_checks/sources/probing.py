"""What a probe may read, and the result: a few rows of numbers, times and booleans."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from genreq_checks.plan import Plan
from genreq_checks.scan.fusion import Probe
from genreq_checks.snapshot import ProbeRows, Problem

MOST_PROBED = 100  # rows of one probe


def not_readable(plan: Plan, probe: Probe, there: Container[str]) -> Problem | None:
    """The problem with a column that the probe needs and that cannot be read."""
    missing = next((name for name in probe.columns if name not in there), None)
    if missing is None:
        return None
    return Problem(part="probe", message=f"{plan.table.qualified} has no column '{missing}' that can be read.")


def probe_rows(probe: Probe, rows: Sequence[Iterable[object]]) -> ProbeRows | Problem:
    """The answer as it is saved, with times in UTC as text; or the problem with it: too long, or with a value of a user."""
    if len(rows) > MOST_PROBED:
        return Problem(part="probe", message=f"The probe {probe.name} returns more than {MOST_PROBED} rows.")
    try:
        return tuple(tuple(map(_kept, row)) for row in rows)
    except TypeError as error:
        return Problem(part="probe", message=f"The probe {probe.name} returns a {error}, which may be a user's text.")


def _kept(value: object) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
