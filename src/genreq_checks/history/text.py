"""The history as text and as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from genreq_checks.history.changes import Changes, compare
from genreq_checks.history.folder import History, PassedOver
from genreq_checks.history.runs import Run
from genreq_checks.outputs.verdict import WORDS
from genreq_checks.report import Rate
from genreq_checks.text import line, percent, plural

SHOWN = 20  # runs in the table; the JSON has all
NAMED = 5  # skipped files


def since_the_last(history: History) -> Changes | None:
    """What changed from the previous run to the newest one, or None when there is no earlier run."""
    if not history.runs:
        return None
    alike = history.like(history.runs[-1])
    return compare(alike[-2], alike[-1]) if len(alike) > 1 else None


def since_the_first(history: History) -> Changes | None:
    """What changed since the oldest run with the newest one's cutover: small steps add up. None when it is the same run."""
    if not history.runs:
        return None
    newest = history.runs[-1]
    alike = [run for run in history.like(newest) if run.plan.cutover == newest.plan.cutover]
    return compare(alike[0], newest) if len(alike) > 2 else None


def shown_rate(run: Run, column: str) -> Rate | None:
    """The rate of a run: after the cutover, or of all rows where there is no cutover."""
    found = {rate.side: rate for rate in run.rates if rate.column == column}
    return found.get("after") or found.get("all")


def columns_of(runs: Sequence[Run]) -> list[str]:
    """The columns whose rates the runs have, in their order."""
    return list(dict.fromkeys(rate.column for run in runs for rate in run.rates))


def render_text(history: History, width: int = 80) -> str:
    """The newest run's series as a table, then what changed; in `width` columns."""
    out = io.StringIO()
    console = Console(file=out, width=max(width, 40), no_color=True, highlight=False, markup=False, emoji=False)
    newest = history.runs[-1]
    alike = history.like(newest)
    console.print(
        line(f"{plural(len(alike), 'run')} of {newest.plan.table}, phase {newest.phase}, {newest.source.location}")
    )
    if len(alike) > SHOWN:
        console.print(f"The newest {SHOWN} of them; --format json has all.")
    console.print(_table(alike[-SHOWN:]))
    for text in _told(history):
        console.print(line(text))
    return "\n".join(text.rstrip() for text in out.getvalue().splitlines()) + "\n"


def _table(runs: Sequence[Run]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("when (UTC)")
    table.add_column("outcome")
    for column in columns_of(runs):
        table.add_column(line(column, 63), justify="right", overflow="fold")
    for run in runs:
        cells = [f"{run.at:%Y-%m-%d}\n{run.at:%H:%M:%S}", f"{WORDS[run.outcome]}\n{_counts(run)}"]
        for column in columns_of(runs):
            rate = shown_rate(run, column)
            cells.append(f"{percent(rate.populated, rate.rows)}\n{rate.populated:,} of {rate.rows:,}" if rate else "–")
        table.add_row(*cells)
    return table


def _counts(run: Run) -> str:
    """What did not pass, worst first; how many passed when all did."""
    worse = [f"{run.counts[outcome]:,} {outcome}" for outcome in ("fail", "unknown", "warn") if run.counts.get(outcome)]
    return ", ".join(worse[:2]) or f"{run.counts.get('pass', 0):,} pass"


def _told(history: History) -> Iterator[str]:
    changes = since_the_last(history)
    if changes is None:
        yield "There is no earlier run to compare with."
    else:
        yield f"Since the run of {changes.then.at:%Y-%m-%d %H:%M:%S}"
        yield from _lines(changes)
        first = since_the_first(history)
        if first and first.drift:
            yield f"Since the first run with this cutover, {first.then.at:%Y-%m-%d %H:%M:%S}"
            yield from (f"  drift: {d.column} {d.side}: {d.message}" for d in first.drift)
    others = len(history.runs) - len(history.like(history.runs[-1]))
    if others:
        yield f"Also {plural(others, 'run')} of another table, phase or source."
    if history.passed_over:
        yield passed_over(history.passed_over)


def _lines(changes: Changes) -> Iterator[str]:
    for words, checks in (
        ("newly failing", changes.failing),
        ("newly unknown", changes.unknown),
        ("newly warning", changes.warning),
    ):
        yield from (f"  {words}: {check.id}: {check.message}" for check in checks)
    yield from (f"  recovered: {check.id}" for check in changes.recovered)
    yield from (f"  no longer checked: {name}" for name in changes.gone)
    yield from (f"  drift: {drift.column} {drift.side}: {drift.message}" for drift in changes.drift)
    if not changes.any:
        yield "  nothing changed: all checks have the same outcome, no rate left its interval"
    yield from (f"  {note}" for note in changes.notes)


def passed_over(files: Sequence[PassedOver]) -> str:
    """The number of skipped files, and the first of them with the reason."""
    named = ", ".join(f"{file.name} ({file.reason})" for file in files[:NAMED])
    more = f" and {len(files) - NAMED:,} more" if len(files) > NAMED else ""
    return f"{plural(len(files), 'file')} skipped: {named}{more}"


def render_json(history: History) -> str:
    """All runs without their snapshots, and what changed, as one JSON object."""
    told: dict[str, Any] = {
        "format": "genreq-checks history",
        "format_version": 1,
        "runs": [run.model_dump(mode="json", exclude={"snapshot", "format", "format_version"}) for run in history.runs],
        "passed_over": [{"file": file.name, "reason": file.reason} for file in history.passed_over],
        "since_last": _data(since_the_last(history)),
        "since_first": _data(since_the_first(history)),
    }
    return json.dumps(told, indent=2) + "\n"


def _data(changes: Changes | None) -> dict[str, Any] | None:
    if changes is None:
        return None
    lists = {name: getattr(changes, name) for name in ("failing", "unknown", "warning", "recovered")}
    return {
        "then": changes.then.at.isoformat(),
        "now": changes.now.at.isoformat(),
        **{name: [check.model_dump(mode="json") for check in checks] for name, checks in lists.items()},
        "gone": list(changes.gone),
        "drift": [{"column": d.column, "side": d.side, "message": d.message} for d in changes.drift],
        "notes": list(changes.notes),
    }
