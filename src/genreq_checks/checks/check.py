"""What a check is: its name, what it reads and needs, when it applies, how it judges, and the faults it must detect.

Everything about one check is in its file. Functions that build SQL import what they need when they are called, so
that importing a check loads no SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreq_checks.checks.fault import Fault
from genreq_checks.evidence.contradictions import Fact
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Outcome
from genreq_checks.plan import Plan
from genreq_checks.report import Finding, Phase
from genreq_checks.scan.selection import Selection

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet
    from genreq_checks.scan.fusion import Probe


@dataclass(frozen=True, slots=True)
class Check:
    """One check; its results' ids are `name.subject`, or `name` when the one subject is ''.

    `title` is a format string with `{subject}`; `order` is its place in the report, `page` its documentation in Markdown.
    `judge` gets the evidence and a subject, does no I/O, and does not know what the sides were made from. `count` is
    the number of all findings when `judge` returns only the first of them. `worst` is the worst outcome it can return.

    What it needs: `facets` are the row classifications that are counted for it, given the columns that can be read;
    `probes` are read separately; `fingerprints` says that it compares those; when something contradicts one of the `facts`,
    the subject's answer is unknown.
    `rows` are the rows behind its findings. The self-test plants each of the `faults`, and the check must detect it.
    """

    name: str
    title: str
    order: int
    page: str
    phases: frozenset[Phase]
    subjects: Callable[[Plan], Sequence[str]]
    judge: Callable[[Evidence, str], Sequence[Finding]]
    faults: tuple[Fault, ...]
    facts: Callable[[Plan, str], Collection[Fact]] = lambda _plan, _subject: ()
    facets: Callable[[Plan, Columns], Iterable[Facet]] | None = None
    probes: Callable[[Plan], Iterable[Probe]] | None = None
    fingerprints: bool = False
    rows: Callable[[Plan, str], Selection] | None = None
    count: Callable[[Evidence, str], int | None] | None = None
    worst: Outcome = "fail"

    def id(self, subject: str) -> str:
        """The id of the result about a subject."""
        return f"{self.name}.{subject}" if subject else self.name


def unknown(subject: str, reason: str, remedy: str = "") -> Finding:
    """A finding that could not be judged, and why."""
    return Finding(subject=subject, outcome="unknown", message=f"Not judged: {reason}", remedy=remedy)
