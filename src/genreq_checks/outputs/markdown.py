"""The report as GitHub's Markdown: the verdict, what does not pass, then the rest folded; within the step summary's limit."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from genreq_checks.outputs.figures import meanwhile, provenance, rate_table, units
from genreq_checks.outputs.grid import Cause, causes, counted, families, first_rows, open_checks, without_command
from genreq_checks.outputs.shown import shown
from genreq_checks.outputs.verdict import (
    MARKS,
    WORDS,
    headline,
    how_it_ran,
    standing,
    tally_line,
    worst_first,
)
from genreq_checks.report import CheckResult, Report
from genreq_checks.text import line, plural

LIMIT = 1024 * 1024
NOTE_ROOM = 300
# Every character with a meaning in Markdown: CommonMark allows a backslash before any of them.
SPECIAL = re.compile(r"([\\`*_\[\]{}~|!$^=+#]|^-|(?<=^\d)[.)](?=\s))")


@dataclass(frozen=True, slots=True)
class Section:
    """Lines between a head and a tail; when there is no room, lines are left out, never the head or the tail alone."""

    head: str
    lines: tuple[str, ...]
    tail: str = ""


def render(report: Report, limit: int = LIMIT) -> str:
    """The report as Markdown of at most `limit` bytes; what had to be left out is counted in a note at the end."""
    if limit < NOTE_ROOM:
        return ""
    room = limit - NOTE_ROOM
    parts: list[str] = []
    left_out = 0
    for section in _sections(report):
        if not section.lines:
            continue
        fixed = _bytes(section.head) + _bytes(section.tail)
        if fixed > room:
            left_out += len(section.lines)
            continue
        room -= fixed
        kept: list[str] = []
        for text in section.lines:
            if _bytes(text) > room:
                break
            kept.append(text)
            room -= _bytes(text)
        left_out += len(section.lines) - len(kept)
        parts += [section.head, *kept, section.tail]
    if left_out:
        parts.append(
            f"\n{left_out:,} more lines do not fit here; `--format json` and `--format html` have all of them.\n"
        )
    return "".join(parts)


def escape(text: str) -> str:
    """Text that Markdown and HTML show as text: no markup, no link, no mention of a person, no reference to an issue."""
    shown = SPECIAL.sub(r"\\\1", html.escape(line(text).strip(), quote=False))
    shown = shown.replace("://", ":\\/\\/").replace("www.", "www\\.")
    return re.sub(r"([@#])(?=\w)", "\\1\u200b", shown)  # GitHub looks for mentions after rendering


def escape_html(text: str) -> str:
    """Text within a piece of HTML, where Markdown has no meaning: no link, no mention, no reference."""
    shown = html.escape(line(text).strip(), quote=False).replace("#", "&num;")
    return shown.replace("@", "&commat;").replace("://", "&colon;//").replace("www.", "www&period;")


def _sections(report: Report) -> Iterable[Section]:
    about = shown(report)
    verdict = f"**{about.word}** {escape(about.text)}\n\n"
    verdict += f"## {MARKS[report.outcome]} {WORDS[report.outcome]}: {escape(headline(report))}\n\n"
    yield Section(verdict, (f"{escape(tally_line(report))}\n",))
    head = "\n### Not passing\n\n| outcome | check | rows | passed | failed | found | what to do |\n"
    head += "|---|---|--:|--:|--:|---|---|\n"
    open_ones = open_checks(report)
    failed = [row for check in open_ones if check.outcome == "fail" for row in _findings(check)]
    others = [row for check in open_ones if check.outcome != "fail" for row in _findings(check)]
    yield Section(head, (*failed, *map(_cause, causes(report)), *others))
    for check in open_ones:
        yield from _rows(check)
    steps = (
        f"| {MARKS[s.outcome]} {WORDS[s.outcome]} | {escape(s.name)} | {s.seconds:.1f} s | {escape(s.said)} |\n"
        for s in report.steps
    )
    yield Section("\n### Steps\n\n| outcome | step | time | said |\n|---|---|--:|---|\n", tuple(steps))
    yield _rates(report)
    yield Section("\n", tuple(f"- {escape(text)}\n" for text in meanwhile(report)))
    head = "| outcome | check | ran | counted | about |\n|---|---|---|---|---|\n"
    yield _folded("All checks", head, (_check(check) for check in worst_first(report)))
    rows = (
        f"| {standing(r)} | {escape(r.id)} | {escape(r.text)} | {escape(', '.join(r.checks))} "
        f"| {escape(', '.join(r.unproven))} |\n"
        for r in report.requirements
    )
    head = "| standing | requirement | says | checks | unproven |\n|---|---|---|---|---|\n"
    yield _folded("Requirements", head, rows)
    yield _folded("What was read", "", (f"- {escape(text)}\n" for text in provenance(report)))


def _rates(report: Report) -> Section:
    table = rate_table(report)
    head = f"\n### Populated, of {escape(report.plan.rows)}\n\n"
    head += f"| column | {' | '.join(table.headings)} |\n|---|{'--:|' * len(table.headings)}\n"
    rows = (f"| {escape(row.name)} | {' | '.join(escape(_both(cell)) for cell in row.cells)} |\n" for row in table.rows)
    return Section(head, tuple(rows))


def _both(cell: tuple[str, str]) -> str:
    big, small = cell
    return f"{big} {small}" if small.startswith("[") else f"{big} ({small})" if small else big


def _folded(title: str, head: str, rows: Iterable[str]) -> Section:
    return Section(f"\n<details><summary>{title}</summary>\n\n{head}", tuple(rows), "\n</details>\n")


def _cause(cause: Cause) -> str:
    names = "; ".join(escape(family.words) for family in families(cause.checks))
    about = f"{plural(len(cause.checks), 'check')}: {names} | – | – | –"
    return f"| {MARKS['unknown']} {WORDS['unknown']} | {about} | {escape(cause.reason)} | {escape(cause.remedy)} |\n"


def _findings(check: CheckResult) -> list[str]:
    name, count = escape(check.id), counted(check)
    numbers = f"{count.rows} | {count.passed} | {count.failed}"
    rows: list[str] = []
    for finding in check.findings:
        outcome, to_do = (
            f"{MARKS[finding.outcome]} {WORDS[finding.outcome]}",
            without_command(check, finding.remedy),
        )
        rows.append(f"| {outcome} | {name} | {numbers} | {escape(finding.message)} | {escape(to_do)} |\n")
        numbers = " | | "
    if check.found > len(check.findings):
        rows.append(f"| | {name} | | | | {len(check.findings):,} of {check.found:,} findings | |\n")
    return rows


def _rows(check: CheckResult) -> Iterable[Section]:
    """The first rows behind a check and the command that lists all of them, folded."""
    examples = check.examples
    if not check.command and examples is None:
        return
    lines: list[str] = []
    if examples is not None and examples.rows:
        names = [*examples.key, "time", "finding", *examples.columns]
        lines += [f"| {' | '.join(map(escape, names))} |\n", f"|{'---|' * len(names)}\n"]
        for row in examples.rows:
            values = (*row.key, row.time or "–", row.finding, *row.values)
            lines.append(f"| {' | '.join(map(escape, values))} |\n")
        lines.append("\n")
    if check.command:
        lines.append(f"<pre><code>{escape_html(check.command)}</code></pre>\n")
    yield _folded(escape_html(f"Rows behind {check.id}. {first_rows(check)}"), "", lines)


def _check(check: CheckResult) -> str:
    first = escape(check.findings[0].message) if check.outcome == "pass" and check.findings else ""
    about = f"{escape(check.title)}. {first}" if first else escape(check.title)
    outcome = f"{MARKS[check.outcome]} {WORDS[check.outcome]}"
    return f"| {outcome} | {escape(check.id)} | {how_it_ran(check)} | {escape(units(check))} | {about} |\n"


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
