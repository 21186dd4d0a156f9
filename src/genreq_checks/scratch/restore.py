"""Restores a dump into the scratch database, by pg_restore, and finds the entries that the server rejected."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from psycopg import conninfo

from genreq_checks.scratch.database import Scratch, programs
from genreq_checks.scratch.dump import Dump, clean_environment, without_password

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

LEAVE_OUT = re.compile(
    r"(USER MAPPING|SUBSCRIPTION|SCHEMA - public|COMMENT - SCHEMA public|(COMMENT|SECURITY LABEL) .+ FOREIGN TABLE)\b"
)
_LINE = re.compile(r"(\d+); \d+ \d+ (.+)")
_WHERE = re.compile(r"from TOC entry (\d+); ")
_ERROR = re.compile(r"error: .*?ERROR: +(.*)")
# Only messages about names are repeated: others may quote texts of the structure.
_ABOUT_NAMES = re.compile(r'^(?:[a-z]+ )*(?:"[^"]*"|[\w.]+(?:\([^)]*\))?)(?: of relation "[^"]*")? does not exist\b')


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a dump's table of contents: its number, and `KIND schema name owner` as pg_restore writes it."""

    number: int
    text: str

    @property
    def label(self) -> str:
        """The entry without its owner."""
        return self.text.rpartition(" ")[0] if self.text.count(" ") > 2 else self.text


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that could not be created, and why, if the message is about names."""

    label: str
    reason: str
    number: int = 0


def contents(dump: Dump, section: str) -> tuple[Entry, ...]:
    """The entries of a section (pre-data or post-data), except those that no clone can have."""
    listed = _run("--list", f"--section={section}", dump.file).stdout.splitlines()
    found = [Entry(int(m[1]), m[2].strip()) for line in listed if (m := _LINE.match(line))]
    return tuple(entry for entry in found if not LEAVE_OUT.match(entry.text))


def restore(dump: Dump, scratch: Scratch, section: str, entries: Sequence[Entry]) -> list[Refused]:
    """Create entries of a section in the scratch database; returns those that the server rejected."""
    if not entries:
        return []
    shown, secret = without_password(conninfo.conninfo_to_dict(scratch.url), {})
    options = ["--verbose", "--no-owner", "--no-tablespaces", *([] if scratch.embedded else ["--no-privileges"])]
    # an event trigger of the source must not change what is created here; only a superuser may disable it
    quiet = {"PGOPTIONS": "-c event_triggers=off"} if scratch.embedded else {}
    chosen = [f"--section={section}", "--dbname", shown, *options]
    done = _run(*chosen, dump.file, entries=entries, environment=secret | quiet)
    return _refused(done.stderr, {entry.number: entry for entry in entries})


def script(dump: Dump, section: str, entries: Sequence[Entry]) -> str:
    """The SQL of some entries."""
    if not entries:
        return ""
    return _run(f"--section={section}", "--no-owner", "--file=-", dump.file, entries=entries).stdout


def without(entries: Sequence[Entry], kinds: Collection[str] = (), starts: Collection[str] = ()) -> tuple[Entry, ...]:
    """The entries that are not of some kinds, and that begin with none of some texts."""
    gone = (*(f"{kind} " for kind in kinds), *starts)
    return tuple(entry for entry in entries if not f"{entry.text} ".startswith(gone)) if gone else tuple(entries)


def _refused(said: str, entries: dict[int, Entry]) -> list[Refused]:
    """The rejected entries: with --verbose, pg_restore prints an entry first, then the server's messages about it."""
    found: dict[int, Refused] = {}
    number: int | None = None
    for line in said.splitlines():
        if place := _WHERE.search(line):
            number = int(place[1])
        elif (error := _ERROR.search(line)) and number in entries:
            about_names = _ABOUT_NAMES.match(error[1])
            reason = about_names[0] if about_names else "refused"
            found.setdefault(number, Refused(entries[number].label, reason, number))
    return list(found.values())


def _run(
    *arguments: str | Path, entries: Sequence[Entry] | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    with NamedTemporaryFile("w", encoding="utf-8", prefix="genreq-contents-", suffix=".txt") as chosen:
        listing: list[str] = []
        if entries is not None:
            chosen.write("".join(f"{entry.number}; 0 0 {entry.text}\n" for entry in entries))
            chosen.flush()
            listing = [f"--use-list={chosen.name}"]
        return subprocess.run(
            [programs() / "pg_restore", *listing, *arguments],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env=clean_environment() | (environment or {}),
        )
