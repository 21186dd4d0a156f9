"""The first rows behind a check, as CSV: in the HTML page it is a download that needs no network."""

from __future__ import annotations

import io
from urllib.parse import quote

from genreq_checks.outputs.rows import write_csv
from genreq_checks.report import CheckResult
from genreq_checks.text import line

MOST_BYTES = 50_000  # of the CSV in a page: ten rows of shapes are much less


def csv_of(check: CheckResult) -> str:
    """The first rows as CSV: key, time, finding and shapes; no cell is read as a formula. '' when there are none."""
    examples = check.examples
    if examples is None or not examples.rows:
        return ""
    out = io.StringIO()
    names = (*examples.key, "time", "finding", *examples.columns)
    rows = [(*row.key, row.time, row.finding, *row.values) for row in examples.rows]
    safe = [[None if value is None else line(value, 400) for value in row] for row in rows]
    write_csv([line(name, 400) for name in names], safe, out)
    return out.getvalue()


def csv_address(check: CheckResult) -> str:
    """The CSV as an address of its own (`data:`), within `MOST_BYTES`."""
    lines = csv_of(check).splitlines(keepends=True)
    while len(lines) > 1 and sum(map(len, lines)) > MOST_BYTES:
        lines.pop()
    return f"data:text/csv;charset=utf-8,{quote(''.join(lines), safe='')}"
