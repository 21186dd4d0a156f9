"""A file that takes the place of another in one step; what a killed run leaves is used again by the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from genreq_checks.errors import ArchiveError


@contextmanager
def replacing(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file beside `path`, readable by its owner only, which becomes `path` when the block ends without an error.

    Its name is always `.NAME.part`, so that killed runs leave at most one; a lock keeps two runs apart.
    Raises: ArchiveError when the folder or the disk refuses, or another run is writing.
    """
    path = Path(os.path.realpath(path))
    part = path.with_name(f".{path.name}.part")
    if path.exists() and not path.is_file():
        raise ArchiveError(f"{path} is not a file.", "Name a file, in a folder that is there.")
    try:
        with _locked(part) as file:
            try:
                yield file, part
                file.flush()
                os.fsync(file.fileno())
                os.replace(part, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ArchiveError(f"{path} could not be written: {reason}.", "Name a file, in a folder with room.") from None


def _locked(part: Path) -> BinaryIO:
    """The part file, empty and ours alone."""
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    file = os.fdopen(handle, "r+b")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), part.stat()):  # it became another run's archive in between
            raise BlockingIOError
    except (BlockingIOError, FileNotFoundError):
        file.close()
        raise ArchiveError(f"Another run is writing {part} now.", "Wait for it, or name another file.") from None
    os.fchmod(handle, 0o600)
    file.truncate(0)
    return file


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut; some file systems refuse, and need it not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
