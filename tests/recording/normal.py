"""What differs between two runs, replaced by fixed words of the same length where text is wrapped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

DAY, TIME = "2000-01-01", "00:00:00"
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|\+00:00)?")
RULES = (
    (re.compile(r"\b(leo|role|absent)[0-9a-f]{8}\b"), r"\g<1>00000000"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{8}"), f"{DAY}T000000Z-00000000"),  # a kept run's name
    (re.compile(r"^\d\d:\d\d:\d\d\b", re.M), TIME),  # in the history's table
    (re.compile(r"\bPostgreSQL \d+(\.\d+)?"), "PostgreSQL 00.0"),
    # the identity of the database: every server and every database has numbers of its own
    (re.compile(r"\bsystem( identifier was|s?) \d{10,}"), r"system\1 0000000000000000000"),
    (re.compile(r"\b(database|table|OID)(\s+)\d+\b"), r"\g<1>\g<2>00000"),  # also over the end of a line
    (re.compile(r'"(system_identifier|server_address)": "[^"]*"'), r'"\1": "0"'),
    (re.compile(r'"(database_oid|table_oid|server_port|server_version|timeline)": \d+'), r'"\1": 0'),
    (re.compile(r"\b\d+\.\d+ s\b"), "0.0 s"),
    (re.compile(r'\btime="[\d.]+"'), 'time="0.000"'),
    (re.compile(r'"(seconds|bytes|table_bytes)": [\d.]+'), r'"\1": 0'),
    (re.compile(r"\b\d+(\.\d)? (kB|MB)\b"), "000.0 kB"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:00000"),
    (re.compile(r"/[^\s?=\"]*\bgenreq-[a-z0-9_]{8}\b"), "/tmp/genreq-00000000"),  # an embedded server's folder
    (
        re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)*"),
        "Traceback\n",
    ),  # it names files of this machine
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the recording: when it began, and its texts that must not appear, with their replacements."""

    since: datetime
    words: Mapping[str, str]

    def normal(self, text: str) -> str:
        """A text without what differs between two runs."""
        for word, plain in self.words.items():
            text = text.replace(word, plain)
        text = INSTANT.sub(self._instant, text)
        for pattern, fixed in RULES:
            text = pattern.sub(fixed, text)
        return text.replace(f"{self.since:%Y-%m-%d}", DAY).replace(f"{datetime.now(UTC):%Y-%m-%d}", DAY)

    def _instant(self, found: re.Match[str]) -> str:
        """An instant of this run as a fixed one; the data's own instants stay."""
        day, between, minute, second, zone = found.groups()
        when = datetime.fromisoformat(f"{day}T{minute}{second or ':59'}").replace(tzinfo=UTC)
        if not self.since <= when <= datetime.now(UTC).replace(microsecond=999_999, second=59):
            return found[0]
        return f"{day and DAY}{between}{TIME if second else TIME[:5]}{zone or ''}"
