"""The complete clean-up on the sample history: what `demo` shows and notebooks open without a database."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genreq_checks.archive import restore, write_archive
from genreq_checks.embedded import sample
from genreq_checks.facts import Outcome, Step
from genreq_checks.leo.completion import AllWorkCompleteMessage, create_all_work_complete_message, row_values
from genreq_checks.outputs.verdict import headline
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot
from genreq_checks.sources.archive import read_facts
from genreq_checks.staging import FINALISE, RETIRE, UNDO, stage_finalise, stage_retire

CUTOVER = datetime(2024, 12, 17, 9, 30, tzinfo=UTC)
GENERATIONS = 160


@dataclass(frozen=True, slots=True)
class Samples:
    """The sample table before and after the clean-up, and the cutover."""

    plan: Plan
    before: Snapshot
    after: Snapshot
    cutover: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """The complete clean-up: the snapshots before and after, and the report, with a step for each action."""

    samples: Samples
    report: Report


def apply(url: str, statements: str) -> None:
    """Run a plan's SQL in one transaction, as the migration tool does. It writes: only for databases that this tool created."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


def messages(count: int = GENERATIONS) -> Iterator[tuple[AllWorkCompleteMessage, datetime]]:
    """The messages of containers after the change, each with its time: most have a fly.toml, not all."""
    dice = random.Random(CUTOVER.toordinal())  # noqa: S311 - a sample, not a secret
    for number in range(count):
        app = f"{dice.choice(('atlas', 'ledger', 'metronome', 'pantry'))}-{1000 + number}"
        slash = "/" if number % 40 == 7 else ""
        message = create_all_work_complete_message(
            completion_reason="all_work_complete",
            app_path=f"/workspace/{app}",
            total_iterations=dice.randrange(1, 9),
            session_id=f"session-{1000 + number}",
            total_duration=dice.randrange(60, 1800),
            github_url=f"https://github.com/leo-apps/{app}{slash}" if number % 53 != 11 else None,
            flyio_url=f"https://{app}.fly.dev" if dice.random() < 0.7 else None,
        )
        yield message, CUTOVER + timedelta(minutes=47 * number + dice.randrange(40))


def read_sample(plan: Plan, url: str, cutover: datetime, **beside: Any) -> Snapshot:
    """A snapshot of the sample table, which each report of it calls sample data."""
    return observe(plan, url, cutover, **beside).as_sample()


def complete_generations(url: str, count: int = GENERATIONS) -> int:
    """Insert queued rows and complete each as the plan's server does by a container's message; returns their number."""
    import psycopg
    from psycopg import sql

    queued = """
        INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, created_at)
        VALUES ('00000000-0000-4000-8000-000000000001', %s, 'Synthetic prompt', 'Synthetic prompt', 'generating', %s)
        RETURNING id
    """
    with psycopg.connect(url) as connection:
        for message, moment in messages(count):
            begun = (moment - timedelta(minutes=12)).replace(tzinfo=None)
            row: Any = connection.execute(queued, (str(message.app_path).rpartition("/")[2], begun)).fetchone()
            values = row_values(message, moment)
            assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
            update = sql.SQL("UPDATE generation_requests SET {} WHERE id = %s").format(assignments)
            connection.execute(update, [*values.values(), row[0]])
    return count


def sample_snapshots() -> Samples:
    """The sample table read before and after the clean-up, on an embedded PostgreSQL that is removed when this returns."""
    from genreq_checks.embedded import start

    plan = load_plan()
    with start() as server:
        url = server.create_database("leo")
        sample.create_table(url)
        sample.load_history(url)
        before = read_sample(plan, url, CUTOVER)
        apply(url, plan.forward_sql)
        complete_generations(url)
        return Samples(plan, before, read_sample(plan, url, CUTOVER, baseline=before), CUTOVER)


def tell_story(folder: Path, progress: Callable[[str], None]) -> Story:
    """The complete clean-up on an embedded PostgreSQL: archive, hide, undo, hide again, hold, drop, rollback, restore, drop.

    The archive, and the files of the staging, are written into `folder`. `progress` receives each step as it begins. The
    report is that of phase `after`.
    """
    from genreq_checks.embedded import start

    plan = load_plan()
    with start({"logging_collector": "on", "log_destination": "jsonlog"}) as server:
        url = server.create_database("leo")
        return _Teller(plan, url, folder, server.folder / "data" / "log", progress).tell()


