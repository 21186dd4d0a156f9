"""The command line called as a user calls it, in this process: exit code, stdout and stderr kept apart."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from unittest.mock import patch

from psycopg import conninfo

from recording.inputs import MAIN

UNSET = ("LEO_", "GENREQ_", "GITHUB_", "PG", "NO_COLOR", "FORCE_COLOR", "TERM", "LINES")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call said."""

    code: int
    stdout: str
    stderr: str


def call(arguments: Sequence[str], folder: Path) -> Answer:
    """Call `genreq-checks` in a folder. stdout and stderr are real files: the program may read their descriptors."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        said = patch.object(sys, "argv", ["genreq-checks", *arguments])
        with chdir(folder), said, redirect_stdout(out), redirect_stderr(err):
            code = _exit_code()
        return Answer(code, _text(out), _text(err))


def _exit_code() -> int:
    try:
        MAIN()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextmanager
def connected(url: str) -> Iterator[None]:
    """The server in the variables PGHOST and so on, so that no URL names it and every report shows the same address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
    given = {f"PG{name.upper()}": str(value) for name, value in _server(url).items()}
    with patch.dict(os.environ, kept | given | {"COLUMNS": "80"}, clear=True):
        yield


def _server(url: str) -> Mapping[str, object]:
    """The server's part of a URL, without the database and without empty or protocol parts."""
    known = ("host", "hostaddr", "port", "user", "password")
    return {name: value for name, value in conninfo.conninfo_to_dict(url).items() if name in known and value}


def _text(file: IO[str]) -> str:
    if file.closed:
        return ""
    file.seek(0)
    return file.read()
