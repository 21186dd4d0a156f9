"""No password in anything that is written: every command, output, file, exception, and pytest's output about a call."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import conninfo, sql

import genreq_checks
from conftest import Server
from genreq_checks.archive import write_archive
from genreq_checks.archive.restoring import restore
from genreq_checks.dashboard import failing, review
from genreq_checks.dashboard import wording as words
from genreq_checks.dashboard.answer import reader
from genreq_checks.dashboard.settings import from_environment
from genreq_checks.dashboard.shared import Board
from genreq_checks.errors import GenreqError
from genreq_checks.leo.generation.container import location
from genreq_checks.outputs.formats import MODULES
from genreq_checks.plan import Plan, load_plan
from genreq_checks.postgres.connection import parse
from genreq_checks.rehearsal import rehearse
from leaks import (
    FORMS,
    NOWHERE,
    PASSWORDS,
    SOURCES,
    TOKEN,
    empty_folder,
    files_here,
    has_token,
    in_libpq_quotes,
    percent_encoded,
    run,
    source,
    telltale,
)
from rows import execute, insert

pytestmark = pytest.mark.slow

SLASH = f"postgresql://bob:hunter2{TOKEN}/{TOKEN}x@{NOWHERE}/db"
FORMATS = [word for name in sorted(MODULES) for word in ("--format", name, "--output", f"report.{name}")]


@pytest.fixture(scope="module")
def place(server: Server, leo_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A database with one request in it, a snapshot of it and an archive."""
    name = f"leaks_{os.getpid()}"
    url = server.create_database(name, leo_template)
    insert(url, {"status": "generating", "download_url": "https://a"})
    folder = tmp_path_factory.mktemp("leaks")
    genreq_checks.observe(load_plan(), url).save(folder / "before.json")
    write_archive(load_plan(), url, folder / "a.parquet")
    yield SimpleNamespace(url=url, server=server.url(), baseline=folder / "before.json", archive=folder / "a.parquet")
    server.drop_database(name)


def served(given: dict[str, str]) -> str:
    """What the dashboard shows of the source that the environment names."""
    try:
        asked = from_environment(given)
    except GenreqError as error:
        return str(error)
    reading = Board(reader(asked), 60.0).latest()
    told = [words.verdict(reading), words.stale(reading), repr(asked), repr(reading)]
    if reading.answer:
        told += [words.banner(reading), repr(failing.failing(reading.answer.report)), words.provenance(reading.answer)]
        told += [repr(failing.grid_rows(reading.answer.report)), repr(words.requirement_rows(reading.answer.report))]
        told += [file.make() for file in words.downloads(reading.answer.report)]
    return repr(told)


def of_dashboard(*arguments: str) -> str:
    """What the command writes, and then what its pages would show."""
    with mock.patch("genreq_checks.cli.dashboard.serve") as serve, mock.patch.dict(os.environ):
        shown = run("dashboard", *arguments)
        given = {}
        if serve.called:
            given = {"GENREQ_SOURCE": arguments[0]}
    return shown + (served(given) if given else "")


def of_review(where: str) -> str:
    """What the command writes, the command line of the editor, and then what a notebook would show."""
    with mock.patch("genreq_checks.cli.review.run_editor", return_value=0) as started:
        shown = run("review", where, "--headless")
    if not started.called:
        return shown
    command, environment = started.call_args.args
    opened = review.open_sources(environment=environment)
    rows = review.offending_rows(opened, opened.plan, "population.github_url", None)
    return f"{shown} {command} {opened!r} {review.source_sentence(opened, 'here')} {rows!r}"


