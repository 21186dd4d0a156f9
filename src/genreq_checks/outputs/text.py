"""The report for a terminal: the verdict, what changed, each check, where it was read. It is complete without colour."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from genreq_checks.facts import Outcome
from genreq_checks.outputs.figures import meanwhile, provenance, rate_table
from genreq_checks.outputs.verdict import MARKS, WORDS, common_reason, headline, standing, worst_first
from genreq_checks.report import CheckResult, Report
from genreq_checks.text import line

STYLES: dict[Outcome, str] = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "unknown": "bold magenta",
    "skip": "dim",
}
FINDINGS = 20
# A CI runner reads a line that begins with the first, or holds the second, as a command, even after a line wrap.
COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)", re.MULTILINE)


def render(report: Report, width: int = 80, colour: bool = False) -> str:
    """The report as text, `width` columns wide (40 at least), with ANSI colours or without."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in _parts(report):
        console.print(part, soft_wrap=False)
    text = "\n".join(row.rstrip() for row in out.getvalue().split("\n")).rstrip("\n") + "\n"
    return COMMAND.sub(lambda found: f"{found[0]} ", text)


def _parts(report: Report) -> Iterator[RenderableType]:
    word = f"{WORDS[report.outcome]}  "
    yield _row(word, Text(line(headline(report)), style="bold"), STYLES[report.outcome])
    reason = common_reason(report)
    if reason:
        yield Text()
        yield _row("  ", Text(line(reason)))
    if report.steps:
        yield Text("\nSteps", style="bold")
        for step in report.steps:
            said = Text(line(f"{step.name} ({step.seconds:.1f} s): {step.said}"))
            yield _row(f"  {MARKS[step.outcome]} ", said, STYLES[step.outcome])
    if report.rates:
        yield Text(f"\nPopulated, of {line(report.plan.rows)}", style="bold")
        yield _rates(report)
        for text in meanwhile(report):
            yield _row("  ", Text(text))
    if not reason:
        yield Text("\nChecks", style="bold")
        for check in worst_first(report):
            if check.outcome != "skip":
                yield from _check(check)
    skipped = [check.id for check in report.checks if check.outcome == "skip"]
    if skipped:
        yield _row(f"  {MARKS['skip']} ", Text(line(f"not asked for: {', '.join(skipped)}"), style="dim"), "dim")
    if report.requirements and not reason:
        yield from _requirements(report)
    yield Text("\nRead", style="bold")
    for text in provenance(report):
        yield _row("  ", Text(text))


def _row(mark: str, text: Text, style: str = "") -> RenderableType:
    """Text after a mark; what does not fit on its line is under the text."""
    grid = Table.grid(padding=0)
    grid.add_column(width=len(mark), no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style=style), text)
    return grid


def _rates(report: Report) -> Table:
    found = rate_table(report)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("  column", overflow="fold")
    for heading in found.headings:
        table.add_column(heading, justify="right")
    for row in found.rows:
        table.add_row(f"  {row.column}", *(f"{big}\n{small}".rstrip() for big, small in row.cells))
    return table


def _check(check: CheckResult) -> Iterator[RenderableType]:
    style = STYLES[check.outcome]
    head = Text(f"{WORDS[check.outcome]:<8}", style=style).append(line(check.id), style="bold")
    yield _row(f"  {MARKS[check.outcome]} ", head, style)
    for finding in check.findings[:FINDINGS]:
        yield _row("    ", Text(line(finding.message)))
        if finding.remedy and finding.outcome != "pass":
            yield _row("    → ", Text(line(finding.remedy), style="cyan"), "cyan")
    if check.found > FINDINGS:
        rest = f"{FINDINGS} of {check.found:,}; the rest: --format json, or genreq-checks rows {check.id} SOURCE"
        yield _row("    ", Text(line(rest)))


def _requirements(report: Report) -> Iterator[RenderableType]:
    yield Text("\nRequirements", style="bold")
    groups: dict[str, list[str]] = {"proved": [], "proved in part": [], "failed": [], "unproven": []}
    for requirement in report.requirements:
        groups[standing(requirement)].append(requirement.id)
    yield Text(f"  {len(groups['proved']):,} of {len(report.requirements):,} proved")
    for words in ("failed", "unproven", "proved in part"):
        if groups[words]:
            yield _row(f"  {words}: ", Text(line(", ".join(groups[words]))))
