"""Lines of text and marks, one under the other: the common layout of rates and classes."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt

from genreq_checks.charts.style import INK

Row = dict[str, Any]
HEIGHT = 22  # pixels of a line
QUARTERS = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])


def down(lines: list[Row]) -> alt.Y:
    """The axis that puts each line in its place, in this order, and shows the lines' labels, which are our own words."""
    for index, line in enumerate(lines):
        line["line"] = f"{index:04} {line.get('label', '')}"
    shown = any(line.get("label") for line in lines)
    axis = (
        alt.Axis(labelExpr="slice(datum.value, 5)", ticks=False, labelPadding=6, domain=False, title=None)
        if shown
        else None
    )
    return alt.Y("line:N", sort=None, scale=alt.Scale(domain=[line["line"] for line in lines]), axis=axis)


def line_text(base: alt.Chart, y: alt.Y, field: str, weight: Literal["normal", "bold"]) -> alt.Chart:
    """The text of the lines that have `field`, at the left edge."""
    marks = base.transform_filter(f"isValid(datum.{field}) && !isValid(datum.side)")
    text: alt.Chart = marks.mark_text(align="left", fontWeight=weight, color=INK).encode(
        x=alt.value(0), y=y, text=f"{field}:N"
    )
    return text


def tips(**fields: str) -> list[alt.Tooltip]:
    """A tooltip of plain text fields, each with its title. Never of a field named `image`."""
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()]
