"""Node.js and packages from npm for tests: exact versions, installed into a folder of the test run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

SECONDS_TO_INSTALL = 240


def node() -> str:
    """The path of Node. Without it the test is skipped, or fails where CI is set."""
    found = shutil.which("node")
    return found if found and shutil.which("npm") else cannot("Node.js and npm are not installed.")


def install(package: Path, target: Path) -> None:
    """Install what a package.json names into a folder, without running the packages' scripts."""
    node()
    shutil.copy(package, target)
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    npm = shutil.which("npm")
    assert npm is not None
    try:
        finished = subprocess.run(
            [npm, "install", *options], cwd=target, capture_output=True, timeout=SECONDS_TO_INSTALL, check=False
        )
    except subprocess.TimeoutExpired:
        cannot(f"npm did not install within {SECONDS_TO_INSTALL} s.")
    if finished.returncode != 0:
        cannot(f"npm could not install: {finished.stderr.decode('utf-8', 'replace')[-300:]}")


def cannot(reason: str) -> NoReturn:
    """Skip with the reason; fail in CI, where the comparison must happen."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
