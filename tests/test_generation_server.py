"""The reference server against containers that misbehave: a row is written completely, once, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from genreq_checks.embedded import sample
from genreq_checks.leo.generation.server import ReferenceServer, serve
from genreq_checks.plan import Plan
from rows import execute

REPOSITORY = "https://github.com/o/r"
MESSAGE = {
    "type": "all_work_complete",
    "completion_reason": "all_tests_pass",
    "session_id": "s-1",
    "github_url": f"{REPOSITORY}/",
    "flyio_url": "https://a.fly.dev",
    "from_the_future": {"kept": [1, 2]},
}
WRITTEN = ("completed", True, f"{REPOSITORY}/", f"{REPOSITORY}-artifacts", "https://a.fly.dev", "s-1")
UNTOUCHED = ("generating", False, None, None, None, None)
Play = Callable[[ReferenceServer, ClientConnection], Awaitable[None]]


@pytest.fixture
def request_id(database: str, plan: Plan) -> str:
    return sample.add_request(database, plan.sql.forward)


def row(database: str) -> tuple[Any, ...]:
    """status, has completed_at, github_url, artifacts_github_url, deployment_url, last_session_id."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT status::text, completed_at IS NOT NULL, github_url, artifacts_github_url, deployment_url,"
            " last_session_id FROM generation_requests"
        ).fetchall()
    assert len(found) == 1
    return found[0]


def served(plan: Plan, database: str, request: str, play: Play) -> ReferenceServer:
    """The server after a container has been started, has played its part, and has left."""

    async def both() -> ReferenceServer:
        async with serve(plan, database, request) as server:
            async with connect(server.url, proxy=None) as connection:
                await connection.send('{"type": "ready"}')
                assert json.loads(await connection.recv())["type"] == "start_generation"
                await play(server, connection)
            await until(lambda: not server.connected)  # a message sent before the close is dealt with before it
            return server

    return asyncio.run(asyncio.wait_for(both(), 30))


