"""The dashboard's texts and tables about a reading; the numbers are the report's."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Literal, NamedTuple

from genreq_checks.checks import all_checks
from genreq_checks.dashboard.answer import Answer
from genreq_checks.dashboard.shared import Reading
from genreq_checks.facts import Outcome
from genreq_checks.outputs import figures
from genreq_checks.outputs.formats import MODULES, renderer
from genreq_checks.outputs.verdict import MARKS, WORDS, headline, standing
from genreq_checks.report import PHASES, CheckResult, Report
from genreq_checks.text import line, percent, points

BAD: tuple[Outcome, ...] = ("fail", "unknown", "warn")
DOWNLOADS = {  # format → the file's name and its kind
    "json": ("report.json", "application/json"),
    "junit": ("junit.xml", "application/xml"),
    "markdown": ("report.md", "text/markdown"),
    "html": ("report.html", "text/html"),
}
GONE: dict[Outcome, str] = {
    "pass": "gone",
    "warn": "gone, with a warning",
    "fail": "still there",
    "unknown": "unknown",
    "skip": "not asked",
}


class Card(NamedTuple):
    """A fact of the first screen: its column, its value with the mark of its outcome, and the text under it."""

    column: str
    value: str
    caption: str


class Download(NamedTuple):
    """A file to download, created when it is requested."""

    label: str
    name: str
    kind: str
    make: Callable[[], bytes]


def verdict(reading: Reading) -> str:
    """The answer in one sentence."""
    if reading.answer is not None:
        return line(headline(reading.answer.report))
    if reading.error is not None:
        return f"Nothing is known, since nothing could be read. {line(reading.error)}"
    return f"Nothing is known yet: the first reading has been running for {ago(reading.under_way or 0)}."


def stale(reading: Reading) -> str | None:
    """Why the shown answer is not current, and how old it is; None when it is current, or nothing is shown."""
    if reading.answer is None or not reading.is_stale or reading.age is None:
        return None
    old = f"This was read {ago(reading.age)} ago, at {_moment(reading.answer.now.source.read_at)}."
    if reading.error is not None:
        return f"{old} {line(reading.error)}"
    return f"{old} The next reading has been running for {ago(reading.under_way or 0)}."


def content(report: Report) -> str:
    """What became of the baseline's rows and values; '' when that was not asked."""
    told = figures.content(report)
    return f"{line(told[0].upper() + told[1:])}." if told else ""


def banner(reading: Reading) -> tuple[str, str, str] | None:
    """What the page shows: its kind, the kind's word, and the words about it; None before the first reading."""
    if reading.answer is None:
        return None
    what = reading.answer.shown(datetime.now(UTC))
    text = what.text
    if what.kind == "live" and reading.age is not None:
        text = f"{ago(reading.age)} ago; {text}"
    if what.kind == "sample":
        text = f"{text}. Name your own database: genreq-checks dashboard postgresql://user@host/database"
    return what.kind, what.word, line(text, 600)


def sign(reading: Reading) -> tuple[Outcome | Literal["sample"], str]:
    """The outcome and its mark and word; of sample data it is told that it is of those."""
    outcome: Outcome = reading.answer.report.outcome if reading.answer else "unknown"
    word = f"{MARKS[outcome]} {WORDS[outcome]}"
    if reading.answer is not None and reading.answer.shown().kind == "sample":
        return "sample", f"{word} of the sample data"
    return outcome, word


def phases(report: Report) -> list[tuple[str, str, bool]]:
    """The phases of a clean-up: name, what its check says, and whether the report is of this phase."""
    told: dict[str, str] = {
        "before": "is it safe to drop?",
        "held": "was nothing missed?",
        "after": "did it work?",
        "rolled-back": "is the old state back?",
    }
    told |= {report.phase: f"{MARKS[report.outcome]} {line(headline(report))}"}
    return [(phase, told.get(phase, ""), phase == report.phase) for phase in PHASES]


