"""A point in time as people write it."""

from __future__ import annotations

from datetime import UTC, datetime

from genreq_checks.errors import UsageError

DATE_AND_Z = len("2025-01-31Z")


def instant(text: str | None) -> tuple[datetime | None, tuple[str, ...]]:
    """A cutover as an aware UTC instant, and a note when it had no offset and was read as UTC.

    Raises: UsageError for what is no point in time.
    """
    if text is None:
        return None, ()
    try:
        plain = text.strip()
        moment = datetime.fromisoformat(f"{plain[:-1]}T00:00Z" if len(plain) == DATE_AND_Z else plain)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"'{text[:40]}' is no point in time.", "Write it as 2025-01-31 or 2025-01-31T14:30:00+02:00."
        ) from None
    notes = ("The cutover has no offset and was read as UTC.",) if moment.tzinfo is None else ()
    return aware, notes
