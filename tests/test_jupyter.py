"""The Jupyter notebook runs from top to bottom, shows the report's own numbers, and is stored without outputs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from genreq_checks.demo import Samples, sample_snapshots
from genreq_checks.outputs.verdict import headline
from genreq_checks.run import check

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "population_rates.ipynb"
VARIABLES = ("GENREQ_SOURCE", "GENREQ_BASELINE", "GENREQ_CUTOVER", "GENREQ_PLAN", "LEO_DATABASE_URL")
CHARTS = ("rates", "trends", "reasons", "statuses")


@pytest.fixture(scope="module")
def samples() -> Samples:
    return sample_snapshots()


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is named in the environment, which the kernel inherits."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def executed(folder: Path) -> dict[str, Any]:
    """The outputs of each cell by its id, after the whole notebook was run in a folder."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return {cell.id: cell.outputs for cell in book.cells if cell.cell_type == "code"}


def shown(outputs: Any) -> dict[str, Any]:
    """What a cell shows, by media type; a cell that prints or warns too is a failure."""
    assert [output.output_type for output in outputs] == ["execute_result"]
    return dict(outputs[0].data)


def test_it_shows_the_sample_of_the_demo(samples: Samples, tmp_path: Path) -> None:
    folder = tmp_path / "genreq-demo"
    folder.mkdir()
    samples.before.save(folder / "before.json")
    samples.after.save(folder / "after.json")
    found = executed(tmp_path)
    report = check(samples.plan, samples.after, samples.before, cutover=samples.cutover)
    assert headline(report) in shown(found["verdict"])["text/html"]
    for name in CHARTS:
        assert shown(found[name])["text/html"].startswith("<svg"), name
    assert "98.1 %" in shown(found["rates"])["text/html"]
    assert shown(found["frame"])["text/html"] == report.frame()._repr_html_()


def test_it_reads_what_the_environment_names(samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.after.save(tmp_path / "own.json")
    monkeypatch.setenv("GENREQ_SOURCE", "own.json")
    monkeypatch.setenv("GENREQ_CUTOVER", "2024-12-17T09:30")
    found = executed(tmp_path)
    report = check(samples.plan, samples.after, cutover=samples.cutover)
    assert headline(report) in shown(found["verdict"])["text/html"]
    assert shown(found["frame"])["text/html"] == report.frame()._repr_html_()


def test_without_a_source_it_fails_in_the_cell_that_reads(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match=r"genreq-demo/"):
        executed(tmp_path)


def test_it_is_stored_without_outputs_and_uses_public_names_only() -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    tree = ast.parse("\n".join(cell.source for cell in code))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"os", "genreq_checks"}
    assert modules == {"datetime", "IPython.display"}
