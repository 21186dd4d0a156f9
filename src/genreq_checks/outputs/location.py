"""The place in the team's files that a finding points to, if any."""

from __future__ import annotations

from dataclasses import dataclass

from genreq_checks.report import Finding


@dataclass(frozen=True, slots=True)
class Place:
    """A file, absolute or relative to the folder that was read, and a line from 1 on, if known."""

    file: str
    line: int | None = None


def place_of(finding: Finding) -> Place | None:
    """The file and line of the finding's evidence (`file`, `line`)."""
    file, number = finding.evidence.get("file"), finding.evidence.get("line")
    if isinstance(file, str) and file and file.isprintable():
        return Place(file[:1000], number if type(number) is int and number > 0 else None)
    return None
