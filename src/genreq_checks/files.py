"""Files that are complete or absent: written under another name first, then moved into place in one step.

And the files that come with the package.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from genreq_checks.errors import OutputError
from genreq_checks.text import is_misplaced_url

PATIENCE = 10.0  # seconds that a short write waits for another run that writes the same file
_NO_LOCKS = (
    errno.ENOLCK,
    errno.ENOTSUP,
    errno.ENOSYS,
)  # a file system without locks: two runs at once can conflict


@contextmanager
def replacing(
    path: Path, *, private: bool = False, new: bool = False, patience: float = 0
) -> Iterator[tuple[BinaryIO, Path]]:
    """A file next to `path`, and its own path, which becomes `path` when the block ends without an error.

    Its name is always `.NAME.part`, so that killed runs leave at most one. A lock excludes other runs, and `patience`
    is how many seconds to wait for it. A `private` file is readable by its owner only, another has the default mode. A
    `new` file never replaces an existing one.
    Raises: OutputError when the folder or the disk fails, or another run is writing; FileExistsError for a `new` file.
    """
    if is_misplaced_url(str(path)):
        raise OutputError("The file to write is named like a database.", "Name a file, and the database as SOURCE.")
    path = Path(os.path.realpath(path))
    part = path.with_name(f".{path.name}.part")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is not a file.", "Name a file in an existing folder.")
    try:
        with _locked(part, private, patience) as file:
            try:
                yield file, part
                file.flush()
                os.fsync(file.fileno())
                if new:
                    _take_name(part, path)
                else:
                    os.replace(part, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(
            f"{path} could not be written: {reason}.", "Name a file in a writable folder with free space."
        ) from None


def evidence_in(path: Path) -> str | None:
    """The evidence in a file, which no other output may replace: a snapshot, a run, an archive …, or None."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return None
    if start.startswith(b"PAR1"):
        return "a Parquet file, such as an archive"
    found = re.search(rb'"format":\s*"genreq-checks (snapshot|run|generation)"', start)
    return f"a saved {found[1].decode()}" if found else None


def write_text(path: Path, text: str, *, private: bool = False, new: bool = False) -> None:
    """Write text to a file: afterwards it is the old or the new file, never a part of one. Raises: as `replacing` does."""
    with replacing(path, private=private, new=new, patience=PATIENCE) as (file, _):
        file.write(text.encode("utf-8"))


def _locked(part: Path, private: bool, patience: float) -> BinaryIO:
    """The part file, empty and locked by this run."""
    end = time.monotonic() + patience
    while True:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600 if private else 0o666)
        file = os.fdopen(handle, "r+b")
        if _is_ours(handle, part):
            if private:
                os.fchmod(handle, 0o600)  # a killed run may have left one that is readable by others
            file.truncate(0)
            return file
        file.close()
        if time.monotonic() >= end:
            raise OutputError(f"Another run is writing {part} now.", "Wait for it, or name another file.")
        time.sleep(0.05)


def _is_ours(handle: int, part: Path) -> bool:
    """Whether the file is locked, and is still the file of that name: another run may have moved it into place."""
    import fcntl  # not on Windows, where checks run but no archive is written

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), part.stat())
    return False


def _take_name(part: Path, path: Path) -> None:
    """Give the finished file its name, if no other file has it. Raises: FileExistsError."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here: reserve the name first, then move the file
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        os.replace(part, path)
        return
    part.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power failure; some file systems refuse this, and do not need it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def resource(*parts: str) -> Path:
    """The path of a file that comes with the package, such as `resource("docs", "checks", "kept.md")`.

    It is in the package when that is installed, and next to it in a checkout. The path may not exist.
    """
    packaged = Path(str(resources.files("genreq_checks"))).joinpath(*parts)
    return packaged if packaged.exists() else Path(__file__).parents[2].joinpath(*parts)
