"""After a restore: does the table hold the archive's values for the archived keys?"""

from __future__ import annotations

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from genreq_checks.archive.statements import look
from genreq_checks.archive.table import TEXT_FORMS
from genreq_checks.archive.target import Goal
from genreq_checks.postgres.connection import reading
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.sources.archive import Archive
from genreq_checks.sources.archive_digest import ColumnDigest
from genreq_checks.text import plural


def compare(archive: Archive, goal: Goal, gone: int, conflicts: int, batch: int, timeout: float) -> str:
    """Read every archived row of the table again, in one instant, and compare digests; '' or what is wrong.

    The digest of a column is computed from the table's values. For rows that are gone and values that differ, whose
    numbers must be the reported ones, the archive's values are used.
    Raises: SourceError, psycopg.Error.
    """
    key, columns = list(archive.header.key), list(archive.header.columns)
    digests = {name: ColumnDigest() for name in columns}
    missing = different = 0
    try:
        with reading(goal.target, timeout) as connection:
            connection.execute(sa.select(*(sa.func.pg_catalog.set_config(n, v, True) for n, v in TEXT_FORMS.items())))
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            for piece in archive.batches(batch):
                found = look(driver, goal.place, key, columns, [piece.column(n).to_pylist() for n in key], lock=False)
                missing += piece.num_rows - len(found)
                for i, name in enumerate(columns):
                    seen = piece.column(name).to_pylist()
                    for n, row in found.items():
                        if seen[n] is None or row[i] == seen[n]:
                            continue
                        if row[i] is None:
                            seen[n] = None
                        else:
                            different += 1
                    digests[name].add(pa.array(seen, pa.string()))
    except DRIVER_ERRORS as error:
        raise explain(error, goal.target, goal.table, "Restoring") from None
    wrong = [name for name, column in archive.header.columns.items() if digests[name].hexdigest() != column.digest]
    if wrong:
        return f"{goal.table.qualified} lacks archived values in {' and '.join(wrong)}."
    if (missing, different) != (gone, conflicts):
        return (
            f"{goal.table.qualified} changed during the restore: {plural(missing, 'row')} gone and "
            f"{plural(different, 'value')} different now, {gone:,} and {conflicts:,} at the restore."
        )
    return ""