async def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; the caller limits the time."""
    while not condition():
        await asyncio.sleep(0.01)


def sends(*frames: object) -> Play:
    async def play(_: ReferenceServer, connection: ClientConnection) -> None:
        for frame in frames:
            await connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    return play


def test_a_completion_is_written_as_the_plan_says(database: str, request_id: str, plan: Plan) -> None:
    log, step = {"type": "log", "message": "x"}, {"type": "iteration_complete", "iteration": 1}
    server = served(plan, database, request_id, sends(log, step, MESSAGE))
    assert row(database) == WRITTEN
    assert server.kinds() == ["started", "written"]
    assert server.finished.is_set()


def test_a_duplicate_or_late_completion_is_ignored(database: str, request_id: str, plan: Plan) -> None:
    later = MESSAGE | {"github_url": "https://github.com/other/other", "session_id": "s-2"}
    server = served(plan, database, request_id, sends(MESSAGE, MESSAGE, later))
    assert row(database) == WRITTEN
    assert server.kinds() == ["started", "written", "ignored", "ignored"]


def test_a_completion_after_the_row_was_cancelled_elsewhere_is_late(database: str, request_id: str, plan: Plan) -> None:
    async def play(_: ReferenceServer, connection: ClientConnection) -> None:
        await asyncio.to_thread(execute, database, "UPDATE generation_requests SET status = 'cancelled'")
        await connection.send(json.dumps(MESSAGE))

    server = served(plan, database, request_id, play)
    assert row(database) == ("cancelled", *UNTOUCHED[1:])
    assert "late" in server.events[-1].text


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"type": "all_work_complete", "github_url": "https://git', "not JSON"),
        ('{"type": "all_work_complete", "total_iterations": NaN}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"all_work_complete"', "not an object"),
        ("{}", "without a type"),
        ('{"type": 7}', "without a type"),
        (json.dumps(MESSAGE).encode(), "binary"),
        (MESSAGE | {"github_url": ["s3cret"]}, "github_url"),
        (MESSAGE | {"total_duration": "s3cret"}, "total_duration"),
        (MESSAGE | {"type": "all_work_\x1bcomplete"}, "unknown type"),
    ],
)
def test_a_malformed_message_is_ignored_and_the_next_one_counts(
    database: str, request_id: str, plan: Plan, frame: object, reason: str
) -> None:
    server = served(plan, database, request_id, sends(frame, MESSAGE))
    assert row(database) == WRITTEN
    assert server.kinds() == ["started", "ignored", "written"]
    assert reason in server.events[1].text
    assert "s3cret" not in server.events[1].text
    assert server.events[1].text.isprintable()


def test_missing_fields_leave_their_columns_and_complete_the_row(database: str, request_id: str, plan: Plan) -> None:
    execute(database, "UPDATE generation_requests SET deployment_url = 'https://old.fly.dev'")
    served(plan, database, request_id, sends({"type": "all_work_complete"}))
    assert row(database) == ("completed", True, None, None, "https://old.fly.dev", None)


def test_the_last_of_two_equal_keys_counts(database: str, request_id: str, plan: Plan) -> None:
    frame = '{"type": "all_work_complete", "github_url": "https://github.com/x/y", "github_url": null}'
    served(plan, database, request_id, sends(frame))
    assert row(database)[:4] == ("completed", True, None, None)


def test_a_cancelled_generation_is_paused_without_a_time(database: str, request_id: str, plan: Plan) -> None:
    server = served(plan, database, request_id, sends(MESSAGE | {"completion_reason": "cancelled"}))
    assert row(database)[:2] == ("paused", False)
    assert server.kinds() == ["started", "written"]


def test_the_plans_defect_on_a_resumed_row_is_reported(database: str, request_id: str, plan: Plan) -> None:
    execute(database, f"UPDATE generation_requests SET github_url = '{REPOSITORY}', artifacts_github_url = 'x'")
    server = served(plan, database, request_id, sends({"type": "all_work_complete"}))
    assert row(database)[2:4] == (REPOSITORY, None)
    assert server.kinds() == ["started", "defect", "written"]


@pytest.mark.parametrize("value", ["nul \x00", "\udfff"])
def test_text_that_the_database_cannot_store_does_not_change_the_row(
    database: str, request_id: str, plan: Plan, value: str
) -> None:
    server = served(plan, database, request_id, sends(MESSAGE | {"session_id": value}))
    assert row(database) == UNTOUCHED
    assert "written" not in server.kinds()


def test_a_database_error_does_not_change_the_row_and_the_message_may_be_sent_again(
    database: str, request_id: str, plan: Plan
) -> None:
    async def play(server: ReferenceServer, connection: ClientConnection) -> None:
        await asyncio.to_thread(execute, database, "ALTER TABLE generation_requests RENAME deployment_url TO away")
        await connection.send(json.dumps(MESSAGE))
        await until(lambda: server.kinds()[-1] == "failed")
        await asyncio.to_thread(execute, database, "ALTER TABLE generation_requests RENAME away TO deployment_url")
        assert await asyncio.to_thread(row, database) == UNTOUCHED
        await connection.send(json.dumps(MESSAGE))

    server = served(plan, database, request_id, play)
    assert row(database) == WRITTEN
    assert server.kinds() == ["started", "failed", "written"]
    assert "SQLSTATE 42703" in server.events[1].text


def test_a_connection_that_breaks_during_the_write_does_not_change_the_row(
    database: str, request_id: str, plan: Plan
) -> None:
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def play(server: ReferenceServer, connection: ClientConnection) -> None:
        open_connection = psycopg.AsyncConnection.connect
        async with await open_connection(database) as holder, await open_connection(database, autocommit=True) as eye:
            await holder.execute("SELECT 1 FROM generation_requests FOR UPDATE")
            await connection.send(json.dumps(MESSAGE))
            while not (found := await (await eye.execute(waiting)).fetchone()):
                await asyncio.sleep(0.01)
            await eye.execute("SELECT pg_terminate_backend(%s)", found)
        await until(lambda: server.kinds()[-1] == "failed")

    server = served(plan, database, request_id, play)
    assert row(database) == UNTOUCHED
    assert server.kinds() == ["started", "failed", "lost"]


def test_a_database_that_is_down_starts_nothing(plan: Plan) -> None:
    async def both() -> ReferenceServer:
        down = "postgresql://leo:s3cret@127.0.0.1:1/leo"
        async with serve(plan, down, "1") as server, connect(server.url, proxy=None) as connection:
            await connection.send('{"type": "ready"}')
            with pytest.raises(ConnectionClosed, match="1011"):
                await connection.recv()
            return server

    server = asyncio.run(asyncio.wait_for(both(), 30))
    assert server.events[0].text == "The request could not be started: the database cannot be reached."


def test_after_a_lost_container_the_next_one_takes_the_request(database: str, request_id: str, plan: Plan) -> None:
    async def both() -> ReferenceServer:
        async with serve(plan, database, request_id) as server:
            first = await connect(server.url, proxy=None)
            await first.send('{"type": "ready"}')
            await first.recv()
            await first.send(json.dumps(MESSAGE)[:40])
            first.transport.abort()
            await until(lambda: server.kinds()[-1:] == ["lost"])
            assert await asyncio.to_thread(row, database) == UNTOUCHED
            async with connect(server.url, proxy=None) as second:
                await second.send('{"type": "ready"}')
                await second.recv()
                await second.send(json.dumps(MESSAGE))
                await server.finished.wait()
            return server

    server = asyncio.run(asyncio.wait_for(both(), 30))
    assert row(database) == WRITTEN
    assert server.kinds()[-2:] == ["started", "written"]


def test_only_one_container_on_the_one_path_and_nothing_before_it_is_ready(
    database: str, request_id: str, plan: Plan
) -> None:
    async def both() -> ReferenceServer:
        async with serve(plan, database, request_id) as server:
            with pytest.raises(InvalidStatus, match="404"):
                await connect(server.url.replace("/wsi", "/ws"), proxy=None)
            async with connect(server.url, proxy=None) as first, connect(server.url, proxy=None) as second:
                with pytest.raises(ConnectionClosed, match="1013"):
                    await second.recv()
                await first.send(json.dumps(MESSAGE))
                await first.close()
            return server

    server = asyncio.run(asyncio.wait_for(both(), 30))
    assert row(database) == ("queued", *UNTOUCHED[1:])
    assert server.kinds() == ["refused", "ignored", "lost"]


def test_a_missing_request_is_not_started(database: str, request_id: str, plan: Plan) -> None:
    async def both() -> ReferenceServer:
        async with serve(plan, database, "987654") as server, connect(server.url, proxy=None) as connection:
            await connection.send('{"type": "ready"}')
            with pytest.raises(ConnectionClosed, match="1011"):
                await connection.recv()
            return server

    server = asyncio.run(asyncio.wait_for(both(), 30))
    assert server.events[0].text == "There is no request 987654."
    assert row(database)[0] == "queued"
