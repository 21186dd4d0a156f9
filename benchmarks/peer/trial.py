"""Each tool installed, and held to the truth on small tables before anything is measured."""

import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from measures import Run, run
from peer.question import DERIVATION, MINIMUM, PATTERNS, Answer, Peer, Question
from shapes import PLANNER, make_table

SMALL = 20_000
PATIENCE = 600
PLANT = """
    UPDATE generation_requests SET artifacts_github_url = github_url || '-other' WHERE id % 1000 = 7 AND github_url IS NOT NULL;
    UPDATE generation_requests SET artifacts_github_url = 'http://example.com/x' WHERE id % 1000 = 8
"""
EMPTY = {True: "**passes**", False: "fails"}
BACK = {True: "**not noticed**", False: "noticed"}
TRIED = (
    *("tool", "asked by", "counts", "format", "derivation", "an empty table", "a dropped column that is back"),
    "not without user-defined SQL or expressions",
)
TRIALS_HEAD = f"| {' | '.join(TRIED)} |", "| --- " * len(TRIED) + "|"


@dataclass(frozen=True)
class Installed:
    """A tool in its environment, and the folder in which it is run and at home."""

    peer: Peer
    programs: Path
    folder: Path

    def ask(self, question: Question) -> tuple[Answer, Run]:
        """Raises: OSError, TimeoutError or what the tool's files lack, when there is no answer."""
        folder = self.folder / f"{question.part}-{question.database}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        program, *arguments = self.peer.ask(folder, question)
        home = {"HOME": str(self.folder), "PGCONNECT_TIMEOUT": "10"}
        done = run([str(self.programs / program), *arguments], PATIENCE, folder, **home, **self.peer.environment)
        return self.peer.read(folder, done), done


def install(peer: Peer, folder: Path) -> Installed:
    """Its environment, with this Python, nothing newer than what the project itself is pinned to, and compiled bytecode.

    Raises: OSError.
    """
    pins = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["uv"]
    place = folder / peer.name.replace(" ", "-").lower()
    place.mkdir()
    environment = place / "environment"
    newest = ["--exclude-newer", pins["exclude-newer"]]
    python = ["--python", str(environment / "bin" / "python")]
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(environment)],
        ["pip", "install", "--quiet", "--compile-bytecode", *newest, *python, *peer.packages],
    ):
        done = run(["uv", *command], PATIENCE, place)
        if done.code:
            lines = [line.strip() for line in done.errors.splitlines() if line.strip()]
            raise OSError(f"cannot be installed: {lines[0][:160] if lines else done.code}")
    return Installed(peer, environment / "bin", place)


def databases(server: Any) -> None:
    """Three small databases: with planted faults, without a row, and that with a dropped column that is back."""
    planted, back = make_table(server, "planted", "30 % malformed", SMALL), make_table(server, "back", "plain", 0)
    make_table(server, "empty", "plain", 0)
    execute(planted, PLANT)
    execute(back, "ALTER TABLE generation_requests ADD COLUMN download_url text")


def set_planner(url: str, database: str) -> None:
    """The planner settings of `check`, for every connection to the database."""
    for name, value in PLANNER.items():
        execute(url, f"ALTER DATABASE {database} SET {name} = '{value}'")


def execute(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql)


def truth(url: str) -> tuple[int, Answer]:
    """The completed rows, and the right answers, by a query written for it."""
    found = [f"count(*) FILTER (WHERE {name} IS NULL)" for name in PATTERNS]
    found += [f"count(*) FILTER (WHERE {name} !~ '{pattern}')" for name, pattern in PATTERNS.items()]
    counts = ", ".join([*found, f"count(*) FILTER (WHERE {DERIVATION})"])
    with psycopg.connect(url) as connection:
        row = connection.execute(
            f"SELECT count(*), {counts} FROM generation_requests WHERE status = 'completed'"
        ).fetchone()
    assert row is not None
    rows, nulls, malformed = (
        row[0],
        dict(zip(PATTERNS, row[1:4], strict=True)),
        dict(zip(PATTERNS, row[4:7], strict=True)),
    )
    passed = {name: count * 100 <= (100 - MINIMUM) * rows for name, count in nulls.items()}
    return rows, Answer(passed, nulls, malformed, row[7])


