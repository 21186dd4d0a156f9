"""The charts of twenty states look as on the reference pictures, which were looked at.

`GENREQ_DRAW=1 uv run pytest tests/test_chart_pictures.py` draws the references again; look at each that changes.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import vl_convert
from PIL import Image

from chart_states import states
from genreq_checks import charts
from genreq_checks.charts.files import paper
from genreq_checks.report import Report

REFERENCES = Path(__file__).parent / "chart_pictures"
STATES = dict(states())
KINDS = {"rates": charts.rates, "trends": charts.trends}
WIDTH = 350  # a phone's
FONT = "Liberation Sans"  # it comes with vl-convert: the same letters on every machine
BLOCK = 6  # pixels; the means of blocks are compared, so that a letter's edge makes no difference
MEAN, WORST = 1.0, 64  # of 255: the mean difference of all blocks, and that of one


def draw(name: str, kind: str, width: int = WIDTH) -> Image.Image:
    spec = paper(KINDS[kind](STATES[name], width))
    spec["config"]["font"] = FONT
    return Image.open(io.BytesIO(vl_convert.vegalite_to_png(spec, scale=1))).convert("RGB")


def blocks(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    whole = Image.new("RGB", size, "white")
    whole.paste(picture)
    small = whole.resize((size[0] // BLOCK, size[1] // BLOCK), Image.Resampling.BOX)
    return np.asarray(small, dtype=float)


def differences(one: Image.Image, two: Image.Image) -> tuple[float, float]:
    """The mean difference of the blocks of two pictures, and the largest."""
    size = (max(one.width, two.width) + BLOCK, max(one.height, two.height) + BLOCK)
    apart = np.abs(blocks(one, size) - blocks(two, size)).mean(axis=2)
    return float(apart.mean()), float(apart.max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STATES)
def test_a_state_looks_as_on_its_reference(name: str, kind: str, tmp_path: Path) -> None:
    file, drawn = REFERENCES / f"{name}-{kind}.png", draw(name, kind)
    if os.environ.get("GENREQ_DRAW"):
        drawn.quantize(32).save(file, optimize=True)
    mean, worst = differences(drawn, Image.open(file).convert("RGB"))
    if mean > MEAN or worst > WORST:
        drawn.save(tmp_path / "drawn.png")
        pytest.fail(f"{file.name} differs: mean {mean:.2f}, worst {worst:.0f}; drawn: {tmp_path / 'drawn.png'}")


def test_the_comparison_sees_a_mark_that_moved() -> None:
    one = draw("all-pass", "rates")
    report = STATES["all-pass"]
    moved = tuple(r.model_copy(update={"rate": 0.9}) if r.side == "after" else r for r in report.rates)
    STATES["moved"] = report.model_copy(update={"rates": moved})
    mean, worst = differences(one, draw("moved", "rates"))
    del STATES["moved"]
    assert mean > MEAN or worst > WORST


def test_the_references_are_those_of_the_states_and_small() -> None:
    files = sorted(REFERENCES.glob("*.png"))
    assert {file.stem for file in files} == {f"{name}-{kind}" for name in STATES for kind in KINDS}
    assert sum(file.stat().st_size for file in files) < 1_500_000


@pytest.mark.parametrize("name", STATES)
def test_a_state_logs_nothing_and_no_axis_has_hours(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    report: Report = STATES[name]
    first = charts.columns(report)[0]
    drawn = [charts.trends(report), charts.timeline(report)]
    drawn += [charts.daily(report, first), charts.sparkline(report, first)]
    for chart in drawn:
        assert ":00</text>" not in charts.svg(chart)
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


def test_a_long_time_without_rows_takes_little_of_the_axis() -> None:
    from genreq_checks.charts.axis import time_axis

    report = STATES["weeks-without-rows"]
    days = charts.daily_counts(report, "github_url")
    axis = time_axis([rate.day for rate in days.rates], days.step, report.plan.cutover)
    ((one, two),) = axis.breaks
    places = dict(zip(axis.moments, axis.places, strict=True))
    assert places[two] - places[one] < 0.1


def test_a_line_ends_where_steps_have_no_rows() -> None:
    found = values(charts.daily(STATES["every-third-day"], "github_url").to_dict())
    assert found
    assert all(one["alone"] for one in found)
    several = values(charts.daily(STATES["all-pass"], "github_url").to_dict())
    assert not any(one["alone"] for one in several)
    assert len({one["part"] for one in several}) == 2  # one line a side


def test_labels_have_the_colours_of_their_marks() -> None:
    text = json.dumps(charts.rates(STATES["all-pass"]).to_dict())
    for colour in ("#0072B2", "#D55E00"):
        assert f"color-mix(in srgb, {colour} 60%, currentColor)" in text


def values(spec: object) -> list[dict[str, object]]:
    if isinstance(spec, dict) and "part" in spec:
        return [spec]
    parts = list(spec.values()) if isinstance(spec, dict) else spec if isinstance(spec, list) else []
    return [one for part in parts for one in values(part)]