Called = Callable[[str, SimpleNamespace], str]
COMMANDS: dict[str, Called] = {
    "check": lambda url, at: run("check", url),
    "check into files": lambda url, at: run("check", url, *FORMATS, "--history", "runs") + run("history", "runs"),
    "check, json": lambda url, at: run("check", url, "--format", "json"),
    "check, github": lambda url, at: run("check", url, "--format", "github", GITHUB_STEP_SUMMARY="summary.md"),
    "check --baseline": lambda url, at: run("check", str(at.baseline), "--baseline", url),
    "check --messages": lambda url, at: run("check", url, "--messages", str(at.baseline)),
    "check by the variable": lambda url, at: run("check", LEO_DATABASE_URL=url) if "\udc80" not in url else "",
    "snapshot": lambda url, at: run("snapshot", url, "-o", "s.json"),
    "snapshot, swapped": lambda url, at: run("snapshot", str(at.baseline), "-o", url),
    "rows": lambda url, at: run("rows", "population.github_url", url),
    "archive": lambda url, at: run("archive", url, "-o", "a.parquet"),
    "archive, swapped": lambda url, at: run("archive", at.url, "-o", url),
    "restore": lambda url, at: run("restore", str(at.archive), url, "--yes"),
    "restore, swapped": lambda url, at: run("restore", url, at.url, "--yes"),
    "rehearse": lambda url, at: run("rehearse", url, "--scratch", at.server),
    "rehearse --scratch": lambda url, at: run("rehearse", at.url, "--scratch", url),
    "generate --database": lambda url, at: run(
        "generate", "--server", "ws://127.0.0.1:1", "--database", url, "--request", "1", "--save", "g.json"
    ),
    "generate --server": lambda url, at: run(
        "generate", f"--server={url.replace('postgresql', 'ws')}", "--database", at.url, "--request", "1"
    ),
    "dashboard": lambda url, at: of_dashboard(url),
    "review": lambda url, at: of_review(url),
    "a plan": lambda url, at: run("check", str(at.baseline), "--plan", url),
    "two arguments": lambda url, at: run("check", *url.split(" ", 1), "x"),
    "no command": lambda url, at: run(url),
    "history": lambda url, at: run("history", url),
}


@pytest.mark.parametrize("command", COMMANDS)
@given(where=SOURCES)
@example(where=SLASH)
@example(where=f"postgresql://bob:{TOKEN}/db")
@example(where=f"postgresql://bob@{NOWHERE}/db?{TOKEN}=1&password=x&{TOKEN}")
@example(where="postgresql://bob:" + TOKEN * 90 + f"@{NOWHERE}/db")
@settings(max_examples=25)
def test_no_command_writes_a_password(command: str, place: SimpleNamespace, where: str) -> None:
    with empty_folder():
        told = COMMANDS[command](where, place)
    assert not has_token(told), told
    assert "Traceback" not in told, told


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_rejected_or_unreachable_in_one_line(form: str, place: SimpleNamespace) -> None:
    with empty_folder():
        told = run("check", source(form, f"{TOKEN}/{TOKEN}"), "--format", "json", "--output", "r.json")
    assert "exit code 2" in told or "exit code 3" in told
    assert not has_token(told), told


def said(call: Callable[[], object]) -> str:
    """The exception of a call as text: itself, its repr, its traceback as Python prints it; else what came back."""
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is printed
        return f"{error} {error!r} {''.join(traceback.format_exception(error))} {getattr(error, '__notes__', '')}"


API: dict[str, Callable[[str, Plan, SimpleNamespace], object]] = {
    "parse": lambda url, plan, at: parse(url),
    "observe": lambda url, plan, at: genreq_checks.observe(plan, url),
    "observe a path": lambda url, plan, at: genreq_checks.observe(plan, Path(url)),
    "check": lambda url, plan, at: genreq_checks.check(plan, genreq_checks.observe(plan, url)).model_dump_json(),
    "assert_clean": lambda url, plan, at: genreq_checks.assert_clean(url),
    "write_archive": lambda url, plan, at: write_archive(plan, url, "a.parquet"),
    "restore": lambda url, plan, at: restore(plan, at.archive, url),
    "rehearse": lambda url, plan, at: rehearse(plan, url, scratch_url=at.server),
    "location": lambda url, plan, at: location(url.replace("postgresql", "ws")),
}


@pytest.mark.parametrize("name", API)
@given(where=st.one_of(SOURCES, st.builds(source, st.sampled_from(sorted(FORMS)), st.just(f"{TOKEN}\0{TOKEN}"))))
@example(where=SLASH)
@settings(max_examples=25)
def test_no_exception_holds_a_password(name: str, plan: Plan, place: SimpleNamespace, where: str) -> None:
    with empty_folder():
        told = said(lambda: API[name](where, plan, place)) + files_here()
    assert not has_token(told), told


def test_text_without_a_secret_is_still_shown() -> None:
    with empty_folder():
        told = run("check", f"postgresql://bob:{TOKEN}@{NOWHERE}/orders", *FORMATS)
    for name in MODULES:
        part = told.partition(f"report.{name}: ")[2]
        assert f"postgresql://bob@{NOWHERE}/orders" in re.sub("[\\\\\u200b]", "", part), name
    assert not has_token(told)


