"""A project of the real Alembic, with revisions written as `alembic revision` writes them, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from psycopg import conninfo

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

options = {"version_table": os.environ["VERSION_TABLE"], "version_table_schema": os.environ["VERSION_SCHEMA"] or None}
if context.is_offline_mode():
    context.configure(dialect_name="postgresql", as_sql=True, **options)
    context.run_migrations()
else:
    with create_engine(os.environ["ALEMBIC_URL"]).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True, **options)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
"""
REVISION = '''"""{revision}"""
from alembic import op
import sqlalchemy as sa

revision: str = "{revision}"
down_revision = {after!r}
branch_labels = None
depends_on = {depends!r}
{constants}

def upgrade() -> None:
    """Upgrade schema."""
{body}


def downgrade() -> None:
    pass
'''


@dataclass(frozen=True)
class AlembicProject:
    """A folder with alembic.ini and `migrations`."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "migrations"

    def revision(self, name: str, after: object, body: str, depends: object = None, constants: str = "") -> None:
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        text = REVISION.format(revision=name, after=after, body=lines, depends=depends, constants=constants)
        (self.out / "versions" / f"{name}_.py").write_text(text)

    def run(
        self, *arguments: str, url: str = "", table: str = "alembic_version", schema: str = "", code: int = 0
    ) -> str:
        """Run alembic; what it printed. Its exit code must be the one that is expected."""
        parts = conninfo.conninfo_to_dict(url)
        query = f"host={parts['host']}&port={parts.get('port', 5432)}" if url else ""
        given = {"VERSION_TABLE": table, "VERSION_SCHEMA": schema, "PYTHONDONTWRITEBYTECODE": "1"}
        given["ALEMBIC_URL"] = f"postgresql+psycopg://{parts.get('user')}@/{parts.get('dbname')}?{query}"
        if parts.get("password"):
            given["PGPASSWORD"] = str(parts["password"])
        finished = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=self.folder,
            env=os.environ | given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == code, finished.stdout + finished.stderr
        return finished.stdout


def new_alembic(folder: Path) -> AlembicProject:
    """A project as `alembic init` makes it, with a database from the environment."""
    folder.mkdir(parents=True)
    project = AlembicProject(folder)
    project.run("init", "migrations")
    (project.out / "env.py").write_text(ENV)
    return project
