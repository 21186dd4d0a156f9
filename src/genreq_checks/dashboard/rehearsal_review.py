"""A saved report of a rehearsal, or the demo's story: its steps in their parts, and whether there is a way back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from genreq_checks.dashboard.arguments import read_arguments
from genreq_checks.dashboard.review import VARIABLES
from genreq_checks.errors import GenreqError, UsageError
from genreq_checks.facts import Outcome, Step
from genreq_checks.plan import load_plan
from genreq_checks.postgres.url import is_database_url
from genreq_checks.report import Report, worst
from genreq_checks.staging.finalise import load_report

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

VARIABLE = "GENREQ_REHEARSAL"  # not GENREQ_SOURCE, which names the table for the other notebooks
MAKE = "genreq-checks rehearse SOURCE --format json --output rehearsal.json"
FIRST = "Before the change"
BEGINS = {  # the step with which a part begins
    "retire": "The columns hidden",
    "stage": "The columns hidden",
    "forward": "Forward",
    "finalise": "Forward",
    "rollback": "Rollback and restore",
    "forward-again": "Forward again",
    "forward again": "Forward again",
}
REHEARSED_BACK = ("archive", "rollback", "restore", "rolled-back", "compare")
TOLD_BACK = ("archive", "rollback", "restore", "check: rolled-back")  # the demo compares by its checks
HIDDEN_BACK = ("retire", "undo")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A report with steps, or the problem that there was with it; neither when none was named."""

    report: Report | None = None
    problem: str | None = None
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """Whether there is a way back from a state, and the words of the steps that decide it."""

    outcome: Outcome
    told: str


def open_rehearsal(
    typed: str = "",
    arguments: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    story: bool = False,
) -> Rehearsed:
    """Read the report that was typed, else that of `--source`, else that of GENREQ_REHEARSAL; `story`: else the demo's.

    With `--plan` or GENREQ_PLAN a report that was made with another plan is a problem.
    """
    given = os.environ if environment is None else environment
    try:
        named = read_arguments(arguments or {}, ("source", "plan"))
        where = typed.strip() or named.get("source", "") or given.get(VARIABLE, "").strip()
        if not where:
            return Rehearsed(_story(), is_sample=True) if story else Rehearsed()
        report = _report(where)
        plan = named.get("plan", "") or given.get(VARIABLES["plan"], "").strip()
        if plan and load_plan(plan).with_table(report.plan.table).fingerprint != report.plan.fingerprint:
            raise UsageError("The report was made with another plan.", f"Rehearse again: {MAKE}")
    except GenreqError as error:
        return Rehearsed(problem=str(error))
    return Rehearsed(report, is_sample=any(source.sample for source in report.sources.values()))


def _report(where: str) -> Report:
    if is_database_url(where):
        raise UsageError("The source is a database, and this notebook reads a saved report.", f"Make one: {MAKE}")
    report = load_report(Path(where), MAKE)
    if not report.steps:
        raise UsageError("The report has no steps: it is not that of a rehearsal.", f"Make one: {MAKE}")
    return report


def _story() -> Report:
    from genreq_checks.demo import tell_story

    with tempfile.TemporaryDirectory(prefix="genreq-story-") as folder:
        return tell_story(Path(folder), lambda _: None).report


def source_sentence(opened: Rehearsed) -> str:
    """What the page shows: which table, when it was read, and how much of it was rehearsed."""
    report = opened.report
    if report is None:
        return opened.problem or f"No report is named. {MAKE} makes one; name it at the end, or play the demo there."
    source = report.sources.get("after")
    read = f", read {source.read_at:%Y-%m-%d %H:%M} UTC from {source.location}" if source else ""
    copied = "".join(f" {step.message}" for step in report.steps if step.name == "copy")
    kind = "The demo's sample data" if opened.is_sample else "A saved report"
    return f"{kind}: table {report.plan.table}{read}.{copied} What changed since is not in it."


def way_back(report: Report) -> Way:
    """Whether the state before the drop came back, values included: the worst of the steps that prove it."""
    return _way(report, REHEARSED_BACK if report.phase == "rehearsal" else TOLD_BACK)


def way_back_hidden(report: Report) -> Way:
    """Whether hidden columns came back, before they are dropped; unknown where hiding was not rehearsed."""
    return _way(report, HIDDEN_BACK)


def _way(report: Report, needed: tuple[str, ...]) -> Way:
    steps = [step for step in report.steps if step.name in needed]
    absent = [name for name in needed if name not in {step.name for step in steps}]
    lacking: list[Outcome] = ["unknown"] if absent else []
    outcome = worst([*map(_certain, steps), *lacking])
    if outcome == "pass":
        return Way(outcome, next(step.message for step in reversed(steps) if step.name == needed[-1]))
    told = [f"{step.name}: {step.message}" for step in steps if _certain(step) != "pass"]
    return Way(outcome, " ".join([*told, *([f"Not rehearsed: {', '.join(absent)}."] if absent else [])]))


def _certain(step: Step) -> Outcome:
    """The outcome of a step; one that was left out proves nothing."""
    return "unknown" if step.outcome == "skip" else step.outcome


def parts(report: Report) -> dict[str, tuple[Step, ...]]:
    """The steps in their order, by the part that they belong to."""

    def placed() -> Iterator[tuple[str, Step]]:
        part = FIRST
        for step in report.steps:
            part = BEGINS.get(step.name, part)
            yield part, step

    return {part: tuple(step for _, step in found) for part, found in groupby(placed(), lambda pair: pair[0])}


def step_rows(steps: tuple[Step, ...]) -> list[dict[str, str]]:
    """One line for each step."""
    return [
        {"step": step.name, "outcome": step.outcome, "seconds": f"{step.seconds:g}", "what happened": step.said}
        for step in steps
    ]
