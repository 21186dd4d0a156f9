"""What changed between two runs: checks that fail now or recovered, and rates that moved beyond their interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genreq_checks.facts.identity import compare as compare_identities
from genreq_checks.history.runs import CheckOutcome, Run
from genreq_checks.report import Rate
from genreq_checks.tally.intervals import newcombe
from genreq_checks.text import bounds, plural, points, share, span


@dataclass(frozen=True, slots=True)
class Drift:
    """A rate that changed: `message` says by how much, with all counts."""

    column: str
    side: str
    message: str


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences between `then` and `now`. Each check is in one list at most, with its present result.

    `gone` are the ids of checks that the earlier run has and the later one has not: a missing check is not a pass.
    """

    then: Run
    now: Run
    failing: tuple[CheckOutcome, ...]
    unknown: tuple[CheckOutcome, ...]
    warning: tuple[CheckOutcome, ...]
    recovered: tuple[CheckOutcome, ...]
    gone: tuple[str, ...]
    drift: tuple[Drift, ...]
    notes: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Is there any change to report?"""
        parts = (self.failing, self.unknown, self.warning, self.recovered, self.gone, self.drift)
        return any(parts)


def compare(then: Run, now: Run) -> Changes:
    """What changed from one run to a later one of the same series."""
    earlier = {check.id: check.outcome for check in then.checks}
    later = {check.id: check.outcome for check in now.checks}
    turned = [check for check in now.checks if earlier.get(check.id, "skip") != check.outcome]
    fell_silent = (name for name, outcome in earlier.items() if outcome != "skip" and later.get(name, "skip") == "skip")
    return Changes(
        then=then,
        now=now,
        failing=tuple(check for check in turned if check.outcome == "fail"),
        unknown=tuple(check for check in turned if check.outcome == "unknown"),
        warning=tuple(check for check in turned if check.outcome == "warn"),
        recovered=tuple(
            check for check in turned if check.outcome == "pass" and check.id in earlier and earlier[check.id] != "skip"
        ),
        gone=tuple(fell_silent),
        drift=tuple(_drifts(then, now)),
        notes=tuple(_notes(then, now)),
    )


def _notes(then: Run, now: Run) -> Iterator[str]:
    same_rule = then.format_version == now.format_version
    if same_rule and then.plan.fingerprint != now.plan.fingerprint:
        yield f"The plan changed: {then.plan.fingerprint} earlier, {now.plan.fingerprint} now."
    if not same_rule:
        yield "It is not known whether the plan changed: the runs are of different formats, whose fingerprints differ."
    comparison = compare_identities(then.source.identity, now.source.identity)
    if comparison.kind in ("other", "doubtful"):
        which = "is of another database or table" if comparison.kind == "other" else "may be of a physical copy"
        yield f"The earlier run {which}: {comparison.text}."
    if then.plan.cutover != now.plan.cutover:
        yield "The cutover changed: the rates are of different rows, and were not compared."
    if then.tool_version != now.tool_version:
        yield f"genreq-checks was {then.tool_version} earlier and is {now.tool_version} now."


def _drifts(then: Run, now: Run) -> Iterator[Drift]:
    if then.plan.cutover != now.plan.cutover:
        return
    if compare_identities(then.source.identity, now.source.identity).kind == "other":
        return  # other rows: nothing drifted
    earlier = {(rate.column, rate.side): rate for rate in then.rates}
    for rate in now.rates:
        before = earlier.get((rate.column, rate.side))
        message = _drift(before, rate) if before else None
        if message:
            yield Drift(rate.column, rate.side, message)


def _drift(then: Rate, now: Rate) -> str | None:
    """Why a rate drifted, or None. A later run counts most of the earlier rows again: its new rows are compared with them."""
    if not then.rows or not now.rows or then.low is None or then.high is None:
        return None
    rows, populated = now.rows - then.rows, now.populated - then.populated
    if 0 <= populated <= rows and rows > 0:
        interval = newcombe((then.populated, then.rows), (populated, rows))
        assert interval is not None  # neither side is empty
        if not interval[0] <= 0 <= interval[1]:
            difference = populated / rows - then.populated / then.rows
            return (
                f"{share(populated, rows)} of the {plural(rows, 'row')} since, {share(then.populated, then.rows)} of those "
                f"before: {points(difference)} points {span(*interval)}"
            )
    rate = now.populated / now.rows
    if then.low <= rate <= then.high:
        return None
    return (
        f"{share(now.populated, now.rows)} now, {share(then.populated, then.rows)} earlier with the interval "
        f"{bounds(then.low, then.high)} %"
    )
