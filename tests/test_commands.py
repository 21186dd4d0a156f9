"""Every command in README and docs runs as printed: in a fresh HOME, without PostgreSQL on PATH, on a database of its own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Server
from genreq_checks.demo import apply, complete_generations
from genreq_checks.embedded import sample
from genreq_checks.plan import load_plan
from genreq_checks.selftest.clean_files import DROPPED, MADE, keep_books, write_files
from test_docs import CALLS, PAGES, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Words of a synopsis, and what stands for them here.
STANDS_FOR = {
    "SOURCE": "$URL",
    "T": "2025-01-10T12:00Z",
    "N": "50",
    "rows claims.COLUMN": "rows claims.download_url",
    "rows loss.COLUMN": "rows loss.download_url",
    "rows derivation.COLUMN": "rows derivation.artifacts_github_url",
    "rows population.COLUMN": "rows population.github_url",
    "rows leftovers.COLUMN --code DIR": "rows leftovers.download_url --code .",
    "archive $URL -o FILE": "archive $URL -o dropped.parquet",
    "--generation FILE": "--generation generation.json",
    "--forward F.sql": "--forward forward.sql",
    "--rollback F.sql": "--rollback rollback.sql",
    "--scratch URL": "--scratch $SCRATCH",
    "restore dropped.parquet $URL": "restore dropped.parquet $URL --yes",  # in a terminal it asks
}
# Commands that are not run here, and why.
NOT_RUN = {
    "dashboard": "serves until it is stopped: tests/test_service.py starts it",
    "review": "opens an editor until it is stopped: tests/test_review_ends.py starts it",
    "demo --serve": "serves until it is stopped: tests/test_service.py starts it",
    "stage $URL --finalise": "needs the report of a hold that is over: tests/test_staging.py makes one",
    "generate --server": "needs a server of the application: tests/test_generation_server.py has one",
}
NOT_REPLACED = ("before.parquet", "plan.toml", "rows.parquet")  # outputs that must not be there
# Lines of code blocks that are other commands than genreq-checks, and why they are not run here.
OTHERS = {
    r"(\.uv/bin/)?uv run (--\S+ (spark )?)?pytest.*": "these tests",
    r"uv run \.ci/(lint|mutate|pictures).*": "a step of CI, minutes long, or writes into the checkout",
    r"\.ci/run": "the whole of CI",
    r"uv run benchmarks/all\.py.*": "the benchmarks: tests/test_benchmarks.py runs each in its quick form",
    r"uv sync": "what made this environment",
    r"marimo edit .*": "opens an editor until it is stopped",
    r"marimo export .*": "tests/test_notebooks.py exports each notebook",
    r"python notebooks/.*": "tests/test_notebooks.py runs each notebook as a script",
    r"marimo run .*": "serves until it is stopped: tests/test_browser.py starts it",
    r"npx? .*": "a tool of the application's team",
    r"pipx install .*": "pipx is a package of the system",
}


@dataclass(frozen=True)
class Place:
    """A folder with the files that the docs name, and the environment of a fresh user."""

    folder: Path
    environment: dict[str, str]

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )


def programs(folder: Path) -> str:
    """A PATH with the tool, the base system's commands, and a build that passes; without PostgreSQL."""
    folder.mkdir()
    for name in ("bash", "sh", "env", "cat", "rm", "mkdir", "cp", "tr", "uname", "dirname", "realpath", "git", "tar"):
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    for name in ("npm", "npx", "pytest"):
        (folder / name).write_text("#!/bin/sh\nexit 0\n")
        (folder / name).chmod(0o755)
    (folder / "genreq-checks").symlink_to(Path(sys.executable).parent / "genreq-checks")
    assert not any((folder / name).exists() for name in ("postgres", "initdb", "psql"))
    return str(folder)


def fresh(home: Path, path: str, **more: str) -> dict[str, str]:
    """The environment of a user who has set nothing."""
    home.mkdir()
    return {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "TMPDIR": tempfile.gettempdir()} | more


