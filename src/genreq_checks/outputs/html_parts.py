"""The parts of the HTML report. Every value goes through `esc`; outcomes stand as shape and word, colour only helps."""

from __future__ import annotations

import html

from genreq_checks.facts import Outcome
from genreq_checks.outputs.figures import facts, rate_table, units
from genreq_checks.outputs.verdict import WORDS, how_it_ran, standing, worst_first
from genreq_checks.report import WORST_FIRST, CheckResult, Finding, Report
from genreq_checks.text import line

# Round, triangle, octagon, diamond and ring: told apart without colour and when small.
SHAPES: dict[Outcome, str] = {
    "pass": '<circle cx="10" cy="10" r="9"/><path d="M5.5 10.5l3 3 6-7" class="cut"/>',
    "warn": '<path d="M10 1.5L19.2 18H.8z"/><path d="M10 7v5.2M10 14.4v1.4" class="cut"/>',
    "fail": '<path d="M6.2 1h7.6L19 6.2v7.6L13.8 19H6.2L1 13.8V6.2z"/><path d="M6.5 6.5l7 7m0-7l-7 7" class="cut"/>',
    "unknown": '<path d="M10 .5L19.5 10 10 19.5.5 10z"/><path d="M7.7 8.2a2.3 2.3 0 1 1 3.4 2c-.8.4-1.1.9-1.1 1.7m0 2v1.2"'
    ' class="cut"/>',
    "skip": '<circle cx="10" cy="10" r="8" class="ring"/><path d="M6 10h8" class="ring"/>',
}
CUT = "fill:none;stroke:var(--paper);stroke-width:2"
RING = "fill:none;stroke:currentColor;stroke-width:2"


def esc(text: str) -> str:
    """Text as HTML text or attribute value: one line, no control characters, nothing that is markup."""
    return html.escape(line(text), quote=True)


def outcome_mark(outcome: Outcome, word: str | None = None) -> str:
    """An outcome as shape and word."""
    shape = SHAPES[outcome].replace('class="cut"', f'style="{CUT}"').replace('class="ring"', f'style="{RING}"')
    picture = f'<svg viewBox="0 0 20 20" fill="currentColor" aria-hidden="true" focusable="false">{shape}</svg>'
    return f'<span class="outcome {outcome}">{picture}{word or WORDS[outcome]}</span>'


def counts(report: Report) -> str:
    """How many checks came out how."""
    items = (
        f"<li>{outcome_mark(outcome, f'{report.counts.get(outcome, 0):,} {outcome}')}</li>" for outcome in WORST_FIRST
    )
    return f'<ul class="counts" aria-label="Checks by outcome">{"".join(items)}</ul>'


def checks_table(report: Report) -> str:
    """A row per check, worst first: outcome, check, what was found, whether it ran, what it counted, what to do."""
    names = ("Outcome", "Check", "Ran", "Found", "Counted", "What to do")
    return _stacking("checks", names, "".join(_check(check) for check in worst_first(report)))


