"""The text of a migration's file; a file that is not read has a reason."""

from __future__ import annotations

import stat
from pathlib import Path

LARGEST = 8 * 2**20  # bytes; a migration beyond this is data, and is not read
MOST = 10_000  # files or folders


class UnreadableError(Exception):
    """A file that is not read, and why."""


def content_of(path: Path) -> bytes:
    """A file's content. Raises: UnreadableError for what is missing, a link, not a plain file, or too large."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise UnreadableError("is a symbolic link, which is not followed")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError("is not a plain file")
        if found.st_size > LARGEST:
            raise UnreadableError(f"has {found.st_size:,} bytes, which is too large for a migration")
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError("is missing") from None
    except OSError as error:
        raise UnreadableError(f"could not be read: {error.strerror}") from None


def text_of(path: Path) -> str:
    """A file's text, without a byte-order mark. Raises: UnreadableError."""
    return content_of(path).decode("utf-8-sig", "replace")
