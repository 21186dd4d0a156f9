"""What the pictures of the documentation are made from: `.ci/pictures` writes it, and a test compares it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from chart_states import states
from genreq_checks import __version__, charts

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PICTURES = ("dashboard.png", "review.png")
PAGES = ("dashboard.py", "dashboard.css", "population_rates.py")


def made_from() -> dict[str, str]:
    """The version, and the hashes of the charts' specifications and of the pages."""
    report = dict(states())["all-pass"]
    specs = [chart(report, 640).to_dict() for chart in (charts.rates, charts.trends)]
    pages = [(ROOT / "notebooks" / name).read_text(encoding="utf-8") for name in PAGES]
    return {"version": __version__, "charts": _hash(json.dumps(specs, sort_keys=True)), "pages": _hash("".join(pages))}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
