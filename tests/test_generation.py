"""A generation end to end: the container against servers that misbehave, and the command line."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.http11 import Request, Response

from genreq_checks.cli import app as command_line
from genreq_checks.cli.generate import report_on
from genreq_checks.embedded import sample
from genreq_checks.errors import UsageError
from genreq_checks.leo.generation.app import App, inspect_app
from genreq_checks.leo.generation.container import ContainerError, run_container
from genreq_checks.leo.generation.run import generate, sample_app
from genreq_checks.leo.generation.saved import load_facts
from genreq_checks.leo.generation.server import serve
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from rows import execute

Handler = Callable[[ServerConnection], Awaitable[None]]
START = '{"type": "start_generation"}'
APP = App("https://github.com/o/r", "https://a.fly.dev")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["generate", *arguments])


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@asynccontextmanager
async def fake(handler: Handler) -> AsyncIterator[str]:
    async with listen(handler, "127.0.0.1", 0, close_timeout=1) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/wsi"


def fail_against(handler: Handler, timeout: float = 10, request: str | None = None) -> ContainerError:
    """How the container fails against a server, which must be within the time."""

    async def both() -> None:
        async with fake(handler) as address:
            await run_container(address, APP, session_id="s", timeout=timeout, request=request)

    began = time.monotonic()
    with pytest.raises(ContainerError) as caught:
        asyncio.run(both())
    assert time.monotonic() - began < timeout + 5
    assert "\n" not in str(caught.value)
    return caught.value


async def says_nothing(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def closes(connection: ServerConnection) -> None:
    await connection.recv()
    await connection.close(1011, "s3cret reason")


async def drops(connection: ServerConnection) -> None:
    await connection.recv()
    connection.transport.abort()


async def talks_only(connection: ServerConnection) -> None:
    for frame in ("", "[", b"\xff", "7", '{"type": "hello"}'):
        await connection.send(frame)
    await connection.wait_closed()


async def starts_another(connection: ServerConnection) -> None:
    await connection.send('{"type": "start_generation", "request_id": 8}')
    await connection.wait_closed()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (says_nothing, "gave up after 0.5 s, waiting for start_generation"),
        (talks_only, "gave up after 0.5 s, waiting for start_generation"),
        (closes, "closed the connection with code 1011 while the container was waiting"),
        (drops, "closed the connection without a closing handshake"),
        (starts_another, "started request 8, not 7: nothing was sent"),
    ],
)
def test_a_server_that_closes_the_connection_is_reported_in_one_line(handler: Handler, words: str) -> None:
    error = fail_against(handler, timeout=0.5, request="7")
    assert words in error.message
    assert (error.reached, error.exit_code) == (True, 1)
    assert "s3cret" not in str(error)


def test_other_messages_before_the_start_are_ignored() -> None:
    received: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        received.append(await connection.recv())
        for frame in ("not JSON", b"\x00", '{"type": "hello"}', START):
            await connection.send(frame)
        async for frame in connection:
            received.append(frame)

    async def both() -> None:
        async with fake(handler) as address:
            await run_container(
                address.removesuffix("/wsi"), APP, session_id="s", tell=lambda text, _: told.append(text)
            )

    told: list[str] = []
    asyncio.run(both())
    assert told[1] == "received start_generation after 3 other messages"
    assert [str(frame).split('"')[3] for frame in received] == [
        "ready",
        "log",
        "iteration_complete",
        "all_work_complete",
    ]


def test_the_end_to_end_run_passes_embedded(tmp_path: Path) -> None:
    file, saved = tmp_path / "report.json", tmp_path / "generation.json"
    formats = ("--format", "text", "--format", "json", "--output", "-", "--output", str(file))
    result = invoke(*formats, "--save", str(saved))
    assert result.exit_code == 0, result.output
    assert "\nPASS  The generation ran end to end" in result.stdout
    report = Report.model_validate_json(file.read_text())
    found = report.check("generation")
    assert [(f.subject, f.outcome) for f in found.findings] == [
        ("generation", "pass"),
        ("github_url", "pass"),
        ("artifacts_github_url", "pass"),
        ("deployment_url", "pass"),
    ]
    assert [(row.id, row.outcome) for row in report.requirements] == [("test:1", "pass")]
    assert [step.outcome for step in report.steps] == ["pass"] * 5
    assert load_facts(saved).steps == report.steps


def test_an_app_without_fly_toml_passes_and_one_without_remote_is_unknown(tmp_path: Path) -> None:
    passed = invoke("--app-folder", str(tmp_path), "--github-url", "https://github.com/o/r/")
    assert passed.exit_code == 0, passed.output
    assert "the app has no fly.toml" in passed.stdout
    unknown = invoke("--app-folder", str(tmp_path))
    assert unknown.exit_code == 3
    assert "No github_url was sent: the app folder is not a git repository" in " ".join(unknown.stdout.split())


@pytest.mark.parametrize("closed", [True, False])
def test_a_missing_server_is_unknown_within_the_time(database: str, closed: bool) -> None:
    request = sample.add_request(database)
    with silent_port() as port:
        if closed:
            port = 1
        arguments = ("--database", database, "--request", request, "--timeout", "0.5")
        result = invoke("--server", f"ws://u:s3cret@127.0.0.1:{port}/wsi?token=s3cret", *arguments)
    assert result.exit_code == 3, result.output
    assert ("no server listens there" if closed else "gave up after 0.5 s, connecting") in " ".join(
        result.stdout.split()
    )
    assert "s3cret" not in result.output


def test_a_wrong_path_is_unknown_with_the_right_path(database: str, plan: Plan) -> None:
    request = sample.add_request(database)

    async def both() -> Report:
        async with serve(plan, database, request) as server:
            wrong = server.url.replace("/wsi", "/socket")
            return report_on(plan, await generate(plan, wrong, database, request, APP))

    report = asyncio.run(both())
    assert report.exit_code() == 3
    (found,) = report.check("generation").findings
    assert "it answered HTTP 404" in found.message
    assert found.remedy == "Check the path: the container's is /wsi."


def test_a_server_that_never_writes_fails_within_the_time(database: str, plan: Plan) -> None:
    request = sample.add_request(database)

    async def handler(connection: ServerConnection) -> None:
        await connection.send(START)
        await connection.wait_closed()

    async def both() -> Report:
        async with fake(handler) as address:
            return report_on(plan, await generate(plan, address, database, request, APP, timeout=0.5))

    report = asyncio.run(both())
    (found,) = report.check("generation").findings
    assert (found.outcome, report.exit_code()) == ("fail", 1)
    assert f"request {request} was not completed: the row's status is queued" in found.message


def test_a_row_that_was_completed_before_proves_nothing(database: str, plan: Plan) -> None:
    request = sample.add_request(database)
    execute(
        database,
        "UPDATE generation_requests SET status = 'completed', completed_at = now(), github_url = 'https://github.com/o/r',"
        " artifacts_github_url = 'https://github.com/o/r-artifacts', deployment_url = 'https://a.fly.dev'",
    )

    async def handler(connection: ServerConnection) -> None:
        await connection.send(START)
        await connection.wait_closed()

    async def both() -> Report:
        async with fake(handler) as address:
            return report_on(plan, await generate(plan, address, database, request, APP, timeout=0.5))

    (found,) = asyncio.run(both()).check("generation").findings
    assert found.outcome == "fail"
    assert "was so before the run" in found.message


def test_a_database_that_ends_during_the_run_is_unknown(database: str, plan: Plan) -> None:
    request = sample.add_request(database)

    async def handler(connection: ServerConnection) -> None:
        await asyncio.to_thread(execute, database, "ALTER TABLE generation_requests RENAME TO away")
        await connection.send(START)
        await connection.wait_closed()

    async def both() -> Report:
        async with fake(handler) as address:
            return report_on(plan, await generate(plan, address, database, request, APP, timeout=5))

    report = asyncio.run(both())
    (found,) = report.check("generation").findings
    assert (found.outcome, report.exit_code()) == ("unknown", 3)
    assert "SQLSTATE 42P01" in found.message


def test_a_redirect_is_not_followed_with_the_headers() -> None:
    reached: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        reached.append("elsewhere")

    async def both() -> None:
        async with fake(handler) as elsewhere:

            def redirect(connection: ServerConnection, _: Request) -> Response:
                response = connection.respond(302, "")
                response.headers["Location"] = elsewhere
                return response

            async with listen(says_nothing, "127.0.0.1", 0, process_request=redirect) as server:
                port = next(iter(server.sockets)).getsockname()[1]
                await run_container(f"ws://127.0.0.1:{port}", APP, session_id="s", headers=[("X-Token", "s3cret")])

    with pytest.raises(ContainerError, match="HTTP 302"):
        asyncio.run(both())
    assert reached == []


def test_the_row_is_only_read(database: str, plan: Plan) -> None:
    request = sample.add_request(database, plan.sql.forward)
    role = f"reader_{uuid.uuid4().hex[:8]}"
    execute(database, f"CREATE ROLE {role} LOGIN BYPASSRLS; GRANT SELECT ON generation_requests TO {role}")
    reader = psycopg.conninfo.make_conninfo(database, user=role)
    try:

        async def both() -> Report:
            with sample_app() as folder:
                app = inspect_app(folder)
            async with serve(plan, database, request) as server:
                return report_on(plan, await generate(plan, server.url, reader, request, app))

        report = asyncio.run(both())
        execute(database, f"ALTER ROLE {role} NOBYPASSRLS")
        hidden = invoke("--server", "ws://127.0.0.1:1", "--database", reader, "--request", request)
    finally:
        execute(database, f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert report.outcome == "pass"
    assert hidden.exit_code == 3
    assert "row level security would hide rows" in " ".join(hidden.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--request", "1"), "--request needs --server"),
        (("--server", "ws://127.0.0.1:1"), "--server needs --request"),
        (("--server", "http://s3cret@h", "--database", "postgresql:///x", "--request", "1"), "not a WebSocket address"),
        (("--server", "ws://h", "--database", "DB", "--request", "1; s3cret"), "--request is not a key"),
        (("--server", "ws://h", "--database", "DB", "--request", "99999999999999999999"), "--request is not a key"),
        (("--server", "ws://h", "--database", "DB", "--request", "5"), "has no request 5"),
        (("--server", "ws://h", "--request", "1", "--header", "s3cret"), "not an HTTP header"),
        (("--server", "ws://h", "--request", "1", "--header", "X: s3cret\r\nY: 1"), "not an HTTP header"),
        (("--save", "/nowhere/generation.json"), "folder /nowhere of --save does not exist"),
        (("--app-folder", "/nowhere"), "does not exist"),
        (("--github-url", "https://me:s3cret@github.com/o/r"), "holds credentials"),
        (("--table", "public.other"), "embedded database has no public.other"),
        (("--format", "xml"), "no format 'xml'"),
    ],
)
def test_a_wrong_call_is_one_line_without_its_secrets(database: str, arguments: tuple[str, ...], words: str) -> None:
    result = invoke(*(database if argument == "DB" else argument for argument in arguments))
    assert isinstance(result.exception, UsageError)
    assert words in str(result.exception)
    assert "s3cret" not in str(result.exception)
    assert result.exception.exit_code == 2


def test_the_command_line_loads_no_driver() -> None:
    program = (
        "import sys, genreq_checks.cli.generate, genreq_checks.checks\n"
        "print(sorted({'websockets', 'psycopg', 'sqlalchemy', 'pandas'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
