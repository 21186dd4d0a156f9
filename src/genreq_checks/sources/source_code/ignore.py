"""What git ignores: every .gitignore from the repository's root down; the nearest one decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Ignore:
    """The patterns of one .gitignore, and those of the folders above it.

    `folder` is its place in the tree (`''`, or ending in a slash); for a .gitignore above the tree, `prefix` is the
    tree's path from there.
    """

    patterns: GitIgnoreSpec
    folder: str
    above: Ignore | None = None
    prefix: str = ""

    def covers(self, path: str, *, folder: bool) -> bool:
        """Is a path of the tree ignored? The nearest .gitignore with a matching pattern decides."""
        level: Ignore | None = self
        while level is not None:
            inside = level.prefix + path.removeprefix(level.folder)
            said = level.patterns.check_file(inside + "/" if folder else inside).include
            if said is not None:
                return said
            level = level.above
        return False


def read_ignore(directory: Path, folder: str, above: Ignore | None) -> Ignore | None:
    """The patterns that apply in a directory, whose path in the tree is `folder` (`''`, or ending in a slash)."""
    patterns = _patterns(directory / ".gitignore")
    return above if patterns is None else Ignore(patterns, folder, above)


def ignore_above(root: Path) -> Ignore | None:
    """The patterns from above the tree, up to its repository's root; none outside a repository, and none that would
    ignore the tree itself: the user named it.
    """
    parents: list[Path] = []
    for directory in (root, *root.parents):
        if directory != root:
            parents.append(directory)
        if (directory / ".git").exists():
            break
    else:
        return None
    found: Ignore | None = None
    for parent in reversed(parents):
        patterns = _patterns(parent / ".gitignore")
        inside = root.relative_to(parent).as_posix()
        if patterns is not None and not patterns.check_file(inside + "/").include:
            found = Ignore(patterns, "", found, inside + "/")
    return found


def _patterns(file: Path) -> GitIgnoreSpec | None:
    """The patterns of a file; None when there is no file, or when git could not read it either."""
    try:
        if not file.is_file() or file.stat().st_size > LIMIT:
            return None
        lines = file.read_bytes().decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return None
    kept: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # one invalid pattern must not lose the others
            continue
        kept.append(line)
    return GitIgnoreSpec.from_lines(kept)
