"""Rows as a table or as CSV, written as they arrive: any number of rows, in bounded memory."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import TextIO

from rich.cells import cell_len

from genreq_checks.text import escape_controls

WIDTH_BY = 200  # rows that determine the widths of a table's columns
WIDEST = 80

Row = Sequence[str | None]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def safe_cell(value: str | None) -> str:
    """A value for a CSV cell: NULL is empty, control characters are escaped, and no spreadsheet reads it as a formula."""
    if value is None:
        return ""
    quote = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return ("'" if quote else "") + escape_controls(value)


def write_csv(header: Row, rows: Iterable[Row], out: TextIO) -> int:
    """Write rows as CSV (RFC 4180, one header line, lines end in LF); returns their number."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([safe_cell(name) for name in header])
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the count
        writer.writerow([safe_cell(value) for value in row])
    return count


def write_table(header: Row, rows: Iterable[Row], out: TextIO) -> int:
    """Write rows as a table whose columns are as wide as the first rows need; returns their number. NULL is `NULL`."""
    lines = (["NULL" if value is None else escape_controls(value) for value in row] for row in chain([header], rows))
    first = list(islice(lines, WIDTH_BY + 1))
    widths = [min(max(cell_len(row[place]) for row in first), WIDEST) for place in range(len(header))]
    count = -1
    for count, row in enumerate(chain(first, lines)):  # noqa: B007 - the last number is the count
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        out.write("  ".join(padded).rstrip() + "\n")
    return count


FORMATS = {"table": write_table, "csv": write_csv}
