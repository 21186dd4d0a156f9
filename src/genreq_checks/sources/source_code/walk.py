"""The files of a tree that are worth reading, in a stable order; everything else is skipped and counted."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from genreq_checks.sources.source_code.ignore import Ignore, ignore_above, read_ignore

MAX_BYTES = 2_000_000
NOT_READ = frozenset({"too large", "binary", "not readable"})  # a text that there is, and that nobody looked into
VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})
VENDORED = frozenset(
    {
        "node_modules",
        "bower_components",
        "jspm_packages",
        "vendor",
        "third_party",
        "site-packages",
        ".venv",
        "venv",
        ".yarn",
        ".pnpm-store",
    }
)
CACHES = frozenset(
    {
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".turbo",
        ".cache",
        ".parcel-cache",
        ".gradle",
        ".idea",
        ".eggs",
    }
)


@dataclass(slots=True)
class Walk:
    """A walk in progress: what was skipped, by reason, and what the system refused to show.

    A file for which `watched` is true and whose text was not read is `missed`, with the reason.
    """

    root: Path
    watched: Callable[[str], bool] = lambda _: False
    missed: dict[str, str] = field(default_factory=dict[str, str])
    passed_over: Counter[str] = field(default_factory=Counter[str])
    unreadable: list[str] = field(default_factory=list[str])

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each file's path in the tree, with slashes, and its bytes. Links are never followed: a target in the tree is read
        in its own place, and nothing outside the tree is read.
        """
        stack: list[tuple[Path, str, Ignore | None]] = [(self.root, "", ignore_above(self.root))]
        while stack:
            directory, folder, above = stack.pop()
            try:
                with os.scandir(directory) as found:
                    entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
            except OSError:
                self.unreadable.append(folder or ".")
                continue
            ignore = read_ignore(directory, folder, above)
            deeper: list[tuple[Path, str, Ignore | None]] = []
            for entry in entries:
                path = folder + entry.name
                try:
                    reason = self._reason(entry, path, ignore)
                    if reason:
                        self.passed_over[reason] += 1
                        self._miss(path, reason)
                    elif entry.is_dir(follow_symlinks=False):
                        deeper.append((Path(entry.path), path + "/", ignore))
                    else:
                        data = _read(entry.path)
                        if b"\0" in data[:8192] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
                            self.passed_over["binary"] += 1
                            self._miss(path, "binary")
                        else:
                            yield path, data
                except OSError:
                    self.unreadable.append(path)
                    self._miss(path, "not readable")
            stack.extend(reversed(deeper))

    def _miss(self, path: str, reason: str) -> None:
        if reason in NOT_READ and self.watched(path):
            self.missed[path] = reason

    def _reason(self, entry: os.DirEntry[str], path: str, ignore: Ignore | None) -> str | None:
        """Why an entry is skipped, or None. Raises OSError where the system does not answer."""
        if entry.is_symlink():
            return _link(entry)
        folder = entry.is_dir(follow_symlinks=False)
        if folder and entry.name in VERSION_CONTROL:
            return "version control folder"
        if folder and entry.name in VENDORED:
            return "vendored folder"
        if folder and entry.name in CACHES:
            return "cache folder"
        if ignore is not None and ignore.covers(path, folder=folder):
            return "folder ignored by .gitignore" if folder else "ignored by .gitignore"
        if folder:
            return None
        facts = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(facts.st_mode):
            return "not a regular file"
        return "too large" if facts.st_size > MAX_BYTES else None


def _link(entry: os.DirEntry[str]) -> str:
    try:
        target = os.path.realpath(entry.path, strict=True)
    except FileNotFoundError:
        return "broken link"
    except OSError:
        return "link that leads to itself"
    inside = os.path.realpath(os.path.dirname(entry.path))
    return "link that leads to itself" if (inside + os.sep).startswith(target.rstrip(os.sep) + os.sep) else "link"


def _read(path: str) -> bytes:
    """A regular file's bytes, cut at the limit if it has grown since; a link or a pipe created there since is an error."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read(MAX_BYTES + 1)
