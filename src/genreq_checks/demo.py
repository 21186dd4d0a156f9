"""The complete clean-up on the sample history: what `demo` shows and notebooks open without a database."""

from __future__ import annotations

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
    """Before, archive, forward, generations, after, rollback, restored, forward again: on an embedded PostgreSQL.

    The archive is written into `folder`. `progress` receives each step as it begins. The report is that of phase `after`.
    """
    from genreq_checks.embedded import start

    plan = load_plan()
    with start() as server:
        url = server.create_database("leo")
        return _Teller(plan, url, folder / "dropped.parquet", progress).tell()


@dataclass
class _Teller:
    """Runs the clean-up step by step, and keeps the result of each step."""

    plan: Plan
    url: str
    archive: Path
    progress: Callable[[str], None]
    steps: list[Step] = field(default_factory=list[Step])

    def tell(self) -> Story:
        self.step("table", self.make_table)
        before = read_sample(self.plan, self.url, CUTOVER)
        self.step("archive", self.make_archive)
        self.judge("before", read_sample(self.plan, self.url, CUTOVER, archive=self.archive))
        facts = read_facts(self.archive)
        self.step("forward", lambda: self.run(self.plan.forward_sql, "The plan's forward SQL: both columns dropped."))
        self.step("generations", self.generate)
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
        cutover = CUTOVER if phase == "after" else None
        report = check(self.plan, now, baseline, cutover=cutover, phase=phase)
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

    def generate(self) -> str:
        count = complete_generations(self.url)
        return f"{count} new generations completed, each as the container's message says."

    def restore(self) -> str:
        done = restore(self.plan, self.archive, self.url)
        return f"{done.placed:,} values restored from the archive, {done.gone:,} rows gone since."
