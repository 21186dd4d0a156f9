"""All runs in a folder, and its other files."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from genreq_checks.errors import UsageError
from genreq_checks.facts.file_format import note_on, read_model
from genreq_checks.history.runs import FORMAT, FORMATS_READ, Run
from genreq_checks.text import shown_path

LARGEST = 4 * 2**20  # bytes; a run is some 10 kB
MOST = 100_000  # files that are read


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that is not a run, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """The runs of a folder, oldest first, and the files that were skipped."""

    runs: tuple[Run, ...]
    passed_over: tuple[PassedOver, ...] = ()

    def like(self, run: Run) -> tuple[Run, ...]:
        """The runs that can be compared with one: of the same table, phase and source; oldest first."""
        return tuple(other for other in self.runs if other.series == run.series)


def read_history(folder: Path) -> History:
    """The runs in a folder and in the folders below it, as unpacked CI artefacts; hidden files are not read.

    Damaged or foreign files are skipped with the reason. Raises: UsageError when there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {shown_path(str(folder))}.", "Give the one that 'check --history DIR' wrote to."
        )
    found: dict[tuple[str, str], Run] = {}
    passed: list[PassedOver] = []
    files = (path for path in folder.rglob("*") if not any(p.startswith(".") for p in path.relative_to(folder).parts))
    for path in sorted(islice(files, MOST)):
        name = str(path.relative_to(folder))
        try:
            kind = path.lstat()
            if stat.S_ISDIR(kind.st_mode):
                continue
            read = _read(path, kind.st_mode, kind.st_size)
        except OSError as error:
            read = f"could not be read: {error.strerror}"
        if isinstance(read, Run):
            found.setdefault((path.name, read.at.isoformat()), read)  # the same file in two artefacts is one run
        else:
            passed.append(PassedOver(name, read))
    runs = sorted(found.items(), key=lambda item: (item[1].at, item[0]))
    return History(tuple(run for _, run in runs), tuple(passed))


def _read(path: Path, mode: int, size: int) -> Run | str:
    """The run in a file, or why it is not a run."""
    if not stat.S_ISREG(mode):
        return "not a plain file"
    if path.suffix != ".json":
        return "not a run"
    if size > LARGEST:
        return "too large for a run"
    try:
        text = path.read_text("utf-8")
        data = json.loads(text)
    except (ValueError, RecursionError):
        return "damaged: not valid JSON"
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return "not a run"
    if data.get("format_version") not in FORMATS_READ:
        return "of another version of genreq-checks"
    try:
        run, unknown = read_model(Run, text)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"][:3])
        return f"damaged: {place}"
    if run.at.tzinfo is None:
        return "damaged: at"
    noted = run.source.model_copy(update={"notes": (*run.source.notes, *note_on(unknown, path.name, run.tool_version))})
    return run.model_copy(update={"source": noted})