def _stacking(kind: str, names: tuple[str, ...], rows: str) -> str:
    """A table that becomes a list of blocks on a phone; the roles are said, for then it is none to a screen reader."""
    head = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in names)
    return (
        f'<table role="table" class="stack {kind}"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )


def _check(check: CheckResult) -> str:
    requirement = f"<br>proves {esc(check.requirement)}" if check.requirement else ""
    remedies = dict.fromkeys(f.remedy for f in check.findings if f.remedy and f.outcome != "pass")
    todo = "".join(f"<li>{esc(remedy)}</li>" for remedy in remedies)
    last = f'<td role="cell" data-name="To do"><ul>{todo}</ul></td>' if todo else '<td role="cell"></td>'
    return (
        f'<tr role="row"><td role="cell">{outcome_mark(check.outcome)}</td>'
        f'<th scope="row" role="rowheader" ><span class="id">{esc(check.id)}</span>'
        f'<br><span class="small">{esc(check.title)}{requirement}</span></th>'
        f'<td role="cell" data-name="Ran">{how_it_ran(check)}</td>'
        f'<td role="cell">{_findings(check)}</td>'
        f'<td role="cell" data-name="Counted">{esc(units(check)) or "–"}</td>'
        f"{last}</tr>"
    )


def _findings(check: CheckResult) -> str:
    items = "".join(f"<li>{_finding(finding, check)}</li>" for finding in check.findings)
    cut = len(check.findings) < check.found
    more = f'<p class="small">{len(check.findings):,} of {check.found:,} findings</p>' if cut else ""
    if len(check.findings) > 5:
        words = f"{len(check.findings):,} findings"
        first = _finding(check.findings[0], check)
        return f"{first}<details><summary>{words}</summary><ul>{items}</ul></details>{more}"
    return f"<ul>{items}</ul>{more}"


def _finding(finding: Finding, check: CheckResult) -> str:
    shown = facts(finding.evidence)
    pairs = "".join(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in shown)
    evidence = f'<details><summary>evidence</summary><dl class="facts">{pairs}</dl></details>' if pairs else ""
    name = f'<span class="id">{esc(finding.subject)}</span>: ' if _is_told(finding, check) else ""
    said = f"<div>{name}{esc(finding.message)}{evidence}</div>"
    if finding.outcome == check.outcome:
        return said
    return f'<div class="mixed">{outcome_mark(finding.outcome)}{said}</div>'


def _is_told(finding: Finding, check: CheckResult) -> bool:
    """Is the subject more than what the check's id and the message say already?"""
    return finding.subject not in check.id and finding.subject not in finding.message


def rates(report: Report) -> str:
    """The rates before and after, each with its counts, and the classes behind them."""
    table = rate_table(report)
    head = "".join(f'<th scope="col" class="number">{esc(heading)}</th>' for heading in table.headings)
    rows = "".join(
        f'<tr><th scope="row" class="id">{esc(row.column)}</th>'
        + "".join(
            f'<td class="number">{esc(big)}<br><span class="small">{esc(small)}</span></td>' for big, small in row.cells
        )
        + "</tr>"
        for row in table.rows
    )
    main = f'<table><thead><tr><th scope="col">Column</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return _scroll("Population rates", main) + _classes(report)


def _classes(report: Report) -> str:
    names = ("rows", "populated", "null", "blank", "malformed")
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row" class="id">{esc(rate.column)}</th><td>{esc(rate.side)}</td>'
        + "".join(f'<td class="number">{getattr(rate, name):,}</td>' for name in names)
        + "</tr>"
        for rate in report.rates
    )
    table = (
        f'<table><thead><tr><th scope="col">Column</th><th scope="col">Side</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    derived = "".join(
        f"<li>{esc(d.column)}, {esc(d.side)}: {d.match:,} match, {d.none:,} none, {d.missing:,} missing, "
        f"{d.wrong:,} wrong, {d.unexpected:,} unexpected</li>"
        for d in report.derivation
    )
    listed = f'<p class="small">Derived as the plan says:</p><ul class="small">{derived}</ul>' if derived else ""
    return f"<details><summary>all classes</summary>{_scroll('Classes of each column', table)}{listed}</details>"


def _scroll(label: str, table: str) -> str:
    return f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">{table}</div>'


def requirements(report: Report) -> str:
    """What the plan asks for, the checks that prove it, and whether they do."""
    marks: dict[str, Outcome] = {"proved": "pass", "proved in part": "unknown", "failed": "fail", "unproven": "skip"}
    rows = "".join(
        f'<tr role="row"><td role="cell">{outcome_mark(marks[standing(r)], standing(r))}</td>'
        f'<th scope="row" role="rowheader">{esc(r.text)}<br><span class="small id">{esc(r.id)}</span></th>'
        f'<td role="cell" class="small" data-name="Checks">{esc(", ".join(r.checks))}</td>'
        f'<td role="cell" class="small" data-name="Not proven by">{esc(", ".join(r.unproven)) or "–"}</td></tr>'
        for r in report.requirements
    )
    return _stacking("requirements", ("Standing", "Requirement", "Checks", "Not proven by"), rows)


def steps(report: Report) -> str:
    """The steps of a rehearsal."""
    rows = "".join(
        f'<tr><td>{outcome_mark(s.outcome)}</td><th scope="row">{esc(s.name)}</th>'
        f'<td class="number">{s.seconds:.1f} s</td><td>{esc(s.said)}</td></tr>'
        for s in report.steps
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Outcome", "Step", "Time", "Said"))
    return _scroll("Steps", f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
