"""A saved run: outcomes, rates and a reduced snapshot, in one small file of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

from genreq_checks.errors import UsageError
from genreq_checks.facts import Outcome, SourceInfo
from genreq_checks.facts.file_format import Model
from genreq_checks.files import write_text
from genreq_checks.report import CheckResult, Phase, PlanInfo, Rate, RateChange, Report, worst
from genreq_checks.snapshot import EVIDENCE, Snapshot
from genreq_checks.tally import Tally, TallyRow
from genreq_checks.tally.periods import day_of

FORMAT: Final = "genreq-checks run"
FORMAT_VERSION: Final = 2
FORMATS_READ: Final = (1, 2)
MESSAGE = 300  # characters of a finding's message
TALLY_ROWS = 2_000  # a tally with more rows, by month, is left out: a run has about 10 kB, and at most about 200 kB


class CheckOutcome(Model):
    """The outcome of a check, and the message of its worst finding when it did not pass."""

    id: str
    outcome: Outcome
    message: str = ""


class Run(Model):
    """One run, made at `at` (UTC). `snapshot` is what was read, without days, dependents and bookkeeping; None: too large."""

    format: Literal["genreq-checks run"] = FORMAT
    format_version: Literal[1, 2] = FORMAT_VERSION
    at: datetime
    tool_version: str
    phase: Phase
    plan: PlanInfo
    source: SourceInfo
    baseline: SourceInfo | None = None
    outcome: Literal["pass", "warn", "fail", "unknown"]
    counts: dict[Outcome, int]
    rates: tuple[Rate, ...]
    changes: tuple[RateChange, ...]
    checks: tuple[CheckOutcome, ...]
    snapshot: Snapshot | None = None

    @property
    def series(self) -> tuple[str, str, str]:
        """What runs must have in common to be compared: table, phase and source."""
        return (self.plan.table, self.phase, self.source.location)

    def check(self, check_id: str) -> CheckOutcome | None:
        """The outcome of a check, or None when the run does not have it."""
        return next((check for check in self.checks if check.id == check_id), None)


def make_run(report: Report, snapshot: Snapshot, at: datetime) -> Run:
    """The run of this report, with what it read; `at` is aware."""
    return Run(
        at=at.astimezone(UTC),
        tool_version=report.tool.version,
        phase=report.phase,
        plan=report.plan,
        source=report.sources["after"],
        baseline=report.sources.get("before"),
        outcome=report.outcome,
        counts=report.counts,
        rates=report.rates,
        changes=report.changes,
        checks=tuple(map(_outcome, report.checks)),
        snapshot=fold(snapshot, report.plan.cutover),
    )


def _outcome(check: CheckResult) -> CheckOutcome:
    told = worst(finding.outcome for finding in check.findings)
    message = next((finding.message for finding in check.findings if finding.outcome == told), "")
    plain = "" if check.outcome in ("pass", "skip") else " ".join(message.split())
    return CheckOutcome(id=check.id, outcome=check.outcome, message=plain[:MESSAGE])


def fold(snapshot: Snapshot, cutover: datetime | None) -> Snapshot:
    """The snapshot without its large parts: days become months, except the cutover's month; lists of objects are removed.

    Every rate before, after and of all rows can still be computed from it.
    """
    table = snapshot.table.model_copy(update={"children": (), "twins": ()}) if snapshot.table else None
    tally = _by_month(snapshot.tally, cutover) if snapshot.tally else None
    small = tally if tally and sum(len(part.rows) for part in (tally, *tally.apart)) <= TALLY_ROWS else None
    parts = ("dependents", "searched", "books", "fingerprints", "hashed", *EVIDENCE)
    left_out = dict.fromkeys(parts) | {"read_under": {}}
    return snapshot.model_copy(update={"table": table, "tally": small, **left_out})


def _by_month(tally: Tally, cutover: datetime | None) -> Tally:
    whole = {day_of(moment)[:7] for moment in (cutover, tally.split) if moment is not None}

    def folded(rows: Iterable[TallyRow]) -> Iterator[TallyRow]:
        counts: Counter[tuple[str | None, bool | None, str | None, tuple[int, ...]]] = Counter()
        for row in rows:
            day = row.day
            if day is not None and len(day) == len("2025-01-31") and day[:4].isdigit() and day[:7] not in whole:
                day = f"{day[:7]}-01"
            counts[(day, row.split, row.status, row.codes)] += row.rows
        return (TallyRow(*key, n) for key, n in counts.items())

    return tally.map(folded)


def prepare_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises: UsageError when it cannot be created or is not a folder."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be used: {error.strerror}.", "Name another one.") from None


def keep(run: Run, folder: Path) -> Path:
    """Write the run into the folder, as a separate file, completely or not at all; returns its path.

    The name is the time in UTC and a random part, and an existing file is never changed: two runs at the same
    moment are two files. Raises: OutputError when the folder is not writable.
    """
    prepare_folder(folder)
    while True:
        path = folder / f"{run.at:%Y-%m-%dT%H%M%SZ}-{token_hex(4)}.json"
        with suppress(FileExistsError):
            write_text(path, run.model_dump_json() + "\n", new=True)
            return path