def difference(question: Question, answer: Answer, right: Answer) -> str:
    """What the tool tells otherwise than it is, in a few words; what it does not tell of the rates is told too."""
    if answer.passed != right.passed:
        return f"judges {answer.passed}, which should be {right.passed}"
    for name, count in answer.nulls.items():
        if count != right.nulls[name]:
            return f"counts {count} rows without {name}, of {right.nulls[name]}"
    if question.part == "all":
        if set(answer.malformed) != set(right.malformed) or answer.wrong is None:
            return "does not tell of the format or the derivation"
        told = [(answer.malformed[name], right.malformed[name]) for name in right.malformed] + [
            (answer.wrong, right.wrong)
        ]
        for found, expected in told:
            if found != (expected if not isinstance(found, bool) else bool(expected)):
                return f"finds {found} malformed or wrong values of {expected}"
    return ""


def tried(tool: Installed, server: Any) -> str:
    """A line of what the tool does, tried on the small tables. Raises: OSError when it answers wrong."""
    peer = tool.peer
    rows, right = truth(server.url("planted"))
    place = str(server.folder / "socket")
    answers = {}
    for part in ("rates", "all"):
        question = Question(part, place, "planted", rows)
        answers[part], _ = tool.ask(question)
        if wrong := difference(question, answers[part], right):
            raise OSError(f"on the planted table, {wrong}")
    if not tool.ask(Question("gone", place, "planted"))[0].passed["gone"]:
        raise OSError("finds a column that is not there")
    back = BACK[tool.ask(Question("gone", place, "back"))[0].passed["gone"]]
    try:
        empty = EMPTY[all(tool.ask(Question("rates", place, "empty"))[0].passed.values())]
    except OSError as error:
        empty = "not evaluated" if "not evaluated" in str(error) else f"no answer: {error}"
    counts = "yes" if answers["rates"].nulls.keys() == right.nulls.keys() else "only of what fails"
    counts = counts if answers["rates"].nulls else "no"
    names = ", ".join(peer.packages[:1])
    cells = peer.name, f"{peer.how} (`{names}`)", counts, peer.form, peer.derivation, empty, back, peer.cannot
    return f"| {' | '.join(cells)} |"


def ours(check: Any, server: Any) -> str:
    """The same line for `check`, which is held to the same truth. Raises: SystemExit when it answers wrong."""
    rows, right = truth(server.url("planted"))
    question = Question("all", str(server.folder), "planted", rows)
    if wrong := difference(question, answer_of(json.loads(check(server.url("planted")).output)), right):
        raise SystemExit(f"genreq-checks, on the planted table, {wrong}")
    empty, back = (
        json.loads(check(server.url(name), "--only", only).output)["outcome"]
        for name, only in (("empty", "population.*"), ("back", "dropped.*"))
    )
    found = {"pass": EMPTY[True], "fail": EMPTY[False]}.get(empty, empty), BACK[back == "pass"]
    last = "not at all: other databases, rules of another kind"
    return f"| {' | '.join(('genreq-checks', 'its plan', 'yes', 'built in', 'built in', *found, last))} |"


def answer_of(report: dict[str, Any]) -> Answer:
    """The answer in a report: the sums over before, after and undated rows."""

    def total(name: str) -> dict[str, int]:
        return {column: sum(one[name] for one in report["rates"] if one["column"] == column) for column in PATTERNS}

    rows, nulls = total("rows"), total("null")
    passed = {name: nulls[name] * 100 <= (100 - MINIMUM) * rows[name] for name in PATTERNS}
    return Answer(passed, nulls, total("malformed"), sum(one["wrong"] for one in report["derivation"]))
