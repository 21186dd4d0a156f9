"""What a check is: a name, what it looks at, when it applies, and a function that judges evidence into findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from genreq_checks.evidence import Evidence
from genreq_checks.plan import Plan
from genreq_checks.results import Finding, Outcome, Phase


@dataclass(frozen=True, slots=True)
class Check:
    """One check; its results' ids are `name.subject`, or `name` when the one subject is ''.

    `title` is a format string with `{subject}`. `judge` gets the evidence and a subject, does no I/O, and never learns
    what the sides were made from. `count` is how many findings there are when `judge` gives only the first of them.
    `worst` is the worst outcome that it can give.
    """

    name: str
    title: str
    phases: frozenset[Phase]
    subjects: Callable[[Plan], Sequence[str]]
    judge: Callable[[Evidence, str], Sequence[Finding]]
    count: Callable[[Evidence, str], int | None] | None = None
    worst: Outcome = "fail"

    def id(self, subject: str) -> str:
        """The id of the result about a subject."""
        return f"{self.name}.{subject}" if subject else self.name


def unknown(subject: str, reason: str, remedy: str = "") -> Finding:
    """A finding that could not be judged, and why."""
    return Finding(subject=subject, outcome="unknown", message=f"Not judged: {reason}", remedy=remedy)
