"""The states that have no fault: before the clean-up, after it, and after it was taken back; on the sample table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from genreq_checks import sample
from genreq_checks.demo import CUTOVER, apply, complete_generations
from genreq_checks.generation_facts import Copied, Derived, GenerationFacts, load_facts
from genreq_checks.inputs import Inputs
from genreq_checks.plan import Plan, load_plan
from genreq_checks.results import Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.selftest.fault import Place
from genreq_checks.snapshot import Snapshot

PHASES: tuple[Phase, ...] = ("before", "after", "rolled-back")
GENERATION = "generation.json"


class Server(Protocol):
    """A server on which databases may be made; they are removed again."""

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, as a copy of another if one is named; its URL."""
        ...

    def drop_database(self, name: str) -> None:
        """Remove a database."""
        ...


@dataclass(frozen=True, slots=True)
class Clean:
    """The clean states: a database a phase to copy from (by name), the folder of files, and the baseline."""

    plan: Plan
    databases: dict[Phase, str]
    files: Path
    baseline: Snapshot


@contextmanager
def clean_states(server: Server, folder: Path) -> Iterator[Clean]:
    """Make the clean states on a server, with files in `folder`; the databases are gone afterwards."""
    plan = load_plan()
    mark = uuid4().hex[:8]
    names: dict[Phase, str] = {phase: f"selftest_{phase.replace('-', '_')}_{mark}" for phase in PHASES}
    made: list[str] = []
    try:
        before = server.create_database(names["before"])
        made.append(names["before"])
        sample.create_table(before)
        sample.load_history(before)
        baseline = observe(plan, before, CUTOVER)
        for phase, change in (("after", _clean_up), ("rolled-back", _take_back)):
            url = server.create_database(names[phase], names["before"])
            made.append(names[phase])
            change(url, plan)
        write_files(folder, plan)
        yield Clean(plan, names, folder, baseline)
    finally:
        for name in made:
            server.drop_database(name)


def _clean_up(url: str, plan: Plan) -> None:
    apply(url, plan.sql.forward)
    complete_generations(url)


def _take_back(url: str, plan: Plan) -> None:
    """The clean-up and its rollback, with the values put back from where they were kept meanwhile."""
    keep = 'CREATE TABLE "kept" AS SELECT "id", "download_url", "conversation" FROM "generation_requests";'
    back = """
        UPDATE "generation_requests" SET "download_url" = "kept"."download_url", "conversation" = "kept"."conversation"
        FROM "kept" WHERE "kept"."id" = "generation_requests"."id";
        DROP TABLE "kept";
    """
    apply(url, keep + plan.sql.forward + plan.sql.rollback + back)


def write_files(folder: Path, plan: Plan) -> None:
    """The files that `check` is given beside the database, all of them without a fault."""
    stored = {"stored": "as sent", "changed": True}
    GenerationFacts.model_validate(
        {
            "run_at": CUTOVER + timedelta(days=9),
            "table": plan.table.qualified,
            "request": "601",
            "server": "ws://localhost:5000/wsi",
            "database": "postgresql://localhost/leo",
            "reached": True,
            "status": "completed",
            "completed": True,
            "copied": (
                Copied.model_validate(
                    {"column": "github_url", "field": "github_url", "sent": "https://github.com/leo-apps/a"} | stored
                ),
                Copied.model_validate(
                    {"column": "deployment_url", "field": "flyio_url", "sent": "https://a.fly.dev"} | stored
                ),
            ),
            "derived": (Derived(column="artifacts_github_url", source="github_url", derivation="match"),),
        }
    ).save(folder / GENERATION)


def judge(clean: Clean, place: Place, phase: Phase) -> Report:
    """What `check` says of a place, given all that it can be given."""
    inputs = Inputs(generation=load_facts(place.folder / GENERATION))
    now = observe(clean.plan, place.url, CUTOVER)
    baseline = clean.baseline if phase != "before" else None
    return check(clean.plan, now, baseline, cutover=CUTOVER, phase=phase, inputs=inputs)