@pytest.fixture(scope="module")
def place(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("commands")
    plan = load_plan()
    before, after = (server.create_database(f"commands_{name}") for name in ("before", "after"))
    for url in (before, after):
        sample.create_table(url)
        sample.load_history(url)
        keep_books(url, plan, [MADE])
    work = folder / "work"
    work.mkdir()
    write_files(work, plan)
    names = {"messages.jsonl": "log.jsonl"}
    for old, new in names.items():
        shutil.copy(work / old, work / new)
    for name in ("server.csv", "server.json"):
        (work / name).write_text("")
    made = Place(
        work,
        fresh(
            folder / "home",
            programs(folder / "bin"),
            BEFORE=before,
            AFTER=after,
            SCRATCH=server.url(),
            CUTOVER="2025-01-10T12:00Z",
        ),
    )
    for line in (
        "genreq-checks snapshot $BEFORE -o before.json --row-hashes before.parquet",
        "genreq-checks archive $BEFORE -o dropped.parquet",
        "genreq-checks export $BEFORE -o rows.parquet",
    ):
        done = made.run(line)
        assert done.returncode == 0, done.stderr
    apply(after, plan.forward_sql)
    apply(after, "CREATE TABLE orders (id serial PRIMARY KEY, customer text NOT NULL, fax text, legacy_state text)")
    keep_books(after, plan, [MADE, DROPPED])
    complete_generations(after)
    done = made.run("genreq-checks check $AFTER --cutover $CUTOVER --history runs")
    assert done.returncode in (0, 3), done.stderr
    return made


def printed() -> list[str]:
    """Each command with arguments, once, with its variables left for the shell."""
    found: dict[str, None] = {}
    for _, call in CALLS:
        if len(call) > 1:
            line = " ".join(word if word.startswith("$") else shlex.quote(word) for word in call)
            for word, meant in STANDS_FOR.items():
                line = re.sub(rf"(?<!\S){re.escape(word)}(?!\S)", lambda _, meant=meant: meant, line)  # type: ignore[misc]
            found[line] = None
    run_here = [line for line in found if "--spark" not in line]  # it needs Java: tests/test_spark.py
    return [line for line in run_here if not any(line.startswith(name) for name in NOT_RUN)]


@pytest.mark.parametrize("line", printed())
def test_a_command_runs_as_printed(place: Place, line: str) -> None:
    """On the table before the clean-up, or after it; and it reports, whatever the verdict."""
    early = re.search(r"--phase before|^(snapshot|archive|restore|rehearse|stage) |claims\.|loss\.", line) is not None
    url = "$BEFORE" if early else "$AFTER"
    for name in NOT_REPLACED if not line.startswith("rows ") else ():
        if re.search(rf"(--row-hashes|-o) {name}$", line):
            (place.folder / name).unlink(missing_ok=True)
    done = place.run(f"export URL={url} LEO_DATABASE_URL={url}; genreq-checks {line}")
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not re.search(r"could not be (read|written|started)", done.stderr), done.stderr
    assert done.stdout or done.stderr or re.search(r"--output|-o ", line)


def other_lines() -> list[str]:
    """The lines of code blocks that begin with another program."""
    lines: dict[str, None] = {}
    for page in PAGES:
        for line in re.findall(r"^    (\S.*)$", page.read_text("utf-8"), re.MULTILINE):
            if re.match(
                r"(uv|uvx|pip|pipx|python3?|marimo|npx?|git|docker|\.?\.uv/\S+|\.venv/\S+|\.ci/\S+) ?", line + " "
            ):
                lines[line.split(" # ")[0].split("    #")[0].strip()] = None
    return [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in OTHERS)]


def _python() -> Path:
    """The system's externally managed Python (Debian, Ubuntu) where it is new enough; otherwise the one of these tests."""
    system = Path("/usr/bin/python3")
    probe = "import ensurepip, os, sys, sysconfig; sys.exit(not (sys.version_info >= (3, 11) and os.path.exists("
    probe += "os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED'))))"
    if system.exists() and subprocess.run([system, "-c", probe], capture_output=True, check=False).returncode == 0:
        return system
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A copy of this checkout, a fresh user, and the Python that runs the tests; pip's and uv's caches are kept."""
    folder = tmp_path_factory.mktemp("checkout")
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in files:
        target = folder / "work" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    path = programs(folder / "bin")
    (folder / "bin" / "genreq-checks").unlink()
    (folder / "bin" / "python3").symlink_to(_python())
    uv = shutil.which("uv")
    assert uv
    (folder / "bin" / "uv").symlink_to(uv)
    (folder / "bin" / "uvx").symlink_to(Path(uv).with_name("uvx"))
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))}
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    kept |= {"UV_CACHE_DIR": cache, "UV_COMPILE_BYTECODE": "0", "PIP_CACHE_DIR": str(Path(cache).with_name("pip"))}
    return Place(folder / "work", fresh(folder / "home", path, **kept))


def test_the_installation_runs_as_printed(checkout: Place) -> None:
    """From the checkout, from a wheel, and small: each line in its order."""
    lines = [line for line in other_lines() if line not in ("python3 -m venv .venv",)]
    assert any("uvx --from" in line for line in lines)
    assert any("--require-hashes" in line for line in lines)
    job = "uv tool install ./.genreq-checks"  # of the jobs for GitHub and GitLab
    assert (ROOT / "docs" / "ci.md").read_text("utf-8").count(job) == 4
    (checkout.folder / ".genreq-checks").symlink_to(".")
    for line in ["python3 -m venv .venv", *lines, job]:
        done = checkout.run(line)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert (checkout.folder / "genreq-demo" / "report.html").is_file()


def test_every_line_that_is_not_run_is_in_the_docs() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    for pattern in OTHERS:
        assert re.search(rf"^    {pattern}", text, re.MULTILINE) or pattern.startswith("npx"), pattern
    for name in NOT_RUN:
        assert f"genreq-checks {name.replace('$URL', 'SOURCE')}" in text, name
