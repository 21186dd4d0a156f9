"""The states without a fault: before the clean-up, after it, and after its rollback; on the sample table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from genreq_checks.checks.fault import (
    CODE,
    DROPPED,
    FORWARD,
    GENERATION,
    LOG,
    MADE,
    MESSAGES,
    MIGRATIONS,
    PLAN,
    PROBED,
    QUERIES,
    ROLLBACK,
    Place,
)
from genreq_checks.demo import CUTOVER, apply, complete_generations
from genreq_checks.embedded import sample
from genreq_checks.errors import GenreqError
from genreq_checks.facts.probed_urls import ProbedUrls
from genreq_checks.plan import Plan, load_plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.selftest.clean_files import keep_books, write_files
from genreq_checks.selftest.clean_held import HELD, log_of_the_hold, retire_for_days
from genreq_checks.snapshot import Snapshot

# A completed row without a time may be from after the change, but has no recorded message: that would warn.
DATED = "UPDATE generation_requests SET completed_at = updated_at WHERE status = 'completed' AND completed_at IS NULL;"
SAMPLE = 60  # rows of a rehearsal: at least one of every class is copied


class Server(Protocol):
    """A server on which databases may be created; they are dropped again."""

    def url(self, database: str = "postgres") -> str:
        """The URL of a database."""
        ...

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of another if one is named; returns its URL."""
        ...

    def drop_database(self, name: str) -> None:
        """Drop a database."""
        ...


@dataclass(frozen=True, slots=True)
class Clean:
    """The clean states: the name of a database to copy for each phase, the folder of files, and the baseline."""

    plan: Plan
    databases: dict[Phase, str]
    files: Path
    baseline: Snapshot


@contextmanager
def clean_states(server: Server, folder: Path) -> Iterator[Clean]:
    """Create the clean states on a server, with files in `folder`; the databases are dropped afterwards."""
    plan = load_plan()
    mark = uuid4().hex[:8]
    first, held, after, back = (f"selftest_{phase}_{mark}" for phase in ("before", "held", "after", "back"))
    made: list[str] = []

    def make(name: str, template: str | None = None) -> str:
        made.append(name)
        return server.create_database(name, template)

    try:
        url = make(first)
        sample.create_table(url)
        sample.load_history(url)
        apply(url, DATED)
        keep_books(url, plan, [MADE])
        baseline = observe(plan, url, CUTOVER)
        since = datetime.now(UTC) - HELD
        url = make(held, first)
        retire_for_days(url, plan, since)
        complete_generations(url)
        url = make(after, first)
        apply(url, plan.forward_sql)
        finish(url, plan)
        _take_back(make(back, first), plan)
        write_files(folder, plan)
        (folder / LOG).write_text(log_of_the_hold(plan, since), "utf-8")
        names: dict[Phase, str] = {
            "before": first,
            "held": held,
            "after": after,
            "rolled-back": back,
            "rehearsal": first,
        }
        yield Clean(plan, names, folder, baseline)
    finally:
        for name in made:
            with contextlib.suppress(GenreqError):  # it was not created, and that error is being raised
                server.drop_database(name)


def finish(url: str, plan: Plan) -> None:
    """What follows the drop: the migration is recorded in the bookkeeping, and new generations are completed."""
    keep_books(url, plan, [MADE, DROPPED])
    complete_generations(url)


def place(url: str, folder: Path, plan: Plan) -> Place:
    """The place of a fault in a database and a folder."""

    def run(*statements: str) -> None:
        import psycopg

        with psycopg.connect(url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    return Place(folder, run, lambda: finish(url, plan))


def _take_back(url: str, plan: Plan) -> None:
    """The clean-up and its rollback, with the values restored from a table that kept them."""
    keep = 'CREATE TABLE "kept" AS SELECT "id", "download_url", "conversation" FROM "generation_requests";'
    back = """
        UPDATE "generation_requests" SET "download_url" = "kept"."download_url", "conversation" = "kept"."conversation"
        FROM "kept" WHERE "kept"."id" = "generation_requests"."id";
        DROP TABLE "kept";
    """
    apply(url, keep + plan.forward_sql + (plan.sql.rollback or "") + back)


def _as_of(baseline: Snapshot, now: Snapshot) -> Snapshot:
    """The baseline with the identity of the judged database, which is a copy of the baseline's database."""
    then, here = baseline.source.identity, now.source.identity
    if then is None or here is None:
        return baseline
    identity = then.model_copy(update={"database": here.database, "database_oid": here.database_oid})
    return baseline.model_copy(update={"source": baseline.source.model_copy(update={"identity": identity})})


def judge(server: Server, clean: Clean, url: str, folder: Path, phase: Phase) -> Report:
    """The report of `check` on a database, with the plan and all files of the folder; in `rehearsal`, of `rehearse`."""
    plan = load_plan(folder / PLAN)
    if phase == "rehearsal":
        forward, rollback = folder / FORWARD, folder / ROLLBACK
        return rehearse(plan, url, forward=forward, rollback=rollback, sample=SAMPLE, scratch_url=server.url())
    now = observe(
        plan,
        url,
        CUTOVER,
        baseline=clean.baseline,
        code=folder / CODE,
        messages=[folder / MESSAGES] if phase == "after" else None,
        migrations=folder / MIGRATIONS,
        generation=folder / GENERATION,
        log=folder / LOG if phase == "held" else None,
        queries=folder / QUERIES if (folder / QUERIES).exists() else None,
    )
    if (folder / PROBED).exists():
        now = now.with_evidence(probe_urls=ProbedUrls.model_validate_json((folder / PROBED).read_text("utf-8")))
    baseline = _as_of(clean.baseline, now) if phase != "before" else None
    return check(plan, now, baseline, cutover=CUTOVER, phase=phase)
