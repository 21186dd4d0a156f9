"""The container against a server in Node with ws and drizzle-orm, whose handler is the plan's own."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo
from typer.testing import CliRunner

import npm
from genreq_checks.cli import app as command_line
from genreq_checks.cli.generate import report_on
from genreq_checks.embedded import sample
from genreq_checks.leo.generation.app import App, inspect_app
from genreq_checks.leo.generation.run import generate, sample_app
from genreq_checks.plan import Plan
from genreq_checks.report import Report

pytestmark = pytest.mark.node
FOLDER = Path(__file__).parent / "node_server"
NO_GITHUB = App(None, "https://a.fly.dev", {"github_url": "no remote"})
NO_FLYIO = App("https://github.com/o/r", None, {"flyio_url": "no fly.toml"}, frozenset({"flyio_url"}))
RESUMED = {
    "github_url": "https://github.com/o/r",
    "artifacts_github_url": "https://github.com/o/r-artifacts",
    "deployment_url": "https://old.fly.dev",
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("node_server")
    npm.install(FOLDER / "package.json", target)
    return Path(shutil.copy(FOLDER / "server.mjs", target))


@contextmanager
def node_server(
    program: Path, database: str, request: str, fault: str | None = None, token: str | None = None
) -> Iterator[str]:
    """The server's WebSocket address, while it runs."""
    given = conninfo.conninfo_to_dict(database)
    names = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "database"}
    parameters = {names[name]: value for name, value in given.items() if name in names}
    told = {"database": parameters, "request": int(request), "fault": fault, "token": token}
    command = [npm.node(), str(program), json.dumps(told)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            port = process.stdout.readline().strip()
            assert port, process.stderr.read().decode()
            yield f"ws://127.0.0.1:{int(port)}/wsi"
        finally:
            process.communicate(timeout=30)


def run(plan: Plan, address: str, database: str, request: str, app: App | None = None, timeout: float = 30) -> Report:
    """A generation's report; the sample app unless another is named."""
    with sample_app() as folder:
        app = app or inspect_app(folder)
    return report_on(plan, asyncio.run(generate(plan, address, database, request, app, timeout=timeout)))


def outcomes(report: Report) -> dict[str, str]:
    return {finding.subject: finding.outcome for finding in report.check("generation").findings}


@pytest.fixture
def request_id(database: str, plan: Plan) -> str:
    """A queued request in the table after the clean-up."""
    return sample.add_request(database, plan.sql.forward)


def resume(database: str, request: str, **values: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "UPDATE generation_requests SET status = 'paused', github_url = %(github_url)s,"
            " artifacts_github_url = %(artifacts_github_url)s, deployment_url = %(deployment_url)s WHERE id = %(id)s",
            {**values, "id": request},
        )


def test_a_server_with_the_plans_handler_passes_on_the_command_line(
    installed: Path, database: str, request_id: str
) -> None:
    with node_server(installed, database, request_id, token="s3cret-token") as address:
        options = ["--server", address, "--database", database, "--request", request_id, "--format", "json"]
        refused = CliRunner().invoke(command_line, ["generate", *options])
        assert refused.exit_code == 3
        assert "HTTP 401" in refused.stdout
        passed = CliRunner().invoke(
            command_line, ["generate", *options, "--header", "Authorization: Bearer s3cret-token"]
        )
    assert passed.exit_code == 0
    assert "s3cret" not in passed.output
    report = Report.model_validate_json(passed.stdout)
    assert outcomes(report) == dict.fromkeys(
        ("generation", "github_url", "artifacts_github_url", "deployment_url"), "pass"
    )
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT status::text, github_url, artifacts_github_url, deployment_url,"
            " completed_at BETWEEN (now() AT TIME ZONE 'UTC') - interval '1 minute' AND (now() AT TIME ZONE 'UTC')"
            " FROM generation_requests"
        ).fetchall()
    repository = "https://github.com/example/sample-app"
    assert row == [("completed", repository, f"{repository}-artifacts", "https://sample-app.fly.dev", True)]


def test_the_plans_handler_breaks_a_resumed_row_and_this_is_reported(
    installed: Path, database: str, request_id: str, plan: Plan
) -> None:
    resume(database, request_id, **RESUMED)
    with node_server(installed, database, request_id) as address:
        report = run(plan, address, database, request_id, NO_GITHUB)
    assert outcomes(report)["artifacts_github_url"] == "fail"
    found = next(f for f in report.check("generation").findings if f.subject == "artifacts_github_url")
    assert found.evidence["defect_of_the_plan"] is True
    assert "defect of the plan" in found.remedy


@pytest.mark.parametrize(
    ("fault", "app", "broken"),
    [
        ("not derived", None, "artifacts_github_url"),
        ("null for missing", NO_FLYIO, "deployment_url"),
        ("close when ready", None, "generation"),
        ("drop", None, "generation"),
    ],
)
def test_a_fault_in_the_server_fails(
    installed: Path, database: str, request_id: str, plan: Plan, fault: str, app: App | None, broken: str
) -> None:
    resume(database, request_id, **RESUMED | {"artifacts_github_url": ""})
    with node_server(installed, database, request_id, fault) as address:
        report = run(plan, address, database, request_id, app, timeout=3)
    assert {subject for subject, outcome in outcomes(report).items() if outcome == "fail"} == {broken}
    assert report.exit_code() == 1
