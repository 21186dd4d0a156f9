"""The report's numbers in words, the same for every output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genreq_checks.report import CheckResult, Rate, RateChange, Report
from genreq_checks.text import line, listed, mask_urls, percent, plural, points, span

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class RateRow:
    """A column's rates: a share and its counts for each side, then the change and its interval where there is one.

    `among` says of which rows, where it is not of the whole side.
    """

    column: str
    cells: tuple[tuple[str, str], ...]
    among: str = ""

    @property
    def name(self) -> str:
        """The column, and among which rows."""
        return f"{self.column}, {self.among}" if self.among else self.column


@dataclass(frozen=True, slots=True)
class RateTable:
    """The rates of all columns, with one heading for each side."""

    headings: tuple[str, ...]
    rows: tuple[RateRow, ...]


def rate_table(report: Report) -> RateTable:
    """The report's rates, one row for each column; each rate has its counts."""
    sides = tuple(dict.fromkeys(rate.side for rate in report.rates))
    headings = (*sides, "points [95 %]") if report.changes else sides
    changes = {change.column: change for change in report.changes}
    rows: list[RateRow] = []
    for column in dict.fromkeys(rate.column for rate in report.rates):
        cells = [_rate(report.rate(column, side)) for side in sides]
        if report.changes:
            cells.append(_change(changes.get(column)))
        rows.append(RateRow(line(column), tuple(cells)))
        for part in report.rates_among:
            if part.column == column:
                shown = percent(part.populated, part.rows), f"{part.populated:,} of {part.rows:,}" if part.rows else ""
                there = tuple(shown if heading == part.side else ("", "") for heading in headings)
                rows.append(RateRow(line(column), there, f"where {line(part.field)} was sent"))
    return RateTable(headings, tuple(rows))


def _rate(rate: Rate | None) -> tuple[str, str]:
    if rate is None:
        return "not counted", ""
    return percent(rate.populated, rate.rows), f"{rate.populated:,} of {rate.rows:,}" if rate.rows else ""


def _change(change: RateChange | None) -> tuple[str, str]:
    if change is None or change.difference is None:
        return "–", ""
    return points(change.difference), span(change.low, change.high)


def content(report: Report) -> str | None:
    """What became of the baseline's rows and of their values, in one line; None when that was not asked."""
    rows = next((check for check in report.checks if check.id == "rows"), None)
    if rows is None or rows.outcome == "skip":
        return None
    counts = rows.findings[0].evidence
    then, gone = counts.get("then"), counts.get("gone")
    if not isinstance(then, int):
        return "rows of the baseline: not compared"
    compared = [check for check in report.checks if check.id.startswith("values.") and check.outcome != "skip"]
    same = [check for check in compared if check.outcome == "pass" and not _has_changes(check)]
    stand = "all there" if rows.outcome == "pass" and not gone else f"{gone:,} gone" if gone else "not the same"
    others = [line(check.id.removeprefix("values.")) for check in compared if check not in same]
    values = f"values changed, or not known to be the same, in {', '.join(others)}" if others else "no value changed"
    return f"{plural(then, 'row of the baseline', 'rows of the baseline')}: {stand}, {values}"


def _has_changes(check: CheckResult) -> bool:
    counts = check.findings[0].evidence
    return any(counts.get(name) for name in ("changed", "backfilled", "cleared", "blocks"))


def meanwhile(report: Report) -> list[str]:
    """What became of the baseline's rows and values, and how the rates before the cutover changed since, where they did."""
    told = content(report)
    return ([told] if told else []) + [
        f"rows before the cutover: {line(row.column)} {row.populated_then:,} of {row.rows_then:,} in the baseline, "
        f"{row.populated_now:,} of {row.rows_now:,} now"
        for row in report.meanwhile
        if (row.populated_then, row.rows_then) != (row.populated_now, row.rows_now)
    ]


def provenance(report: Report) -> list[str]:
    """What was read, by whom, when and under which plan, one line for each."""
    names = {"after": "source", "before": "baseline"}
    lines: list[str] = []
    for key, source in report.sources.items():
        by = f" as {source.role}" if source.role else ""
        server = f", {source.server}" if source.server else ""
        took = f", in {source.seconds:.1f} s" if source.seconds is not None else ""
        at = f"{source.read_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"{names.get(key, key)}: {source.location}{by}{server}, read-only, {at}{took}")
        lines.extend(source.notes)
    if report.statuses:
        total = sum(report.statuses.values())
        counts = ", ".join(f"{n:,} {status}" for status, n in report.statuses.items())
        lines.append(f"{plural(total, 'row')}: {counts}")
    cutover = f"{report.plan.cutover:%Y-%m-%d %H:%M:%S} UTC" if report.plan.cutover else "none"
    lines.append(f"plan: {report.plan.title} ({report.plan.fingerprint}), phase {report.phase}, cutover {cutover}")
    lines.append(f"{report.tool.name} {report.tool.version}")
    lines.extend(report.notes)
    return [line(text) for text in lines]


def units(check: CheckResult) -> str:
    """What a check counted, in a few words: rows and their classes, otherwise the number of findings."""
    first: Mapping[str, object] = check.findings[0].evidence if check.findings else {}
    after = first.get("after")
    numbers = after if isinstance(after, Mapping) else first
    rows = numbers.get("rows")
    if type(rows) is int:
        others = {line(str(key), 40): n for key, n in numbers.items() if key != "rows" and type(n) is int}
        return f"{plural(rows, 'row')}: {listed(others)}" if others else plural(rows, "row")
    if check.found > 1:
        return plural(check.found, "finding")
    return ""


def facts(evidence: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """A finding's evidence as names and values; text values are masked, and only the start of a list is shown."""
    found: list[tuple[str, str]] = []
    for key, value in evidence.items():
        name = f"{prefix}{line(str(key), 80)}"
        if isinstance(value, Mapping) and not prefix:
            found.extend(facts(value, f"{name} "))
        elif isinstance(value, list | tuple):
            more = f" … {SAMPLES} of {len(value):,}" if len(value) > SAMPLES else ""
            found.append((name, " · ".join(_shown(name, item) for item in value[:SAMPLES]) + more))
        else:
            found.append((name, _shown(name, value)))
    return found


def _shown(name: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if name in ("difference", "low", "high") and abs(value) <= 1:
            return f"{points(value)} points"
        text = f"{value:.6g}"
        return repr(value) if text in ("0", "1") and value not in (0.0, 1.0) else text
    return line(mask_urls(str(value)[:4_000]), 400)
