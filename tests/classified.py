"""The class of each of some values, by the facet's own SQL in DuckDB."""

from __future__ import annotations

from typing import Any

import duckdb
import sqlalchemy as sa

from genreq_checks.scan.facets import Facet
from genreq_checks.sources.duck_sql import DuckDialect


def classes(facet: Facet, *rows: Any, names: tuple[str, ...] = ("v",)) -> list[str]:
    """The class of each row; a row is a value, or a tuple of values of these columns."""
    with duckdb.connect(":memory:") as connection:
        columns = ", ".join(f"{name} VARCHAR" for name in names)
        connection.execute(f"CREATE TABLE made (place INTEGER, {columns})")
        for place, row in enumerate(rows):
            values = row if isinstance(row, tuple) else (row,)
            connection.execute(f"INSERT INTO made VALUES (?{', ?' * len(values)})", [place, *values])
        select = sa.select(facet.code).select_from(sa.table("made")).order_by(sa.column("place"))
        dialect = DuckDialect(paramstyle="named")  # type: ignore[no-untyped-call]
        text = str(select.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        return [facet.classes[code] for (code,) in connection.execute(text).fetchall()]
