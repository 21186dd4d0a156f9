"""Reads one request's row until a generation has written it, and compares the row with what was sent."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from genreq_checks.errors import GenreqError
from genreq_checks.facts import Copied, Derivation, Derived, Stored
from genreq_checks.leo.completion import derive_artifacts_github_url
from genreq_checks.leo.generation.app import App
from genreq_checks.leo.generation.protocol import shown
from genreq_checks.leo.request_row import SESSION, read_row
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import Target
from genreq_checks.scan.url_shape import WHITE_SPACE

Row = dict[str, str | None]
BETWEEN_LOOKS = 0.1  # seconds
READ_WITHIN = 10.0  # seconds for one read of the row


@dataclass(slots=True)
class RowWatch:
    """Reads one row until this run's message has written it: first `before`, then `after`, or why it is `unread`."""

    plan: Plan
    target: Target
    columns: tuple[str, ...]
    request: str
    before: Row
    session: str
    timeout: float
    after: Row | None = None
    unread: str = ""

    @property
    def status(self) -> str | None:
        """The row's status when it was last read."""
        return self.after[self.plan.cohort.status] if self.after else None

    @property
    def completed(self) -> bool:
        """Is the row completed by this run: with its session, or otherwise as a row that has changed?"""
        if self.after is None or self.status not in self.plan.cohort.values:
            return False
        if self.after[self.plan.cohort.clock] is None:
            return False
        return self.after.get(SESSION) == self.session or self.after != self.before

    async def until_completed(self) -> None:
        """Read until the row is completed, cannot be read, or the time is over."""
        end = time.monotonic() + self.timeout
        while True:
            await self.look()
            if self.unread or self.completed or time.monotonic() >= end:
                return
            await asyncio.sleep(BETWEEN_LOOKS)

    async def look(self) -> None:
        """Look once."""
        try:
            row = await asyncio.to_thread(read_row, self.plan, self.target, self.columns, self.request, READ_WITHIN)
        except GenreqError as error:
            self.unread = str(error)
            return
        if row is None:
            self.unread = f"Request {shown(self.request)} no longer exists."
        else:
            self.after = row


def copied_columns(plan: Plan, app: App, before: Row, after: Row) -> tuple[Copied, ...]:
    """How each column that stores a field of the message compares with what was sent: a class, not the value."""
    sent = {"github_url": app.github_url, "flyio_url": app.flyio_url}
    copied: list[Copied] = []
    for column, kept in plan.kept.items():
        name = kept.message_field or column
        if kept.derived_from is None and name in sent:
            copied.append(
                Copied(
                    column=column,
                    field=name,
                    sent=sent[name],
                    unsent=app.missing.get(name, ""),
                    lawful=name in app.lawful,
                    stored=_stored(after[column], sent[name]),
                    changed=after[column] != before[column],
                )
            )
    return tuple(copied)


def derived_columns(plan: Plan, app: App, before: Row, after: Row) -> tuple[Derived, ...]:
    """The derivation class of each derived column, and whether the plan's own defect broke it."""
    unsent = {one.column for one in copied_columns(plan, app, before, after) if one.sent is None}
    found: list[Derived] = []
    for column, (source, suffix) in plan.derivations().items():
        derivation = _derivation(after[source], after[column], suffix)
        defect = derivation == "missing" and source in unsent and after[source] == before[source]
        found.append(Derived(column=column, source=source, derivation=derivation, defect=defect))
    return tuple(found)


def _stored(value: str | None, sent: str | None) -> Stored:
    if value is not None and value == sent:
        return "as sent"
    if value is None:
        return "null"
    return "another value" if value.strip(WHITE_SPACE) else "blank"


def _derivation(source: str | None, stored: str | None, suffix: str) -> Derivation:
    expected = derive_artifacts_github_url(source, suffix=suffix)
    if expected == stored:
        return "none" if expected is None else "match"
    if expected is None:
        return "unexpected"
    return "missing" if stored is None else "wrong"
