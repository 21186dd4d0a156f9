"""The log of a hold: which statements failed for a column that is renamed away, and whether it covers the time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from genreq_checks.facts import EXAMPLES
from genreq_checks.facts.server_log import Missed, ServerLog
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.recovery import count_standbys
from genreq_checks.postgres.url import is_database_url
from genreq_checks.sources.queries.files import opened_lines, require_files
from genreq_checks.sources.queries.log_errors import UNDEFINED_COLUMN, LogEntry, read_entries
from genreq_checks.sources.queries.masking import masked, shown
from genreq_checks.text import line

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
MOST_SAID = 500  # characters of what a guard said
MOST_FORMS = 5_000  # different statements that are kept apart; the counts go on
_RETIRED = re.compile(r"genreq-checks: (?P<table>.*): retired: .*, since (?P<at>[0-9T:.-]+Z)\.", re.DOTALL)
_REFUSED = re.compile(r"genreq-checks refused to (?P<action>retire|undo|finalise): (?P<text>.*)", re.DOTALL)
_SETTINGS = sa.text("""
    SELECT pg_catalog.current_database()::text AS database,
           pg_catalog.current_setting('log_min_messages') AS least,
           EXISTS (SELECT FROM pg_catalog.pg_db_role_setting, unnest(setconfig) s(one)
                   WHERE one LIKE 'log_min_messages=%') AS differs
""")


@dataclass(slots=True)
class _Form:
    text: str
    source: str
    line: int
    certain: bool
    first: datetime | None
    last: datetime | None = None
    calls: int = 0
    programs: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class _Reading:
    """What was found so far, for one database (its name; '' for any)."""

    plan: Plan
    database: str
    entries: int = 0
    first: datetime | None = None
    last: datetime | None = None
    gap: float = 0.0
    counted: Counter[str] = field(default_factory=Counter[str])
    retired: dict[str, datetime] = field(default_factory=dict[str, datetime])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    forms: dict[tuple[str, str, str], _Form] = field(default_factory=dict[tuple[str, str, str], _Form])

    def take(self, source: str, entry: LogEntry) -> None:
        """Count an entry of the log."""
        self.entries += 1
        if entry.at is not None:
            if self.last is not None:
                self.gap = max(self.gap, (entry.at - self.last).total_seconds())
            self.first = min(self.first or entry.at, entry.at)
            self.last = max(self.last or entry.at, entry.at)
        if entry.database and self.database and entry.database != self.database:
            return
        mark = _RETIRED.fullmatch(entry.message)
        if mark is not None and entry.at is not None:
            self.retired[mark["at"]] = entry.at
            if mark["table"] == self.plan.table.in_sql:  # what failed in an earlier hold is not counted in this one
                self.counted.clear()
                self.forms.clear()
        elif refused := _REFUSED.fullmatch(entry.message):
            self.refused[refused["action"]] = line(refused["text"], MOST_SAID)
        elif entry.state == UNDEFINED_COLUMN:
            for column in self.plan.dropped:
                if _names(entry.message, column):
                    self._missed(source, entry, column)

    def _missed(self, source: str, entry: LogEntry, column: str) -> None:
        self.counted[column] += 1
        text = masked(entry.statement) if entry.statement else ""
        key = (column, source, text)
        form = self.forms.get(key)
        if form is None:
            if len(self.forms) >= MOST_FORMS:
                return
            table = self.plan.table.name
            certain = any(_names(part, table) for part in (entry.message, entry.statement, entry.around))
            form = self.forms[key] = _Form(text, source, entry.line, certain, entry.at)
        form.calls += 1
        form.programs[entry.program] += 1
        form.last = entry.at or form.last


def read_hold(
    plan: Plan, source: str, paths: Sequence[Path], timeout: float = 300, deadline: Deadline | None = None
) -> ServerLog:
    """What the logs say of a hold. Raises: UsageError for a file that is not there or cannot be read."""
    require_files(list(paths))
    if not is_database_url(source):
        return ServerLog(problem="a log is read beside its database.", remedy="Give the database's URL as SOURCE.")
    target = parse(source)
    try:
        with reading(target, timeout, deadline) as connection:
            about, standbys = connection.execute(_SETTINGS).one(), count_standbys(connection)
    except DRIVER_ERRORS as error:
        found = explain(error, target, plan.table)
        return ServerLog(problem=found.message, remedy=found.hint)
    hidden = ""
    if about.differs:
        hidden = "a role or a database has a log_min_messages of its own"
    elif about.least in ("fatal", "panic"):
        hidden = f"the server does not log errors (log_min_messages = {about.least})"
    taken = _Reading(plan, about.database)
    for path in _in_order(paths):
        with opened_lines(path) as (kind, lines):
            if kind == "sql":
                remedy = "Give a csvlog, a jsonlog or a log in plain text."
                return ServerLog(problem=f"{path.name} is not a server's log.", remedy=remedy)
            for entry in read_entries(kind, lines):
                taken.take(path.name, entry)
    return ServerLog(
        sources=tuple(path.name for path in paths),
        entries=taken.entries,
        missed=tuple(_kept(taken)),
        counted={column: taken.counted[column] for column in plan.dropped},
        retired=taken.retired,
        refused=taken.refused,
        first=taken.first,
        last=taken.last,
        gap=taken.gap,
        hidden=hidden,
        standbys=standbys,
    )


def _in_order(paths: Sequence[Path]) -> list[Path]:
    """The logs by the time of their first entry, so that no gap is seen between two of them that follow each other."""
    begins: dict[Path, float] = {}
    for path in paths:
        with opened_lines(path) as (kind, lines):
            first = next((one.at for one in read_entries(kind, lines) if one.at is not None), None)
        begins[path] = first.timestamp() if first is not None else 0.0
    return sorted(paths, key=lambda path: begins[path])


def _kept(taken: _Reading) -> list[Missed]:
    """The kinds of failures with the most calls, of each column no more than a report lists."""
    seen: Counter[str] = Counter()
    kept: list[Missed] = []
    for (column, _, _), one in sorted(taken.forms.items(), key=lambda item: (not item[1].certain, -item[1].calls)):
        seen[column] += 1
        if seen[column] <= EXAMPLES:
            text = shown(one.text, understood=True) if one.text else "(the log does not have the statement)"
            programs = dict(one.programs.most_common(EXAMPLES))
            place = (column, one.source, one.line, one.calls, text, programs)
            kept.append(Missed(*place, one.certain, one.first, one.last))
    return kept


def _names(text: str, name: str) -> bool:
    """Is the name a word of the text, in quotes or without?"""
    if name not in text and name.lower() not in text.lower():
        return False
    if re.fullmatch(r"\w+", name):
        return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.IGNORECASE) is not None
    return True