@pytest.fixture
def known(place: SimpleNamespace) -> Iterator[Callable[[str], str]]:
    """Makes a role of that password, and gives the source that logs in as it."""
    name = f"keeper_{os.getpid()}"

    def login(password: str) -> str:
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
            statement = sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))
        given = conninfo.conninfo_to_dict(place.url) | {"user": name}
        return f"{conninfo.make_conninfo('', **given)} password={in_libpq_quotes(password)}"

    yield login
    execute(place.url, f"DROP ROLE IF EXISTS {name}")


LIVE = ["check into files", "check, github", "snapshot", "rows", "archive", "restore", "generate --database", "review"]


@given(password=PASSWORDS.filter(lambda text: "\udc80" not in text))
@settings(max_examples=8)
def test_a_database_that_is_read_leaves_no_password(
    known: Callable[[str], str], place: SimpleNamespace, password: str
) -> None:
    where = known(password)
    for command in LIVE:
        with empty_folder():
            told = COMMANDS[command](where, place)
        assert not has_token(told), told
        assert f"keeper_{os.getpid()}" in told.replace("\\", "") or command in (
            "snapshot",
            "rows",
            "archive",
            "restore",
        ), told


def placed(way: str, password: str, port: int, outside: Path) -> tuple[str, dict[str, str]]:
    """A source whose password is in the URL, in a libpq string, or in what libpq reads by itself; and the environment."""
    bare = f"host=127.0.0.1 port={port} user=bob dbname=db"
    if way == "url":
        return f"postgresql://bob:{percent_encoded(password)}@127.0.0.1:{port}/db", {}
    if way == "libpq":
        return f"{bare} password={in_libpq_quotes(password)}", {}
    if way == "PGPASSWORD":
        return bare, {"PGPASSWORD": password}
    file = outside / way
    if way == "pgpass":
        file.write_text("*:*:*:*:" + password.replace("\\", "\\\\").replace(":", "\\:") + "\n", "utf-8")
        file.chmod(0o600)
        return bare, {"PGPASSFILE": str(file)}
    file.write_text("\n".join(["[ours]", *bare.split(), f"password={password}", ""]), "utf-8")
    return "service=ours", {"PGSERVICEFILE": str(file)}


@pytest.mark.parametrize("way", ["url", "libpq", "PGPASSWORD", "pgpass", "service"])
@pytest.mark.parametrize(
    "say", ['password "{0}" is wrong', "no such user: postgresql://bob:{0}@h/d", "at {1}: no", "{0}"]
)
@given(password=PASSWORDS.filter(lambda text: not {"\udc80", "\n", "\r"} & set(text)))
@example(password=f"{TOKEN}  {TOKEN}\t{TOKEN}")
@settings(max_examples=8)
def test_a_server_that_quotes_the_password_is_not_repeated(
    tmp_path: Path, way: str, say: str, plan: Plan, password: str
) -> None:
    with telltale(say) as port, empty_folder():
        where, environment = placed(way, password, port, tmp_path)
        told = run("check", where, "--format", "json", **environment)
        with mock.patch.dict(os.environ, environment):
            told += said(lambda: genreq_checks.check(plan, genreq_checks.observe(plan, where)).model_dump_json())
    assert "could not be read" in told
    assert not has_token(told), told


SUITE = """
import os
import genreq_checks
from genreq_checks.plan import load_plan

def test_fixture(genreq_check):
    genreq_check()

def test_clean():
    genreq_checks.assert_clean(os.environ["LEO_DATABASE_URL"])

def test_observe():
    genreq_checks.observe(load_plan(), os.environ["LEO_DATABASE_URL"])

def test_parse():
    from genreq_checks.postgres.connection import parse
    parse(os.environ["LEO_DATABASE_URL"])

def test_archive():
    from genreq_checks.archive import write_archive
    write_archive(load_plan(), os.environ["LEO_DATABASE_URL"], "a.parquet")

def test_restore():
    from genreq_checks.archive import restore
    restore(load_plan(), os.environ["ARCHIVE"], os.environ["LEO_DATABASE_URL"])

def test_rehearse():
    from genreq_checks.rehearsal import rehearse
    rehearse(load_plan(), "postgresql://127.0.0.1:1/x", scratch_url=os.environ["LEO_DATABASE_URL"])

def test_rows():
    from genreq_checks.checks import needs_of, rows_behind
    from genreq_checks.sources.rows import listing
    plan = load_plan()
    one, selection = rows_behind(plan, "loss.download_url")
    with listing(plan, os.environ["LEO_DATABASE_URL"], selection, needs_of(plan, [one])):
        pass

def test_generate():
    import asyncio
    from genreq_checks.leo.generation.app import App
    from genreq_checks.leo.generation.container import run_container
    url = os.environ["LEO_DATABASE_URL"].replace("postgresql", "ws")
    asyncio.run(run_container(url, App(None, None), session_id="x"))

def test_an_error_in_this_tool(monkeypatch):
    from genreq_checks.sources import postgres
    monkeypatch.setattr(postgres, "reading", lambda *_: 1 / 0)
    genreq_checks.observe(load_plan(), os.environ["LEO_DATABASE_URL"])

def test_a_fault_in_the_driver(monkeypatch):
    import psycopg
    monkeypatch.setattr(psycopg.Connection, "_get_connection_params", staticmethod(next))
    genreq_checks.observe(load_plan(), os.environ["LEO_DATABASE_URL"])
"""


