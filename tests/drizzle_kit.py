"""The real drizzle-kit, from npm, on a project with one migration that makes the table and one that drops the columns."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from psycopg import conninfo

from npm import install_once

PROJECT = Path(__file__).with_name("drizzle")
CANDIDATE = Path(__file__).with_name(
    "drizzle_rc"
)  # the release candidate of 1.0: its package.json; the rest is PROJECT's


@dataclass(frozen=True)
class DrizzleProject:
    """A folder with schema.ts and drizzle.config.ts; its migrations are in `out`."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "drizzle"

    def set_schema(self, name: str) -> None:
        shutil.copy(PROJECT / f"{name}.ts", self.folder / "schema.ts")

    def kit(self, *arguments: str, url: str = "", books: str = "drizzle.__drizzle_migrations", code: int = 0) -> str:
        """Run drizzle-kit on a database; what it said. Its exit code must be the one that is expected."""
        given = conninfo.conninfo_to_dict(url)
        schema, table = books.split(".")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= {
            "DRIZZLE_HOST": str(given.get("host", "none")),
            "DRIZZLE_PORT": str(given.get("port", 5432)),
            "DRIZZLE_USER": str(given.get("user", "")),
            "DRIZZLE_PASSWORD": str(given.get("password", "")),
            "DRIZZLE_DATABASE": str(given.get("dbname", "none")),
            "DRIZZLE_SCHEMA": schema,
            "DRIZZLE_TABLE": table,
        }
        program = self.folder / "node_modules" / ".bin" / "drizzle-kit"
        finished = subprocess.run(
            [program, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == code, finished.stdout + finished.stderr
        return finished.stdout


def new_project(folder: Path, packages: Path = PROJECT) -> DrizzleProject:
    """A project with the schema of before, and no migrations yet. Without npm's packages the test is skipped or fails."""
    installed = install_once(packages)
    folder.mkdir(parents=True)
    shutil.copy(packages / "package.json", folder)
    shutil.copy(PROJECT / "drizzle.config.ts", folder)
    (folder / "node_modules").symlink_to(installed, target_is_directory=True)
    project = DrizzleProject(folder)
    project.set_schema("before")
    return project