def requirement_rows(report: Report) -> list[dict[str, str]]:
    """The plan's requirements, failed and unproven ones first: what is proved, by which checks, and what is not."""
    order = ("failed", "unproven", "proved in part", "proved")
    found = sorted(report.requirements, key=lambda one: order.index(standing(one)))
    return [
        {
            "it is": standing(one),
            "requirement": line(one.text, 300),
            "checks": line(", ".join(one.checks), 300),
            "unproven": line(", ".join(one.unproven), 300),
        }
        for one in found
    ]


def rate_cards(report: Report) -> list[Card]:
    """Each kept column's present rate, with its counts, its outcome and the rate before."""
    cards = []
    changes = {change.column: change for change in report.changes}
    for rate in report.rates:
        if rate.side not in ("after", "all"):
            continue
        before = report.rate(rate.column, "before")
        change = changes.get(rate.column)
        told = f"{rate.populated:,} of {rate.rows:,}"
        if before is not None and before.rows:
            told += f" · before {percent(before.populated, before.rows)}"
        if change is not None and change.difference is not None:
            told += f" ({points(change.difference)} points)"
        judged = {check.id: check.outcome for check in report.checks}
        outcome = judged.get(f"population.{rate.column}", "skip")
        others = "".join(
            f" · {MARKS[judged[name]]} {one.name}: {judged[name]}"
            for one in all_checks()
            if one.rows is not None and one.name != "population" and report.phase in one.phases
            for name in [f"{one.name}.{rate.column}"]
            if judged.get(name) in BAD
        )
        cards.append(Card(line(rate.column), f"{MARKS[outcome]} {percent(rate.populated, rate.rows)}", told + others))
    return cards


def dropped_cards(report: Report) -> list[Card]:
    """Each column to be dropped: is it gone?"""
    return [
        Card(line(check.id.removeprefix("dropped.")), f"{MARKS[check.outcome]} {GONE[check.outcome]}", _first(check))
        for check in report.checks
        if check.id.startswith("dropped.")
    ]


def _first(check: CheckResult) -> str:
    """The first line of a check that did not pass."""
    return "" if check.outcome == "pass" or not check.findings else line(check.findings[0].message)


def provenance(answer: Answer) -> str:
    """By whom it was read, from which server, and under which plan."""
    source = answer.now.source
    who = f" by {source.role}" if source.role else ""
    server = f", {source.server}" if source.server else ""
    server += f", {source.recovery.words}" if source.recovery else ""
    cut = f", cutover {_moment(answer.cutover)}" if answer.cutover else ""
    read = f"Read {_moment(source.read_at)}{who}, read-only, from {line(source.location, 300)}{server}."
    return line(f"{read} Table {answer.now.plan_table}{cut}, plan {answer.report.plan.fingerprint}.", 700)


def downloads(report: Report) -> list[Download]:
    """The report as files, in all formats, and the rates as CSV."""
    found = [
        Download(
            name.upper() if name == "json" else {"junit": "JUnit"}.get(name, name.capitalize()),
            *place,
            _make(name, report),
        )
        for name, place in DOWNLOADS.items()
        if name in MODULES and find_spec(f"genreq_checks.outputs.{MODULES[name]}") is not None
    ]
    return [*found, Download("CSV", "rates.csv", "text/csv", lambda: rates_csv(report).encode())]


def rates_csv(report: Report) -> str:
    """The report's rates as CSV: rates are fractions, empty without rows. No cell begins like a spreadsheet formula."""
    out = io.StringIO()
    lines = csv.writer(out)
    names = ("column", "side", "rows", "populated", "null", "blank", "malformed", "rate", "low", "high")
    lines.writerow(names)
    for rate in report.rates:
        column = f"'{rate.column}" if rate.column[:1] in "=+-@\t\r" else rate.column
        lines.writerow([column, *(getattr(rate, name) for name in names[1:])])
    return out.getvalue()


def ago(seconds: float) -> str:
    """A duration in a suitable unit: `12 s`, `3 min`, `2 h 5 min`, `4 days`."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} days"


def _make(name: str, report: Report) -> Callable[[], bytes]:
    return lambda: renderer(name)(report).encode()


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
