"""The style of all charts: text in the page's own colour, sides distinguished by shape and place, a title that wraps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Literal, TypeVar, cast

import altair as alt

from genreq_checks.text import scrub

INK = "currentColor"  # the page's text colour, so one chart is readable on light and on dark; needs the SVG renderer
QUIET = "#888888"  # axis and grid lines: a grey that is visible on both
# Okabe and Ito's colours with a contrast of 3 : 1 on white and on near-black; the shape shows the side too.
SIDES: dict[str, tuple[str, str]] = {
    "before": ("#0072B2", "circle"),
    "after": ("#D55E00", "square"),
    "all": ("#0072B2", "diamond"),
    "undated": ("#808080", "triangle-up"),
}
SIGNS = {"before": "●", "after": "■", "all": "◆", "undated": "▲"}
LINE_LENGTH = 42  # characters of a title's line on a phone; a wider chart has longer lines
WIDTHS = (360, 480, 640, 840)  # pixels of a chart that fills its page, from which on its title has longer lines
Align = Literal["left", "right"]
AnyChart = TypeVar("AnyChart", alt.Chart, alt.LayerChart)


def clean(text: str, limit: int = 63) -> str:
    """Text from the data or the plan for a chart: one line, printable, not longer than a column's name."""
    plain = scrub(text)
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


def side_scale(sides: Sequence[str], place: int) -> alt.Scale:
    """The scale of the sides' colours (`place` 0) or shapes (1)."""
    return alt.Scale(domain=list(sides), range=[SIDES[side][place] for side in sides])


def tone(colour: str) -> str:
    """A side's colour for text: nearer to the page's ink, so that it has a contrast of 4.5 : 1 on white and on near-black."""
    return f"color-mix(in srgb, {colour} 60%, {INK})"


def room(width: int | None) -> Any:
    """The limit of a text in a chart of this width: what is longer ends with an ellipsis."""
    return {"expr": "width"} if width is None else width


def finish(chart: AnyChart, title: str, subtitle: Sequence[str] = (), description: str = "") -> AnyChart:
    """The chart with its title, its description for screen readers, and the common look."""
    letters = max(LINE_LENGTH, chart.width // 8) if isinstance(chart.width, int) else LINE_LENGTH
    lines = [line for text in subtitle for line in folded(text, letters + 10)]
    text = (folded(title, letters) or [""]) if isinstance(chart.width, int) else _responsive(title)
    heading = alt.TitleParams(text=text, subtitle=lines, anchor="start", frame="bounds")
    told = chart.properties(
        **({"title": heading} if title else {}),
        description=description or " ".join((f"{title}.", *subtitle)),
        background="transparent",
        usermeta={"embedOptions": {"actions": False, "renderer": "svg"}},
    )
    look: dict[str, Any] = {
        "view": {"stroke": None},
        "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
        "title": {"color": INK, "subtitleColor": INK, "fontSize": 14, "subtitleFontSize": 12, "offset": 12},
        "axis": {
            "labelColor": INK,
            "titleColor": INK,
            "gridColor": QUIET,
            "gridOpacity": 0.3,
            "domainColor": QUIET,
            "tickColor": QUIET,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        "legend": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "orient": "top", "title": None}
        | {"symbolOpacity": 1},
        "text": {"color": INK, "fontSize": 12},
    }
    finished: AnyChart = told.configure(**look)
    return finished


def _responsive(title: str) -> Any:
    """The title in lines that fit where only the page knows the width: Vega chooses them, and chooses again when it changes."""
    chosen = json.dumps(folded(title, LINE_LENGTH) or [""])
    for pixels in WIDTHS:
        chosen = f"width >= {pixels} ? {json.dumps(folded(title, pixels // 8) or [''])} : ({chosen})"
    return {"expr": chosen}


def folded(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` characters; a number is not separated from its percent sign."""
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap(text.replace(" %", "\N{NO-BREAK SPACE}%"), room)]


def layered(*layers: alt.Chart) -> alt.LayerChart:
    """The charts on top of each other."""
    return cast(alt.LayerChart, alt.layer(*layers))  # altair's stubs say it may be a FacetChart


def sized(chart: AnyChart, width: int | None, height: int) -> AnyChart:
    """The chart `width` pixels wide, or as wide as its container."""
    found: AnyChart = chart.properties(width="container" if width is None else width, height=height)
    return found


def nothing(reason: str, width: int | None) -> alt.LayerChart:
    """Instead of a chart: the reason why there is nothing to draw."""
    empty = alt.Chart(alt.InlineData(values=[{}])).mark_point(opacity=0)
    return finish(sized(layered(empty), width, 10), "Nothing to draw", [reason])
