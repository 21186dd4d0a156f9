"""A generation from the container's first message to the row in the database, and the resulting row, as facts."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from genreq_checks.embedded import sample, start
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.facts import GenerationFacts, Outcome, Step
from genreq_checks.leo.generation.app import App
from genreq_checks.leo.generation.container import ContainerError, Headers, location, run_container
from genreq_checks.leo.generation.protocol import shown
from genreq_checks.leo.generation.server import serve
from genreq_checks.leo.generation.store import key_column
from genreq_checks.leo.generation.watch import READ_WITHIN, RowWatch, copied_columns, derived_columns
from genreq_checks.leo.request_row import read_row, readable_columns
from genreq_checks.plan import Plan, load_plan
from genreq_checks.postgres.connection import parse

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

SAMPLE_FLY_TOML = 'app = "sample-app"\n'
SAMPLE_GIT_CONFIG = '[remote "origin"]\n\turl = git@github.com:example/sample-app.git\n'


@dataclass(slots=True)
class Progress:
    """The steps of a run so far; the seconds of each count from the previous step."""

    steps: list[Step] = field(default_factory=list[Step])
    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def tell(self, message: str, outcome: Outcome, name: str = "container") -> None:
        """Add a step that has just ended."""
        now = time.monotonic()
        self.steps.append(Step(name=name, outcome=outcome, seconds=round(now - self.last, 3), message=message))
        self.last = now


@contextmanager
def sample_app() -> Iterator[Path]:
    """A folder with a fly.toml and a git remote, which lasts for the block."""
    with tempfile.TemporaryDirectory(prefix="genreq-app-") as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        (folder / "fly.toml").write_text(SAMPLE_FLY_TOML, "utf-8")
        (folder / ".git" / "config").write_text(SAMPLE_GIT_CONFIG, "utf-8")
        yield folder


def generate_embedded(plan: Plan, app: App, timeout: float = 60) -> GenerationFacts:
    """Run a generation against the reference server, with an embedded PostgreSQL whose table has been cleaned up.

    Raises: UsageError when the plan is about another table; EmbeddedServerError when the database does not start.
    """
    if plan.table != load_plan().table:
        raise UsageError(
            f"The embedded database has no {plan.table.qualified}.", "Give --server, --database and --request."
        )
    with start() as postgres:
        database = postgres.create_database("generation")
        sample.create_table(database)
        request = sample.add_request(database, plan.forward_sql)

        async def both() -> GenerationFacts:
            async with serve(plan, database, request) as server:
                facts = await generate(plan, server.url, database, request, app, timeout=timeout)
            told = tuple(f"{event.kind}: {event.text}" for event in server.events)
            return facts.model_copy(update={"server": "the reference server", "events": told})

        facts = asyncio.run(both())
    return facts.model_copy(update={"database": "an embedded PostgreSQL", "embedded": True})


async def generate(
    plan: Plan, ws_url: str, database: str, request: str, app: App, *, headers: Headers = (), timeout: float = 60
) -> GenerationFacts:
    """Run the container against a server that writes to a database, and read the row until it is completed.

    `timeout` bounds the container's part and then, again, the wait for the row, in seconds. The database is only read.
    Errors during the run are in the facts.
    Raises: UsageError for an address, a database URL or a request that is invalid.
    """
    target, progress = parse(database), Progress()
    key_column(plan)
    facts = GenerationFacts(
        run_at=datetime.now(UTC),
        table=plan.table.qualified,
        request=shown(request),
        server=location(ws_url),
        database=target.location,
    )
    try:
        columns = await asyncio.to_thread(readable_columns, plan, target, READ_WITHIN)
        before = await asyncio.to_thread(read_row, plan, target, columns, request, READ_WITHIN)
    except SourceError as error:
        return facts.model_copy(update={"unread": str(error)})
    if before is None:
        raise UsageError(
            f"{plan.table.qualified} has no request {shown(request)}.", "Give the key of a row (--request)."
        )
    progress.tell(f"request {shown(request)} is {shown(before[plan.cohort.status])}", "pass", "row")
    watch = RowWatch(plan, target, columns, request, before, f"genreq-checks-{uuid.uuid4()}", timeout)
    facts = facts.model_copy(update=await _run(watch, ws_url, app, headers, timeout, progress))
    if watch.after is not None:
        values = (plan, app, before, watch.after)
        facts = facts.model_copy(update={"copied": copied_columns(*values), "derived": derived_columns(*values)})
    return facts.model_copy(update={"steps": tuple(progress.steps), "unread": watch.unread})


async def _run(
    watch: RowWatch, ws_url: str, app: App, headers: Headers, timeout: float, progress: Progress
) -> dict[str, object]:
    """The results of the container and of the row, as fields of the facts."""

    async def until_completed() -> None:
        await watch.until_completed()
        if watch.completed:
            progress.tell(f"is {shown(watch.status)}", "pass", "row")

    try:
        await run_container(
            ws_url,
            app,
            session_id=watch.session,
            headers=headers,
            timeout=timeout,
            request=watch.request,
            tell=progress.tell,
            hold=until_completed,
        )
        told: dict[str, object] = {"reached": True}
    except ContainerError as error:
        progress.tell(error.message, "fail" if error.reached else "unknown")
        if error.reached:
            await watch.look()
        told = {"reached": error.reached, "problem": error.message, "hint": error.hint}
    seconds = round(time.monotonic() - progress.began, 3)
    return told | {"status": watch.status, "completed": watch.completed, "seconds": seconds}