@dataclass
class _Teller:
    """Runs the clean-up step by step, and keeps the result of each step."""

    plan: Plan
    url: str
    folder: Path
    log: Path
    progress: Callable[[str], None]
    steps: list[Step] = field(default_factory=list[Step])

    @property
    def archive(self) -> Path:
        """The file of the archive."""
        return self.folder / "dropped.parquet"

    @property
    def staged(self) -> Plan:
        """The plan with a hold of no days: the demo does not wait for a week."""
        return self.plan.model_copy(update={"hold_days": 0.0})

    def tell(self) -> Story:
        self.step("table", self.make_table)
        before = read_sample(self.plan, self.url, CUTOVER)
        self.step("archive", self.make_archive)
        self.judge("before", read_sample(self.plan, self.url, CUTOVER, archive=self.archive))
        facts = read_facts(self.archive)
        self.step("stage", self.write_files)
        self.step("retire", lambda: self.run_file(RETIRE, "both columns renamed away, nothing rewritten."))
        self.step("undo", lambda: self.undo(before))
        self.step("retire again", lambda: self.run_file(RETIRE, "renamed away again, when the old build is gone."))
        self.step("generations", self.generate)
        held = self.judge("held", self.read_held(before), before)
        self.step("finalise", lambda: self.finalise(held))
        after = read_sample(self.plan, self.url, CUTOVER, baseline=before)
        report = self.judge("after", after.with_evidence(archive=facts), before)
        self.step(
            "rollback", lambda: self.run(self.plan.sql.rollback or "", "The plan's rollback SQL: both are back, empty.")
        )
        self.step("restore", self.restore)
        self.judge("rolled-back", read_sample(self.plan, self.url, CUTOVER, baseline=before), before)
        self.step("forward again", lambda: self.run(self.plan.forward_sql, "The plan's forward SQL again."))
        again = read_sample(self.plan, self.url, CUTOVER, baseline=before).with_evidence(archive=facts)
        self.judge("after", again, before)
        told = report.model_copy(update={"steps": tuple(self.steps)})
        return Story(Samples(self.plan, before, after, CUTOVER), told)

    def step(self, name: str, make: Callable[[], str], outcome: Outcome = "pass") -> None:
        self.progress(name)
        started = time.monotonic()
        message = make()
        self.steps.append(
            Step(name=name, outcome=outcome, seconds=round(time.monotonic() - started, 2), message=message)
        )

    def judge(self, phase: Phase, now: Snapshot, baseline: Snapshot | None = None) -> Report:
        cutover = CUTOVER if phase in ("held", "after") else None
        report = check(self.staged if phase == "held" else self.plan, now, baseline, cutover=cutover, phase=phase)
        self.step(f"check: {phase}", lambda: headline(report), report.outcome)
        return report

    def make_table(self) -> str:
        sample.create_table(self.url)
        rows = sample.load_history(self.url)
        return f"generation_requests as it was, with a synthetic history of {rows:,} rows."

    def make_archive(self) -> str:
        facts = write_archive(self.plan, self.url, self.archive, replace=True)
        return f"{facts.rows:,} rows with values of the dropped columns archived and verified."

    def run(self, statements: str, message: str) -> str:
        apply(self.url, statements)
        return message

    def write_files(self) -> str:
        for name in (RETIRE, UNDO, FINALISE, "README.md"):
            (self.folder / "staging" / name).unlink(missing_ok=True)  # of an earlier demo
        now = observe(self.staged, self.url, only=["dropped.*", "dependents.*"], fingerprints="none")
        written = stage_retire(self.staged, self.url, now, self.folder / "staging")
        return f"{', '.join(written.files)} written: nothing speaks against hiding the columns."

    def run_file(self, name: str, message: str) -> str:
        apply(self.url, (self.folder / "staging" / name).read_text("utf-8"))
        return f"{name}: {message}"

    def read_held(self, before: Snapshot) -> Snapshot:
        logs = sorted(self.log.glob("*.json"))
        return read_sample(self.staged, self.url, CUTOVER, baseline=before, log=logs)

    def undo(self, before: Snapshot) -> str:
        """An old build reads a hidden column: it fails at once, the log has it, and undo.sql is the way back."""
        import psycopg

        old_build = psycopg.connect(self.url, application_name="old build")
        with old_build, contextlib.suppress(psycopg.errors.UndefinedColumn):
            old_build.execute("SELECT download_url FROM generation_requests WHERE id = 1")
        report = check(self.staged, self.read_held(before), before, cutover=CUTOVER, phase="held")
        missed = report.check("readers.download_url").findings[0]
        self.run_file(UNDO, "")
        said = f"an old build still reads download_url (readers: {missed.outcome})"
        return f"{UNDO}: {said}, so both are back, values included."

    def finalise(self, held: Report) -> str:
        now = observe(self.staged, self.url, only=["dropped.*", "dependents.*"], fingerprints="none")
        stage_finalise(self.staged, self.url, now, held, self.folder / "staging")
        return self.run_file(FINALISE, "written for the passing report of the hold, and run: both columns are dropped.")

    def generate(self) -> str:
        count = complete_generations(self.url)
        return f"{count} new generations completed, each as the container's message says."

    def restore(self) -> str:
        done = restore(self.plan, self.archive, self.url)
        return f"{done.placed:,} values restored from the archive, {done.gone:,} rows gone since."
