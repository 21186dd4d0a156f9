"""action.yml: the scripts of its steps, run by bash with the inputs in the environment, and GitHub's API on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from genreq_checks.embedded import sample

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
BOT = "github-actions[bot]"


class GitHub(ThreadingHTTPServer):
    """As much of GitHub's API as comments need."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.refuses = False

    def comment(self, body: str, author: str = BOT) -> None:
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"login": author}})


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, code: int, found: object) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def handle_call(self) -> None:
        self.server.calls.append(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        if self.headers["Authorization"] != "Bearer t0ken" or (self.server.refuses and body):
            self.answer(403, {"message": "no"})
        elif found := re.fullmatch(r"/repos/o/r/issues/7/comments\?per_page=100&page=(\d+)", self.path):
            start = (int(found[1]) - 1) * 100
            self.answer(200, self.server.comments[start : start + 100])
        elif self.command == "POST" and self.path == "/repos/o/r/issues/7/comments":
            self.server.comment(body["body"])
            self.answer(201, {})
        elif self.command == "PATCH" and (found := re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", self.path)):
            self.server.comments[int(found[1]) - 1]["body"] = body["body"]
            self.answer(200, {})
        else:
            self.answer(404, {})

    do_GET = do_POST = do_PATCH = handle_call


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Runner:
    """A runner's folders and variables; the tool is the one of this environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temp = folder / "work", folder / "temp"
        self.work = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        self.folder.mkdir()
        programs = self.temp / "genreq-checks" / "bin"
        programs.mkdir(parents=True)
        for name in ("python", "genreq-checks"):
            (programs / name).write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent / name}" "$@"\n')
            (programs / name).chmod(0o755)

    def step(self, name: str, *, code: int = 0, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script as the runner does; each input has its default, unless it is given."""
        given = {key: str(one["default"]) for key, one in ACTION["inputs"].items()}
        given |= {key.replace("_", "-"): value for key, value in inputs.items()}
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB", "PG", "LEO"))}
        environment |= {"RUNNER_TEMP": str(self.temp), "GITHUB_ACTION_PATH": str(ROOT)}
        environment |= {key: str(path) for key, path in self.work.items()}
        environment |= {key: value for key, value in inputs.items() if key.isupper()}
        for key, value in STEPS[name]["env"].items():
            found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)
            environment.setdefault(key, given[found[1]] if found else "")
        script = self.folder / "script.sh"
        script.write_text(STEPS[name]["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def comment(self, github: GitHub, **more: str) -> str:
        api = {"GITHUB_API_URL": f"http://127.0.0.1:{github.server_port}", "GITHUB_REPOSITORY": "o/r"}
        given = {"PULL_REQUEST": "7", "GITHUB_TOKEN": "t0ken"} | api | more
        return self.step("Comment", **given).stdout


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture
def filled(database: str) -> str:
    sample.load_history(database)
    return database


def test_no_input_is_put_into_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
    used = re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION["runs"]))
    assert set(used) | {"output"} == set(ACTION["inputs"])


def test_check_writes_every_report_and_its_exit_code(runner: Runner, filled: str) -> None:
    done = runner.step("Check", database_url=filled, phase="before")
    assert done.stdout.startswith("::")
    assert sorted(path.name for path in (runner.folder / "genreq-checks").iterdir()) == [
        "report.json",
        "report.sarif",
        "report.xml",
    ]
    report = json.loads((runner.folder / "genreq-checks" / "report.json").read_text())
    assert (report["phase"], report["outcome"]) == ("before", "pass")
    assert runner.work["GITHUB_OUTPUT"].read_text() == "exit-code=0\n"
    assert "genreq-checks" in runner.work["GITHUB_STEP_SUMMARY"].read_text()


def test_a_failing_check_fails_only_in_the_last_step(runner: Runner, filled: str) -> None:
    runner.step("Check", database_url=filled, cutover="2025-01-10T12:00Z", arguments="--only\ndropped.*\n")
    assert runner.work["GITHUB_OUTPUT"].read_text() == "exit-code=1\n"
    report = json.loads((runner.folder / "genreq-checks" / "report.json").read_text())
    judged = {one["id"] for one in report["checks"] if one["outcome"] != "skip"}
    assert judged >= {"dropped.download_url", "dropped.conversation"}
    runner.step("Outcome", code=1, EXIT_CODE="1")
    runner.step("Outcome", code=0, EXIT_CODE="0")


def test_hostile_inputs_stay_arguments(runner: Runner, filled: str) -> None:
    """What looks like a command, an option or several words is one value."""
    ran = runner.folder / "ran"
    hostile = f'"; touch {ran}; echo "$(touch {ran})`touch {ran}`'
    runner.step("Check", database_url=filled, baseline=hostile, phase="before")
    assert runner.work["GITHUB_OUTPUT"].read_text() == "exit-code=2\n"
    runner.step("Check", database_url=filled, phase="before --strict")
    runner.step("Check", source="--help")
    assert runner.work["GITHUB_OUTPUT"].read_text() == "exit-code=2\n" * 3
    assert not ran.exists()


def test_the_comment_is_written_once_and_then_updated(runner: Runner, filled: str, github: GitHub) -> None:
    github.comments += [{"id": n, "body": "x", "user": {"login": "someone"}} for n in range(1, 121)]
    runner.step("Check", database_url=filled, phase="before")
    assert runner.comment(github) == ""
    assert len(github.comments) == 121
    first = github.comments[-1]["body"]
    assert first.startswith("<!-- genreq-checks public.generation_requests before -->\n")
    github.comments[-1]["body"] = first.splitlines()[0]
    assert runner.comment(github) == ""
    assert (len(github.comments), github.comments[-1]["body"]) == (121, first)
    assert github.calls[-1].startswith("PATCH ")
    runner.step("Check", database_url=filled, phase="rolled-back")
    runner.comment(github)
    assert len(github.comments) == 122


def test_the_comment_of_another_author_is_not_touched(runner: Runner, filled: str, github: GitHub) -> None:
    runner.step("Check", database_url=filled, phase="before")
    github.comment("<!-- genreq-checks public.generation_requests before -->\nplanted", "someone")
    runner.comment(github)
    assert [one["body"].endswith("planted") for one in github.comments] == [True, False]


def test_a_comment_that_cannot_be_written_is_a_warning(runner: Runner, filled: str, github: GitHub) -> None:
    assert runner.comment(github).startswith("::warning::There is no report")
    runner.step("Check", database_url=filled, phase="before")
    github.refuses = True
    assert runner.comment(github) == "::warning::The comment was not written: GitHub answered 403.\n"
    assert runner.comment(github, GITHUB_API_URL="http://127.0.0.1:9").startswith("::warning::The comment was not")
    assert "t0ken" not in runner.comment(github)


@pytest.mark.slow
def test_the_installation(runner: Runner, filled: str) -> None:
    """By pip, from the registry, as on a runner: what the check's step then runs is what was installed."""
    import shutil

    shutil.rmtree(runner.temp / "genreq-checks")
    runner.step("Install genreq-checks")
    runner.step("Check", database_url=filled, phase="before")
    assert runner.work["GITHUB_OUTPUT"].read_text() == "exit-code=0\n"
