"""The report for a terminal: the verdict, what changed, each check, where it was read. Reads well without colour."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genreq_checks.render.verdict import MARKS, WORDS, common_reason, headline
from genreq_checks.results import CheckResult, Outcome, Report
from genreq_checks.wording import percent, plural, points, span

STYLES: dict[Outcome, str] = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "unknown": "bold magenta",
    "skip": "dim",
}


def render(report: Report, width: int = 80, colour: bool = False) -> str:
    """The report as text, `width` columns wide, with ANSI colours or without."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in _parts(report):
        console.print(part, soft_wrap=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def clean(text: str) -> str:
    """Text without control characters and bidirectional marks: nothing in it may move the cursor or turn the line."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _parts(report: Report) -> Iterator[Text | Table]:
    yield Text(f"{WORDS[report.outcome]}  ", style=STYLES[report.outcome]).append(clean(headline(report)), style="bold")
    reason = common_reason(report)
    if reason:
        yield Text(f"\n  {clean(reason)}")
    if report.steps:
        yield from _steps(report)
    if report.rates:
        yield from _rates(report)
    if not reason:
        yield Text("\nChecks", style="bold")
        for check in report.checks:
            if check.outcome != "skip":
                yield _check(check)
    skipped = [check.id for check in report.checks if check.outcome == "skip"]
    if skipped:
        yield Text(f"  {MARKS['skip']} not asked for: {', '.join(skipped)}", style="dim")
    unproven = [row.id for row in report.requirements if row.outcome in ("skip", "unknown")]
    if unproven and not reason:
        yield Text("\nRequirements", style="bold")
        proved = [row for row in report.requirements if row.outcome in ("pass", "warn")]
        failed = [row.id for row in report.requirements if row.outcome == "fail"]
        line = f"  {len(proved)} of {len(report.requirements)} proved"
        line += f"; failed: {', '.join(failed)}" if failed else ""
        yield Text(clean(f"{line}; unproven: {', '.join(unproven)}"))
    yield Text("\nRead", style="bold")
    for line in _provenance(report):
        yield Text(clean(f"  {line}"))


def _rates(report: Report) -> Iterator[Text | Table]:
    yield Text("\nPopulated, of completed rows", style="bold")
    sides = list(dict.fromkeys(rate.side for rate in report.rates))
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("  column", no_wrap=True)
    for side in sides:
        table.add_column(side, justify="right")
    if report.changes:
        table.add_column("points [95 %]", justify="right")
    for column in dict.fromkeys(rate.column for rate in report.rates):
        cells: list[str] = [f"  {clean(column)}"]
        for side in sides:
            rate = report.rate(column, side)
            cells.append(
                f"{percent(rate.populated, rate.rows)}\n{rate.populated:,} of {rate.rows:,}"
                if rate and rate.rows
                else "no rows"
            )
        change = next((c for c in report.changes if c.column == column), None)
        if change:
            difference = "" if change.difference is None else points(change.difference)
            cells.append(f"{difference}\n{span(change.low, change.high)}")
        elif report.changes:
            cells.append("")
        table.add_row(*cells)
    yield table
    for row in report.meanwhile:
        if row.populated_then != row.populated_now or row.rows_then != row.rows_now:
            text = f"  meanwhile, before the cutover: {row.column} {row.populated_then:,} of {row.rows_then:,}"
            yield Text(clean(f"{text} at the baseline, {row.populated_now:,} of {row.rows_now:,} now"))


def _check(check: CheckResult) -> Text:
    text = Text(f"  {MARKS[check.outcome]} ", style=STYLES[check.outcome]).append(
        f"{WORDS[check.outcome]:<8}", style=STYLES[check.outcome]
    )
    text.append(clean(check.id), style="bold")
    for finding in check.findings[:20]:
        text.append(f"\n    {clean(finding.message)}", style="")
        if finding.remedy and finding.outcome != "pass":
            text.append(f"\n    → {clean(finding.remedy)}", style="cyan")
    if check.found > 20:
        text.append(f"\n    20 of {check.found:,}; all of them: --format json, or genreq-checks rows {check.id} SOURCE")
    return text


def _steps(report: Report) -> Iterator[Text]:
    yield Text("\nSteps", style="bold")
    for step in report.steps:
        line = Text(f"  {MARKS[step.outcome]} ", style=STYLES[step.outcome])
        locks = f" Locks on the table: {', '.join(step.locks)}." if step.locks else ""
        yield line.append(clean(f"{step.name} ({step.seconds:.1f} s): {step.message}{locks}"), style="")


def _provenance(report: Report) -> Iterator[str]:
    names = {"after": "source", "before": "baseline"}
    for key, source in report.sources.items():
        by = f" as {source.role}" if source.role else ""
        server = f", {source.server}" if source.server else ""
        took = f", in {source.seconds:.1f} s" if source.seconds is not None else ""
        yield f"{names.get(key, key)}: {source.location}{by}{server}, read-only, {source.read_at:%Y-%m-%d %H:%M:%S} UTC{took}"
        yield from source.notes
    if report.statuses:
        total = sum(report.statuses.values())
        yield f"{plural(total, 'row')}: " + ", ".join(f"{n:,} {status}" for status, n in report.statuses.items())
    cutover = f"{report.plan.cutover:%Y-%m-%d %H:%M:%S} UTC" if report.plan.cutover else "none"
    yield f"plan: {report.plan.title} ({report.plan.fingerprint}), phase {report.phase}, cutover {cutover}"
    yield f"{report.tool.name} {report.tool.version}"
    yield from report.notes
