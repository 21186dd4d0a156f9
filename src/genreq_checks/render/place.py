"""Where in the team's files a finding points to, if it does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from genreq_checks.results import Finding

POINTING = ("leftovers", "migrations")  # only their subjects are files; another's may merely look like file:line
SUBJECT = re.compile(r"(?P<file>[^\x00-\x1f]{1,1000}?):(?P<line>[1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, relative to the folder that was read or absolute, and a line from 1 on, if it is known."""

    file: str
    line: int | None = None


def place_of(check_id: str, finding: Finding) -> Place | None:
    """The file and line from the evidence (`file`, `line`) or, of checks that read files, from the subject `file:line`."""
    file, number = finding.evidence.get("file"), finding.evidence.get("line")
    if isinstance(file, str) and file and file.isprintable():
        return Place(file[:1000], number if type(number) is int and number > 0 else None)
    found = SUBJECT.match(finding.subject) if check_id.split(".")[0] in POINTING else None
    if found and found["file"].isprintable():
        return Place(found["file"], int(found["line"]))
    return None