@pytest.mark.parametrize("url", [f"postgresql://bob:{TOKEN}@{NOWHERE}/db", SLASH])
@pytest.mark.parametrize("style", ["long", "short", "native"])
def test_pytest_prints_no_argument_of_this_tool(url: str, style: str, place: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "test_team.py").write_text(SUITE, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--tb={style}", "--junitxml=j.xml"]
    environment = os.environ | {"LEO_DATABASE_URL": url, "ARCHIVE": str(place.archive)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr + (tmp_path / "j.xml").read_text("utf-8")
    assert ("11 failed" if url == SLASH else "9 failed") in done.stdout, done.stdout  # unreachable is no exception
    assert not has_token(told), told


def test_an_error_in_this_tool_is_a_traceback_without_the_password() -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError(f"{TOKEN}/x{TOKEN} of postgresql://bob:{TOKEN}/{TOKEN}@h and {TOKEN} x{TOKEN}")

    with empty_folder(), mock.patch("genreq_checks.sources.table.reading", fail):
        for password in (f"{TOKEN}/x{TOKEN}", f"{TOKEN} x{TOKEN}"):
            told = run("check", f"postgresql://bob:{percent_encoded(password)}@{NOWHERE}/db")
            assert "Traceback" in told
            assert "KeyError" in told
            assert "exit code 3" in told
            assert not has_token(told), told


def test_a_file_of_an_older_version_that_holds_a_password_is_not_shown_with_it(place: SimpleNamespace) -> None:
    leaked = f"postgresql://bob:hunter2{TOKEN}/x%40h%2F{TOKEN}"  # as 0.1.0 wrote it
    text = place.baseline.read_text("utf-8")
    location_then = genreq_checks.load_snapshot(place.baseline).source.location
    with empty_folder() as folder:
        (folder / "old.json").write_text(text.replace(f'"{location_then}"', f'"{leaked}"'), "utf-8")
        snapshot = genreq_checks.load_snapshot("old.json")
        assert not has_token(repr(snapshot))
        (folder / "old.json").unlink()


@pytest.mark.parametrize(
    ("say", "kept"),
    [
        ("the prompt of alice was: build me a shop", False),
        ('role "build me a shop" does not exist', False),
        ("SSL error: build me a shop", False),
        ('Connection refused connection to server at "build me a shop" failed: Connection refused', False),
        ('password authentication failed for user "bob"', True),
        ('database "leo" does not exist', True),
        ("sorry, too many clients already", True),
    ],
)
def test_only_known_messages_of_a_server_at_the_set_up_are_shown(say: str, kept: bool, plan: Plan) -> None:
    with telltale(say) as port:
        problem = genreq_checks.observe(plan, f"postgresql://bob:abcdefgh@127.0.0.1:{port}/leo").problem("connection")
    assert problem is not None
    assert (say in problem.text) == kept
    assert "shop" not in problem.text
    assert ("is not shown" in problem.text) == (not kept)


def test_a_server_cannot_show_a_password_in_another_form(plan: Plan) -> None:
    """Backwards, or in capitals: no search for the password finds it."""
    with telltale("hgfedcba ABCDEFGH") as port:
        problem = genreq_checks.observe(plan, f"postgresql://bob:abcdefgh@127.0.0.1:{port}/leo").problem("connection")
    assert problem is not None
    assert "hgfedcba" not in problem.text.lower()
    assert "abcdefgh" not in problem.text.lower()
