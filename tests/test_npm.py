"""Files unpacked from npm stay in their folder, on every Python that this project runs on."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from npm import unpack


def archive_of(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """A tar file; a member whose content is text is a symbolic link to it."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            one = tarfile.TarInfo(name)
            if isinstance(content, str):
                one.type, one.linkname = tarfile.SYMTYPE, content
                archive.addfile(one)
            else:
                one.size = len(content)
                archive.addfile(one, io.BytesIO(content))
    return path


def test_files_are_written_into_the_folder(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tgz", ("package/package.json", b"{}"), ("package/lib/deep/x.js", b"1"))
    unpack(path, tmp_path / "out")
    assert (tmp_path / "out/package/package.json").read_bytes() == b"{}"
    assert (tmp_path / "out/package/lib/deep/x.js").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["../evil", "package/../../evil", "{absolute}/evil", "package/.."])
def test_a_path_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tgz", (name.format(absolute=tmp_path), b"evil"))
    with pytest.raises(ValueError, match="leaves the folder"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_a_link_is_not_made_and_nothing_is_written_through_it(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    path = archive_of(tmp_path / "a.tgz", ("package/link", str(tmp_path / "outside")), ("package/link/evil", b"evil"))
    unpack(path, tmp_path / "out")
    assert not (tmp_path / "outside/evil").exists()
    assert not (tmp_path / "out/package/link").is_symlink()
