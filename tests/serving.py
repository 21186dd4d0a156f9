"""A dashboard in a separate process, and waiting with a limit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
PATIENCE = 60.0


def until(ask: Callable[[], T], good: Callable[[T], Any], seconds: float = PATIENCE) -> T:
    """Ask again and again until the answer is good; fails with the last answer when that takes too long."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if good(answer):
            return answer
        assert time.monotonic() < end, f"waited {seconds} s for another answer than {answer!r}"
        time.sleep(0.1)


@dataclass
class Served:
    """A process that serves; `log` is all it has written."""

    process: subprocess.Popen[bytes]
    url: str
    file: Path

    def get(self, path: str) -> httpx.Response:
        with httpx.Client(timeout=30, trust_env=False) as client:
            return client.get(self.url.rstrip("/") + path)

    def log(self) -> str:
        return self.file.read_text()


@contextmanager
def serving(folder: Path, arguments: list[str], marker: str, **environment: str) -> Iterator[Served]:
    """Run a command of this package that serves, until the block ends; the address follows `marker` in its log."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("LEO_", "GENREQ_", "MARIMO_"))}
    log = folder / f"served-{len(list(folder.glob('served-*')))}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=out, stderr=out, cwd=folder, env=plain | environment
        )
    try:
        text = until(log.read_text, lambda text: marker in text or process.poll() is not None)
        assert marker in text, text
        url = text.partition(marker)[2].split()[0].replace("0.0.0.0", "127.0.0.1")
        served = Served(process, f"http://{url.split('//')[1].partition('/')[0]}/", log)
        until(lambda: is_up(served), bool)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@contextmanager
def dashboard(folder: Path, source: str, *arguments: str, refresh: str = "1", **environment: str) -> Iterator[Served]:
    """`genreq-checks dashboard SOURCE` on a free port; it reads every second, which only the environment can ask for."""
    command = ["genreq_checks", "dashboard", source, "--port", "0", *arguments]
    with serving(folder, command, "Dashboard: ", GENREQ_REFRESH=refresh, **environment) as served:
        yield served


def is_up(served: Served) -> bool:
    try:
        served.get("/healthz")
    except httpx.TransportError:
        return False
    return True
