"""What a piece of work costs: the server's CPU as the kernel accounts it, and a process' CPU, time and memory."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# The kernel begins a process' peak of memory with that of the one it was forked from: so a small one stands between.
LAUNCHER = """
import json, os, sys, time
began = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
told = [used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]
with open(sys.argv[1], "w") as file:
    json.dump(told, file)
"""


@dataclass(frozen=True)
class Run:
    """A process that has ended: its CPU and its children's in seconds, its time, the largest one's memory in MB."""

    cpu: float
    wall: float
    peak: float
    code: int
    output: str
    errors: str


def run(command: list[str], timeout: float, cwd: str | Path | None = None, **environment: str) -> Run:
    """Run a command with compiled bytecode, and end it with all that it started when it takes too long.

    Raises: TimeoutError.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        whole = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(told), *command]
        process = subprocess.Popen(
            whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, start_new_session=True,
            env={**kept, **environment},
        )  # fmt: skip
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"took longer than {timeout:.0f} s") from None
            raise
        if not told.exists():
            raise OSError(f"could not be started: {errors.strip().splitlines()[-1:]}")
        return Run(*json.loads(told.read_text()), output, errors)


def children_cpu(pid: int) -> float:
    """CPU seconds of the process' children that have ended and been waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def server_cpu(pid: int, work: Callable[[], object]) -> float:
    """CPU seconds that the server spends on a piece of work whose connections it closes itself."""
    before = children_cpu(pid)
    work()
    time.sleep(0.3)  # the postmaster reaps the ended backend
    return children_cpu(pid) - before
