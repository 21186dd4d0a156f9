"""`genreq-checks review` stops its editor, however it ends itself."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from serving import serving, until

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def children(pid: int) -> list[int]:
    """The ids of the processes that a process has begun, and of those that these have."""
    found: list[int] = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(file.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(file.parent.name)
            found += [child, *children(child)]
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="/proc and PR_SET_PDEATHSIG are Linux's.")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=str)
def test_the_editor_ends_with_the_command(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    command = ["genreq_checks", "review", "--headless", "--port", str(port), "--folder", str(tmp_path / "mine")]
    with serving(tmp_path, command, "URL: ") as served:
        assert listens(port)
        begun = children(served.process.pid)
        assert begun
        try:
            os.kill(served.process.pid, number)
            code = served.process.wait(30)
            until(lambda: (listens(port), [pid for pid in begun if is_alive(pid)]), lambda now: now == (False, []), 30)
        finally:
            for pid in filter(is_alive, begun):
                os.kill(pid, signal.SIGKILL)
    assert code == (-number if number == signal.SIGKILL else 0 if number == signal.SIGINT else 128 + number)
    assert "Traceback" not in served.log()
