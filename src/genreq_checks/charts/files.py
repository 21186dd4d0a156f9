"""A chart as a file or as SVG text, without a browser and without network access."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt

from genreq_checks.errors import UsageError, near
from genreq_checks.text import scrub

Chart = alt.Chart | alt.LayerChart | alt.VConcatChart
PAPER_INK = "#333333"
MIXED = re.compile(
    r'"color-mix\(in srgb, (#\w{6}) \d+%, currentColor\)"'
)  # of a colour and the page's, which a PNG has not
EXPORT_WIDTH = 640
DARK = "<style>:root{color:#222}@media (prefers-color-scheme:dark){:root{color:#ddd}}</style>"


def check_suffix(path: Path) -> None:
    """Raises UsageError for a file that `save` could not write: an unknown suffix, or a missing folder."""
    if path.suffix.lower() not in SUFFIXES:
        what = f"'{path.suffix[:20]}'" if path.suffix else "no suffix"
        raise UsageError(
            f"A chart cannot be written to {path.name[:80]}: {what}.",
            near(path.suffix.lower(), SUFFIXES) if path.suffix else f"Use one of {', '.join(SUFFIXES)}.",
        )
    if not path.parent.is_dir():
        raise UsageError(f"The folder {path.parent} of the chart does not exist.", "Create it first.")


def save(chart: Chart, path: str | Path) -> None:
    """Write a chart to FILE.svg, .png, .html (one file, works offline) or .json (Vega-Lite).

    Raises: UsageError for another suffix or a missing folder.
    """
    file = Path(path)
    check_suffix(file)
    file.write_bytes(SUFFIXES[file.suffix.lower()](chart))


def svg(chart: Chart) -> str:
    """The chart as SVG text, in the text colour of the page that contains it."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(_spec(chart)))


def _spec(chart: Chart) -> dict[str, Any]:
    """The Vega-Lite specification, with a width in pixels where the chart has no width."""
    spec: dict[str, Any] = _printable(chart.to_dict())
    if spec.get("width") == "container":
        spec["width"] = EXPORT_WIDTH
    return spec


def _printable(value: Any) -> Any:
    """The value without control characters: a single one makes the converter end the process."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _printable(part) for key, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list) else value


def _svg_file(chart: Chart) -> bytes:
    return re.sub(r"(<svg[^>]*>)", lambda tag: tag[1] + DARK, svg(chart), count=1).encode()


def paper(chart: Chart) -> dict[str, Any]:
    """The specification with the colours of print, for a picture without a page of its own."""
    plain = MIXED.sub(r'"\1"', json.dumps(_spec(chart))).replace('"currentColor"', f'"{PAPER_INK}"')
    found: dict[str, Any] = json.loads(plain) | {"background": "white"}
    return found


def _png(chart: Chart) -> bytes:
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(paper(chart), scale=2))


def _html(chart: Chart) -> bytes:
    import vl_convert

    page = str(vl_convert.vegalite_to_html(_spec(chart), bundle=True, renderer="svg"))
    return page.replace("<head>", '<head><meta name="color-scheme" content="light dark">', 1).encode()


def _json(chart: Chart) -> bytes:
    return (json.dumps(chart.to_dict(), indent=1, ensure_ascii=False) + "\n").encode()


SUFFIXES: dict[str, Callable[[Chart], bytes]] = {".svg": _svg_file, ".png": _png, ".html": _html, ".json": _json}
