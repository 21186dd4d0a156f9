"""Text files that are whole or not there: written under another name first, then put in their place."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from genreq_checks.errors import SnapshotError


def write_atomically(path: Path, text: str) -> None:
    """Write text to a file by way of a temporary file beside it. Raises SnapshotError when the folder refuses."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise SnapshotError(
            f"{path} could not be written: {error.strerror}.", "Name a file in a folder that is there."
        ) from None
    try:
        fill(handle, name, text)
        os.replace(name, path)
    except OSError as error:
        raise SnapshotError(
            f"{path} could not be written: {error.strerror}.", "Name a file, in a folder with room."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def fill(handle: int, name: str, text: str) -> None:
    """Write text to a file that mkstemp opened, down to the disk, with the mode that new files have. Raises: OSError."""
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
