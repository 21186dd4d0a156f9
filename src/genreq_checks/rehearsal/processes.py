"""A command with all the processes that it starts, for a limited time: when it ends, all of them end."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
LAST_LINES, LAST_BYTES = 20, 8_000
_PROCESSES = Path("/proc")
_MARK = "GENREQ_CHECKS_RUN"  # in the environment of every process of a command: finds one that left its group


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, None when its time was over; and the end of its output."""

    code: int | None
    seconds: float
    last: tuple[str, ...]


def run_command(command: str, variables: Mapping[str, str], seconds: float) -> Ended:
    """Run a line of shell in the current folder, without input, until it ends or the time is over.

    Whatever ends this call, the command's processes end with it, those in the background too.
    """
    started, mark = time.monotonic(), secrets.token_hex(16)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**variables, _MARK: mark},
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(max(seconds, 0.001))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process, mark)
        taken = time.monotonic() - started
        output.seek(max(0, output.seek(0, os.SEEK_END) - LAST_BYTES))
        last = output.read().decode(errors="replace").splitlines()[-LAST_LINES:]
    return Ended(code, round(taken, 3), tuple(last))


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End the command's process group and what left it, first by SIGTERM, then by SIGKILL."""
    until = time.monotonic() + GRACE
    _signal(process, mark, signal.SIGTERM)
    while _is_there(process, mark) and time.monotonic() < until:
        time.sleep(0.05)
    _signal(process, mark, signal.SIGKILL)
    process.wait()
    while _marked(mark) and time.monotonic() < until + GRACE:  # one that was just being started
        _signal(process, mark, signal.SIGKILL)
        time.sleep(0.01)


def _is_there(process: subprocess.Popen[bytes], mark: str) -> bool:
    if process.poll() is None:
        return True
    if _PROCESSES.exists():  # a process that has ended may stay a member of the group for long
        return bool(_marked(mark))
    try:
        os.killpg(process.pid, 0)
    except OSError:
        return False
    return True


def _signal(process: subprocess.Popen[bytes], mark: str, number: signal.Signals) -> None:
    with suppress(OSError):
        os.killpg(process.pid, number)
    for pid in _marked(mark):
        with suppress(OSError):
            os.kill(pid, number)


def _marked(mark: str) -> list[int]:
    """The processes that have the mark in their environment, as Linux shows it; none on other systems."""
    wanted = f"{_MARK}={mark}".encode()
    found: list[int] = []
    for place in _PROCESSES.glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in place.read_bytes().split(b"\0"):
                found.append(int(place.parent.name))
    return found
