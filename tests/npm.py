"""Node.js and packages from npm for tests: exact versions, installed apart from this project and never copied into it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

SECONDS = 240


def node() -> str:
    """The path of Node. Without it the test is skipped, or fails where CI is set."""
    return shutil.which("node") or cannot("Node is not installed: JavaScript cannot be run.")


def install(package: Path, target: Path) -> None:
    """Install what a package.json names into a folder, without running the packages' scripts."""
    node()
    shutil.copy(package, target)
    options = ("--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline")
    problem = _npm(target, "install", *options)[1]
    if problem:
        cannot(problem)


def install_once(project: Path) -> Path:
    """The node_modules next to a project's package.json, which git ignores; installed when they are out of date."""
    installed, package = project / "node_modules", project / "package.json"
    mark, wanted = installed / "installed.json", package.read_text()
    if mark.exists() and mark.read_text() == wanted:
        return installed
    apart = project / "build" / uuid.uuid4().hex  # other test processes may be installing too
    apart.mkdir(parents=True)
    try:
        install(package, apart)
        (apart / "node_modules" / mark.name).write_text(wanted)
        if mark.exists() and mark.read_text() != wanted:
            shutil.rmtree(installed)
        if not installed.exists():
            (apart / "node_modules").rename(installed)
    finally:
        shutil.rmtree(apart)
    return installed


def published(package: str, path: str) -> Path:
    """One file of a package, such as `axe-core@4.11.0`."""
    folder, problem = _unpacked(package)
    return cannot(problem) if problem else folder / path


@cache
def _unpacked(package: str) -> tuple[Path, str]:
    """The folder of a package's files, and what went wrong: computed once, since a missing registry is slow."""
    folder = Path(tempfile.mkdtemp(prefix="genreq-npm-"))
    told, problem = _npm(folder, "pack", "--silent", package)
    if not problem:
        unpack(folder / told.split()[-1], folder)
    return folder, problem


def unpack(archive: Path, folder: Path) -> None:
    """Write a tar file's plain files into a folder; links and devices are left out.

    `TarFile.extractall(filter=…)` does as much, but Python 3.11.2, which Debian 12 has, does not know it.
    Raises: ValueError for a file whose path leaves the folder; those before it are written.
    """
    folder = folder.resolve()
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            place = Path(os.path.normpath(folder / member.name))
            if folder not in place.parents:
                raise ValueError(f"{member.name} leaves the folder.")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())


def _npm(folder: Path, verb: str, *arguments: str) -> tuple[str, str]:
    """What npm says in a folder, and why it could not do it; '' when it could."""
    npm = shutil.which("npm")
    if npm is None:
        return "", "npm is not installed."
    command = [npm, verb, "--ignore-scripts", *arguments]
    try:
        finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "", f"npm {verb} was not done within {SECONDS} s."
    problem = f"npm could not {verb}: {finished.stderr[-300:]}" if finished.returncode else ""
    return finished.stdout, problem


def cannot(reason: str) -> NoReturn:
    """Skip with the reason; fail in CI, where the comparison must happen."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
