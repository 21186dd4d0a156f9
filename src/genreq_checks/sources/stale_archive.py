"""An archive against its table as it is now: the values that were written or replaced since, row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.scan.facets import as_text
from genreq_checks.scan.fusion import relation
from genreq_checks.sources.archive import Archive
from genreq_checks.sources.row_hashes import joined, read_rows

HALF = 16  # of the 32 digits of an MD5
PADDED = ("character", "bpchar")  # a cast to text takes the blanks from the end of their values


def stale_values(
    plan: Plan, url: str, archive: Archive, timeout: float = 300, deadline: Deadline | None = None
) -> dict[str, int]:
    """For each archived column that the table has: how many rows hold a value that the archive does not have for their key.

    Raises: SourceError when the table cannot be read.
    """
    key, found = tuple(archive.header.key), dict[str, int]()
    with tempfile.TemporaryDirectory(prefix="genreq-archive-") as folder:
        now = Path(folder) / "now.parquet"
        columns: list[str] = []
        padded: list[bool] = []

        def select(types: Mapping[str, str]) -> sa.Select[Any]:
            columns.extend(name for name in archive.header.columns if name in types)
            padded.extend(types[name].startswith(PADDED) for name in columns)
            return _select(plan, key, columns)

        read_rows(plan, url, key, select, now, timeout, deadline)
        if not columns:
            return found
        names = {name: f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (*key, *columns)}
        keys = ", ".join(f"{names[name]} AS key_{place}" for place, name in enumerate(key))
        texts = [
            f"rtrim({names[name]}, ' ')" if trim else names[name] for name, trim in zip(columns, padded, strict=True)
        ]
        hashes = ", ".join(f"substr(md5({text}), 1, {HALF}) AS hash_{place}" for place, text in enumerate(texts))
        with joined(folder, {"then_rows": (archive.path, f"{keys}, {hashes}"), "now_rows": (now, "*")}) as connection:
            on = " AND ".join(f"t.key_{place} = n.key_{place}" for place in range(len(key)))
            differing = ", ".join(
                f"count(*) FILTER (n.hash_{place} IS NOT NULL AND n.hash_{place} IS DISTINCT FROM t.hash_{place})"
                for place in range(len(columns))
            )
            counts = connection.execute(f"SELECT {differing} FROM now_rows n LEFT JOIN then_rows t ON {on}").fetchone()  # noqa: S608
            assert counts is not None
            return dict(zip(columns, counts, strict=True))


def _select(plan: Plan, key: tuple[str, ...], columns: list[str]) -> sa.Select[Any]:
    keys = [as_text(name).label(f"key_{place}") for place, name in enumerate(key)]
    hashes = [
        sa.func.substr(sa.func.md5(as_text(name)), 1, HALF, type_=sa.Text).label(f"hash_{place}")
        for place, name in enumerate(columns)
    ]
    found: list[sa.ColumnElement[Any]] = [*keys, *hashes]
    is_held = sa.or_(sa.false(), *(sa.column(name).is_not(None) for name in columns))
    return sa.select(*found).select_from(relation(plan.table)).where(is_held)
