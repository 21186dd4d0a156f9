"""The classes of rows: why there is no value, the result of a derivation, and the statuses of the table."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from genreq_checks.charts.lines import HEIGHT, QUARTERS, Row, down, line_text, tips
from genreq_checks.charts.style import INK, SIDES, clean, finish, layered, nothing, side_scale, sized
from genreq_checks.report import Report
from genreq_checks.text import percent, share

CLASSES = {
    "none": "nothing derived, nothing stored",
    "match": "stored as derived",
    "missing": "derived, not stored",
    "wrong": "stored otherwise",
    "unexpected": "stored, nothing derived",
}
# A heading, a class, and per side: its name, rows of the class, all rows.
Group = tuple[str, str, list[tuple[str, int, int]]]


def reasons(report: Report, width: int | None = None) -> alt.LayerChart:
    """What rows have instead of a value (null, blank), and which values are malformed, per column and side."""
    groups: list[Group] = []
    for column in dict.fromkeys(rate.column for rate in report.rates):
        for name in ("null", "blank", "malformed"):
            sides: list[tuple[str, int, int]] = [
                (r.side, getattr(r, name), r.rows) for r in report.rates if r.column == column and r.rows
            ]
            groups.append((column, name, sides))
    last = [r for r in report.rates if r.side in ("after", "all") and r.rows]
    worst = max(last, key=lambda r: (r.null + r.blank) / r.rows, default=None)
    title = f"No {report.plan.rows} to look at"
    if worst is not None:
        parts = [f"{n:,} {word}" for n, word in ((worst.null, "null"), (worst.blank, "blank")) if n]
        when = " after" if worst.side == "after" else ""
        title = f"Most without a value{when}: {clean(worst.column)}, {' and '.join(parts)} of {worst.rows:,}"
        title = title if parts else f"Every {report.plan.row}{when} has a value in every column"
    subtitle = [f"Share of {report.plan.rows}.", "A malformed value is populated, but not a URL as planned."]
    return _bars(groups, report.plan.rows, width, title, subtitle)


def derivation(report: Report, width: int | None = None) -> alt.LayerChart:
    """The classes of each derived column (none, match, missing, wrong, unexpected), per side."""
    groups: list[Group] = []
    for column in dict.fromkeys(d.column for d in report.derivation):
        for name in CLASSES:
            rows = [(d, sum(getattr(d, c) for c in CLASSES)) for d in report.derivation if d.column == column]
            groups.append((column, name, [(d.side, getattr(d, name), total) for d, total in rows if total]))
    judged = [d for d in report.derivation if d.side in ("after", "all")]
    off = sum(d.missing + d.wrong + d.unexpected for d in judged)
    total = sum(getattr(d, c) for d in judged for c in CLASSES)
    when = " after" if any(d.side == "after" for d in judged) else ""
    title = (
        f"{off:,} of {total:,} {report.plan.rows}{when} break the derivation"
        if total
        else f"No {report.plan.rows} to look at"
    )
    return _bars(groups, report.plan.rows, width, title, [f"{name}: {text}." for name, text in CLASSES.items()])


def statuses(report: Report, width: int | None = None) -> alt.LayerChart:
    """Rows per status in the whole table; only rows of the cohort count in the rates."""
    total = sum(report.statuses.values())
    if not total:
        return nothing("The table has no rows, or they were not counted.", width)
    lines = [
        {
            "status": clean(name),
            "rows": n,
            "share": n / total,
            "told": share(n, total),
            "text": f"{n:,} ({percent(n, total)})",
        }
        for name, n in sorted(report.statuses.items(), key=lambda item: -item[1])
    ]
    base = alt.Chart(alt.InlineData(values=lines))
    y = alt.Y("status:N", sort=[str(line["status"]) for line in lines], title=None)
    x = alt.X("share:Q", title="rows, of all", scale=alt.Scale(domain=[0, 1]), axis=QUARTERS)
    bars = base.mark_bar(color=SIDES["all"][0]).encode(x=x, y=y, tooltip=tips(status="status", told="rows"))
    layers = layered(bars, *_shares(base, x, y))
    top = lines[0]
    title = f"{top['text']} of {total:,} rows are {top['status']}"
    return finish(sized(layers, width, HEIGHT * len(lines)), title, [f"Rates count rows with {report.plan.cohort}."])


def _bars(
    groups: Sequence[Group],
    called: str,
    width: int | None,
    title: str,
    subtitle: Sequence[str],
) -> alt.LayerChart:
    """Bars of (heading, class, [(side, count, rows)]); `called` is the name of the rows; the sides of a class are stacked."""
    lines: list[Row] = []
    heading = None
    for column, name, sides in groups:
        if column != heading:
            heading = column
            lines.append({"heading": clean(column)})
        shown = [one for one in sides if one[1] or one[0] != "undated"]
        if not any(n for _, n, _ in shown):
            lines.append({"label": name, "share": 0, "text": "0"})
            continue
        for index, (side, n, rows) in enumerate(shown):
            mark = f"{n:,} ({percent(n, rows)})" + (f" {side}" if len(shown) > 1 else "")
            lines.append(
                {"column": clean(column), "label": "" if index else name, "class": name, "side": side}
                | {"share": n / rows, "told": share(n, rows), "text": mark}
            )
    if not any(sides for _, _, sides in groups):
        return nothing(f"There are no {called}.", width)
    y = down(lines)
    base = alt.Chart(alt.InlineData(values=lines))
    found = [side for side in SIDES if any(line.get("side") == side for line in lines)]
    x = alt.X("share:Q", title=f"of {called}", scale=alt.Scale(domain=[0, 1]), axis=QUARTERS)
    bars = base.mark_bar(height=12).encode(
        x=x,
        y=y,
        color=alt.Color("side:N", scale=side_scale(found, 0), legend=None),
        tooltip=tips(**{"column": "column", "class": "class", "side": "side", "told": "rows"}),
    )
    layers = layered(
        bars.transform_filter("isValid(datum.side)"), *_shares(base, x, y), line_text(base, y, "heading", "bold")
    )
    return finish(sized(layers, width, (HEIGHT - 3) * len(lines)), title, subtitle)


def _shares(base: alt.Chart, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The numbers of bars: next to a short one, inside a long one."""
    beside = base.transform_filter("isValid(datum.share) && datum.share < 0.6")
    inside = base.transform_filter("isValid(datum.share) && datum.share >= 0.6")
    return [
        beside.mark_text(align="left", dx=5, color=INK).encode(x=x, y=y, text="text:N"),
        inside.mark_text(align="right", dx=-5, color="white").encode(x=x, y=y, text="text:N"),
    ]
