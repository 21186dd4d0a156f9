"""The process that owns one embedded PostgreSQL: it creates the folder, runs the server, and removes both.

`genreq_checks.embedded.start` runs this file as a script (`python -I -S guardian.py ORDER`). It is the only
place that cleans up, after a normal end and after a killed parent: it ends when its standard input has data or is
closed, or when its parent has ended. It uses only the standard library, and loads quickly.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 10.0
INITDB = (
    "--username=genreq",
    "--auth=peer",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # upper and lower case beyond ASCII, the same on every machine
    "--no-sync",
    "--no-instructions",
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: the parent makes all decisions.

    `base` is the folder in which the private folder is created, `wheel` the package folder with `pginstall`, which
    is copied first if `is_copy`. `uid` and `gid` are set where the server must run as another user than this
    process. `files` are the configuration files of the data folder, by name; they replace those of initdb. With `port` the
    server listens on 127.0.0.1 too; 0 means on its socket only.
    """

    base: str
    wheel: str
    is_copy: bool
    uid: int | None
    gid: int | None
    files: dict[str, str]
    port: int = 0


def main() -> None:
    """Run the server of the order in the first argument until it is stopped; answer with one line of JSON."""
    parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, pass_over)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.umask(0o077)
    order = Order(**json.loads(sys.argv[1]))
    folder = Path(tempfile.mkdtemp(prefix="genreq-", dir=order.base))
    server = None
    try:
        server = launch(folder, order)
        if is_ready(server, folder, parent):
            answer({"folder": str(folder), "pid": str(server.pid)})
            while not is_over(parent, 0.5):
                pass
    except (OSError, subprocess.SubprocessError) as error:
        answer({"error": explain(error), "log": tail(folder / "log")})
    finally:
        if server is not None:
            stop(server)
        remove(folder)


def pass_over(_number: int, _frame: object) -> None:
    """Do nothing on a signal. SIG_IGN would do the same, but the server would inherit it."""


def launch(folder: Path, order: Order) -> subprocess.Popen[bytes]:
    """Create the cluster in `folder` and start its postmaster; it is not ready yet when this returns."""
    data, socket = folder / "data", folder / "socket"
    for inner in (data, socket):
        inner.mkdir()
        if order.uid is not None and order.gid is not None:
            os.chown(inner, order.uid, order.gid)
    if order.gid is not None:
        os.chown(folder, -1, order.gid)
        folder.chmod(0o710)
    wheel = Path(order.wheel)
    if order.is_copy:
        wheel = copy_wheel(wheel, folder / "copy")
    programs = wheel / "pginstall" / "bin"
    with (folder / "log").open("ab") as log:
        subprocess.run(
            [programs / "initdb", "-D", data, *INITDB],
            check=True,
            timeout=START_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data,
            user=order.uid,
            group=order.gid,
            extra_groups=None if order.uid is None else [],
        )
        for name, text in order.files.items():
            (data / name).write_text(text, encoding="utf-8")
        # As arguments, these take precedence over every configuration file and ALTER SYSTEM.
        private = [f"--listen_addresses={'127.0.0.1' if order.port else ''}", f"--unix_socket_directories={socket}"]
        private += [f"--port={order.port or 5432}", "--unix_socket_permissions=0700"]
        return subprocess.Popen(
            [programs / "postgres", "-D", data, *private],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data,
            start_new_session=True,
            user=order.uid,
            group=order.gid,
            extra_groups=None if order.uid is None else [],
            preexec_fn=tie_to_parent(signal.SIGQUIT),  # safe, since this process has one thread
        )


def tie_to_parent(number: signal.Signals) -> Callable[[], object] | None:
    """What a new process must call first, so that Linux sends it the signal if the process that started it is killed.

    Everything is loaded here: after the change of the user, Python's files may not be readable.
    """
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        set_parent_death_signal = 1
        return functools.partial(ctypes.CDLL(None).prctl, set_parent_death_signal, int(number))
    return None


def copy_wheel(wheel: Path, target: Path) -> Path:
    """Copy what the server needs from `wheel` to `target`, for a user who cannot read the original."""
    copy = target / wheel.name
    unneeded = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a")
    shutil.copytree(wheel / "pginstall", copy / "pginstall", ignore=unneeded)
    for libraries in (wheel.with_name(f"{wheel.name}.libs"), wheel / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, copy.parent / libraries.relative_to(wheel.parent))
    for path in (target, *target.rglob("*")):
        path.chmod(0o755)
    return copy


def is_ready(server: subprocess.Popen[bytes], folder: Path, parent: int) -> bool:
    """Wait until the server accepts connections; false when the parent ended first.

    Raises:
        SubprocessError: the server ended, or is not ready in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
            if len(lines) > 7 and lines[7].strip() == "ready":
                return True
        if is_over(parent, 0.01):
            return False
    if server.poll() is None:
        raise subprocess.TimeoutExpired(server.args, START_SECONDS)
    raise subprocess.CalledProcessError(server.returncode, server.args)


def is_over(parent: int, seconds: float) -> bool:
    """Whether the parent sent stop, closed the pipe or ended; waits at most `seconds`.

    The parent's id is compared because a child that the parent forked holds the pipe open too.
    """
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable) or os.getppid() != parent


def stop(server: subprocess.Popen[bytes]) -> None:
    """Stop the server immediately, without a checkpoint: its data are not kept."""
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def remove(folder: Path) -> None:
    """Remove the folder; try again for some time, since a last process of the server may still write to it."""
    deadline = time.monotonic() + STOP_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.1)


def explain(error: OSError | subprocess.SubprocessError) -> str:
    """The error in one line."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with status {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{Path(error.cmd[0]).name} was not ready after {error.timeout:.0f} s"
    return str(error)


def tail(log: Path) -> str:
    """The end of the log, '' if there is none."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    return ""


def answer(message: dict[str, str]) -> None:
    """Send the parent the one line that it waits for; the parent may have ended."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
