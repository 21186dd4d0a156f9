"""The different statements of one file: those that differ in their literals only are one, unless a literal may matter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from genreq_checks.facts.queries import QuerySource, SourceKind
from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.queries.entries import Entry
from genreq_checks.sources.queries.masking import masked

# What these send they make from the catalog of the moment, so that a column that is gone is not in it.
OWN = frozenset(("genreq-checks", "pg_dump", "pg_restore"))
MOST_KNOWN = 20_000
_NAME = r'("(?:[^"]|"")+"|[\w$]+)'
_PREPARE, _EXECUTE = (re.compile(rf"\s*{word}\s+{_NAME}", re.IGNORECASE) for word in ("prepare", "execute"))
_WHOLE = re.compile(r"\s*(?:do|call)\b", re.IGNORECASE)  # what these do stands in a literal


@dataclass(slots=True)
class Form:
    """A statement but for its literals: the first text of it, that text without them, and where it stands."""

    text: str
    masked: str
    line: int
    calls: int = 0
    since: datetime | None = None


@dataclass(slots=True)
class StatementFile:
    """A file's entries as they are read, for one database (its name; '' for any) and some columns (in lower case)."""

    name: str
    database: str
    columns: frozenset[str]
    kind: SourceKind = "sql"
    forms: dict[str, Form] = field(default_factory=dict[str, Form])
    statements: int = 0
    passed_over: int = 0
    first: datetime | None = None
    last: datetime | None = None
    gap: float = 0.0
    note: str = ""
    _seen: dict[str, Form] = field(default_factory=dict[str, Form])
    _prepared: dict[str, Form] = field(default_factory=dict[str, Form])

    def take(self, entry: Entry) -> None:
        """Count an entry, and keep the first of each form."""
        if entry.at is not None and self.kind != "pg_stat_statements":
            if self.last is not None:
                self.gap = max(self.gap, (entry.at - self.last).total_seconds())
            self.first = min(self.first or entry.at, entry.at)
            self.last = max(self.last or entry.at, entry.at)
        elsewhere = entry.database and self.database and entry.database != self.database
        if not entry.text or elsewhere or entry.program in OWN:
            self.passed_over += 1
            return
        self.statements += entry.calls
        ran = _EXECUTE.match(entry.text)
        known = self._prepared.get(ran[1].lower()) if ran else None
        if known is not None:
            known.calls += entry.calls
            return
        form = self._seen.get(entry.text)
        if form is None:
            plain = masked(entry.text)
            key = entry.text if self._literal_matters(entry.text) else plain
            form = self.forms.setdefault(key, Form(entry.text, plain, entry.line, 0, entry.at))
            if len(self._seen) < MOST_KNOWN:  # a text with parameters comes again and again
                self._seen[entry.text] = form
        form.calls += entry.calls
        if prepared := _PREPARE.match(entry.text):
            self._prepared[prepared[1].lower()] = form

    def _literal_matters(self, text: str) -> bool:
        """Is it a block of code, or does a literal of it name one of the columns?"""
        if _WHOLE.match(text):
            return True
        lowered = text.lower()
        if not any(column in lowered for column in self.columns):
            return False
        literals = (token.source.lower() for token in tokens(text) if token.kind == "text")
        return any(column in literal for literal in literals for column in self.columns)

    @property
    def facts(self) -> QuerySource:
        """What is kept of the file itself."""
        return QuerySource(
            name=self.name,
            kind=self.kind,
            statements=self.statements,
            distinct=len(self.forms),
            first=self.first,
            last=self.last,
            gap=self.gap,
            passed_over=self.passed_over,
            note=self.note,
        )
