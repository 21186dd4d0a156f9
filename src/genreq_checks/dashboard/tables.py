"""Tables of the dashboard, in HTML: as wide as their text needs, one block a row on a phone, complete in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under the names of their columns; every value is escaped. `caption` tells what it is of."""

    rows: Sequence[Mapping[str, str]]
    caption: str

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows."""
        return "text/html", self.html

    @property
    def html(self) -> str:
        """The table; a sentence when it has no rows."""
        if not self.rows:
            return f"<p>{escape(self.caption)}: none.</p>"
        names = list(self.rows[0])
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
        body = "".join(f"<tr>{''.join(_cell(name, row[name]) for name in names)}</tr>" for row in self.rows)
        caption = f"<caption>{escape(self.caption)}</caption>"
        return f'<table class="genreq">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(name: str, value: str) -> str:
    return f'<td data-label="{escape(name)}">{escape(value)}</td>'
