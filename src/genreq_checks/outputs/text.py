"""The report for a terminal: the verdict, what does not pass, the rates, the rest folded. It is complete without colour."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from genreq_checks.facts import Outcome
from genreq_checks.outputs.figures import meanwhile, provenance, rate_table
from genreq_checks.outputs.grid import (
    NONE,
    Cause,
    causes,
    counted,
    families,
    first_rows,
    open_checks,
    passed,
    remedies,
    skipped,
)
from genreq_checks.outputs.shown import Kind, shown
from genreq_checks.outputs.verdict import MARKS, WORDS, common_reason, headline, standing
from genreq_checks.report import CheckResult, Report
from genreq_checks.text import line, plural

STYLES: dict[Outcome, str] = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "unknown": "bold magenta",
    "skip": "dim",
}
KINDS: dict[Kind, str] = {"sample": "bold yellow", "unread": "bold magenta", "snapshot": "bold", "live": "bold"}
FINDINGS = 20
NARROW, WIDE = 72, 120  # below the first the counts are words; from the second on there is room for what to do
ID_AT, ID_ROOM, NUMBER = 12, 34, 9  # columns: where a check's id begins, what it needs, what a count needs
# A CI runner reads a line that begins with the first, or holds the second, as a command, even after a line wrap.
COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)", re.MULTILINE)


def render(report: Report, width: int = 80, colour: bool = False) -> str:
    """The report as text, `width` columns wide (40 at least), with ANSI colours or without.

    A command that is longer than a line is not broken, so that it can be copied.
    """
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
    for part in _parts(report, console.width):
        console.print(part, soft_wrap=isinstance(part, Command))
    text = "\n".join(row.rstrip() for row in out.getvalue().split("\n")).rstrip("\n") + "\n"
    return COMMAND.sub(lambda found: f"{found[0]} ", text)


class Command(Text):
    """A line that is not wrapped."""


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    about = shown(report)
    yield _row(f"{about.word}  ", Text(about.text, style="dim"), KINDS.get(about.kind, ""))
    yield _row(f"{WORDS[report.outcome]}  ", Text(line(headline(report)), style="bold"), STYLES[report.outcome])
    yield from _not_passing(report, width)
    if report.steps:
        yield Text("\nSteps", style="bold")
        for step in report.steps:
            said = Text(line(f"{step.name} ({step.seconds:.1f} s): {step.said}"))
            yield _row(f"  {MARKS[step.outcome]} ", said, STYLES[step.outcome])
    if report.rates:
        yield Text(f"\nPopulated, of {line(report.plan.rows)}", style="bold")
        yield from _rates(report, width)
        for text in meanwhile(report):
            yield _row("  ", Text(text))
    yield from _folded(report)
    if report.requirements and not common_reason(report):
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


def _rates(report: Report, width: int) -> Iterator[RenderableType]:
    """The rates as a table, or one under the other where a table would break its words."""
    found = rate_table(report)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("  column", overflow="fold")
    for heading in found.headings:
        table.add_column(heading, justify="right")
    longest = widest = 0
    for row in found.rows:
        name = f"    {row.among}" if row.among else f"  {row.column}"
        table.add_row(name, *(f"{big}\n{small}".rstrip() for big, small in row.cells))
        longest = max(longest, cell_len(name))
        widest = max(widest, *(cell_len(text) for cell in row.cells for text in cell))
    if longest + len(found.headings) * (widest + 2) <= width:
        yield table
        return
    for row in found.rows:
        yield _row("  ", Text(row.name, style="bold"))
        for heading, (big, small) in zip(found.headings, row.cells, strict=True):
            if big:
                yield _row(f"    {heading}  ", Text(f"{big}  {small}".rstrip()))


def _not_passing(report: Report, width: int) -> Iterator[RenderableType]:
    """What failed, could not be judged or warns, worst first: one line for each in fixed columns, then why and what to do."""
    checks, shared = open_checks(report), causes(report)
    if not checks and not shared:
        return
    yield Text()
    numbered = any(counted(check).rows != NONE for check in checks)
    if numbered and width >= NARROW:
        yield _columns(width, Text(), Text("check"), ("rows", "passed", "failed"), Text("what to do"), "dim")
    for check in checks:
        if check.outcome == "fail":
            yield from _check(check, width, numbered)
    for cause in shared:
        yield from _cause(cause)
    for check in checks:
        if check.outcome != "fail":
            yield from _check(check, width, numbered)


def _columns(
    width: int, mark: Text, name: Text, numbers: tuple[str, str, str], remedy: Text, style: str = ""
) -> RenderableType:
    """The fixed columns; what to do stands in the last one where there is room for it, otherwise under them."""
    grid = Table.grid(padding=0)
    grid.style = style
    grid.add_column(width=ID_AT, no_wrap=True)
    grid.add_column(width=ID_ROOM if width >= WIDE else width - ID_AT - 3 * NUMBER, overflow="fold")
    for _ in numbers:
        grid.add_column(width=NUMBER, justify="right", no_wrap=True)
    cells = [mark, name, *map(Text, numbers)]
    if width >= WIDE:
        grid.add_column(width=2)
        grid.add_column(overflow="fold")
        cells += [Text(), remedy]
    grid.add_row(*cells)
    return grid


def _check(check: CheckResult, width: int, numbered: bool) -> Iterator[RenderableType]:
    style, counts, name = STYLES[check.outcome], counted(check), Text(line(check.id), style="bold")
    mark = f"  {MARKS[check.outcome]} {WORDS[check.outcome]:<8}"
    found = check.findings[:FINDINGS]
    to_do = [line(remedy) for remedy in remedies(check)[:FINDINGS]]
    if width >= NARROW:
        numbers = (counts.rows, counts.passed, counts.failed) if numbered else ("", "", "")
        yield _columns(width, Text(mark, style=style), name, numbers, Text("\n".join(to_do), style="cyan"))
    else:
        yield _row(mark, name, style)
        if counts.failed != NONE:
            yield _row("    ", Text(f"{counts.rows} rows: {counts.passed} passed, {counts.failed} failed"))
    for finding in found:
        yield _row("    ", Text(line(finding.message)))
    if check.found > FINDINGS:
        yield _row("    ", Text(f"{FINDINGS} of {check.found:,} findings; the rest: --format json"))
    told = first_rows(check)
    if told:
        yield _row("    ", Text(line(told)))
    for remedy in to_do if width < WIDE else ():
        yield _row("    → ", Text(remedy, style="cyan"), "cyan")
    if check.command:
        yield Command(f"    {line(check.command)}", style="cyan")


def _cause(cause: Cause) -> Iterator[RenderableType]:
    """One reason for several checks: it is said once."""
    style = STYLES["unknown"]
    count = f"{plural(len(cause.checks), 'check')} could not be judged, all for this reason:"
    yield _row(f"  {MARKS['unknown']} {WORDS['unknown']:<8}", Text(count, style="bold"), style)
    yield _row("    ", Text(line(cause.reason)))
    if cause.remedy:
        yield _row("    → ", Text(line(cause.remedy), style="cyan"), "cyan")
    for family in families(cause.checks):
        yield _row("      ", Text(line(family.words), style="dim"))


def _folded(report: Report) -> Iterator[RenderableType]:
    """The checks that passed, and those that were not asked for: one line a family."""
    good, unasked = families(passed(report)), families(skipped(report))
    if good:
        yield Text("\nPassed", style="bold")
    for family in good:
        said = " ".join(one.message for one in family.only.findings) if family.only else ""
        yield _row(
            f"  {MARKS['pass']} ", Text(line(f"{family.words} – {said}" if said else family.words)), STYLES["pass"]
        )
    if unasked:
        names = ", ".join(f"{one.name} ({len(one.subjects)})" if one.subjects else one.name for one in unasked)
        yield _row(f"  {MARKS['skip']} ", Text(line(f"not asked for: {names}"), style="dim"), "dim")


def _requirements(report: Report) -> Iterator[RenderableType]:
    yield Text("\nRequirements", style="bold")
    groups: dict[str, list[str]] = {"proved": [], "proved in part": [], "failed": [], "unproven": []}
    for requirement in report.requirements:
        groups[standing(requirement)].append(requirement.id)
    yield Text(f"  {len(groups['proved']):,} of {len(report.requirements):,} proved")
    for words in ("failed", "unproven", "proved in part"):
        if groups[words]:
            yield _row(f"  {words}: ", Text(line(", ".join(groups[words]))))
