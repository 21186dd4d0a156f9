"""A source is one file: with one more in the folder of sources it is an option, a keyword and a field of the form."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genreq_checks.cli.evidence import with_evidence
from genreq_checks.dashboard import form, review
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from genreq_checks.sources import evidence
from genreq_checks.sources.evidence import all_sources
from handmade import row, snapshot, tally

MODULE = "genreq_checks.sources.evidence.ticket"
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ("population_rates", "dropped_columns")


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the file lay in the folder of the sources."""
    folder = str(Path(__file__).with_name("added_sources"))
    monkeypatch.setattr(evidence, "__path__", [*evidence.__path__, folder])
    all_sources.cache_clear()
    yield
    all_sources.cache_clear()
    sys.modules.pop(MODULE)


def notebook(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, NOTEBOOKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def form_of(name: str) -> Any:
    """The form that the notebook shows, made by running its cell."""
    _, defined = notebook(name).sources.run()
    return defined["named"]


def fields(name: str) -> list[str]:
    return list(form_of(name).element.elements)


@pytest.mark.parametrize("name", NAMES)
def test_the_form_has_a_field_for_each_source(name: str) -> None:
    names = fields(name)
    assert names == ["source", "baseline", *(one.name for one in all_sources())]
    assert {"messages", "migrations", "code", "generation", "archive"} < set(names)
    shown = form_of(name).text
    for one in all_sources():
        assert max(re.split("['(.]", one.help), key=len).strip() in shown  # quotes and brackets are written otherwise


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("added")
def test_a_new_source_is_in_the_form_of_both_notebooks(name: str) -> None:
    assert fields(name)[-1] == "ticket"
    assert "What the tickets say, one a line." in form_of(name).text


@pytest.mark.usefixtures("added")
def test_a_new_source_is_an_option_and_a_keyword_and_is_read(plan: Plan, tmp_path: Path) -> None:
    def command(evidence: dict[str, Any]) -> None:
        got.update(evidence)

    got: dict[str, Any] = {}
    with_evidence(command)(**{one.name: one.name for one in all_sources()})
    assert got["ticket"] == "ticket"
    (tmp_path / "a.txt").write_text("drop them\n")
    now = observe(plan, snapshot(tally(row(1))), ticket=tmp_path / "a.txt")
    assert vars(now)["ticket"] == ("drop them",)


@pytest.mark.usefixtures("added")
def test_what_was_typed_into_the_form_is_read_beside_the_source(plan: Plan, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    snapshot(tally(row(1))).save(tmp_path / "now.json")
    named = form_of("dropped_columns")
    lines = f"  {tmp_path / 'a'}\n\n{tmp_path / 'b'} \n"
    told = {"source": f" {tmp_path / 'now.json'}", "baseline": "", "ticket": lines, "code": ""}
    source, baseline, beside = form.typed(dict.fromkeys(named.element.elements, "") | told)
    assert (source, baseline) == (str(tmp_path / "now.json"), "")
    assert beside == {"ticket": [str(tmp_path / "a"), str(tmp_path / "b")]}
    opened = review.open_sources(source, baseline, beside, environment={})
    assert (opened.problem, vars(opened.now)["ticket"]) == (None, ("a", "b"))


def test_a_form_that_was_not_submitted_names_nothing() -> None:
    assert form.typed(None) == ("", "", {})
    assert form_of("population_rates").value is None


def test_code_that_was_named_is_judged_and_shown(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.sql").write_text("SELECT download_url FROM generation_requests;\n")
    snapshot(tally(row(1))).save(tmp_path / "now.json")
    here, code = str(tmp_path / "now.json"), str(tmp_path / "code")
    assert review.open_sources(here, environment={}).now is not None
    opened = review.open_sources(here, evidence={"code": code}, environment={})
    assert opened.now is not None
    assert opened.now.code is not None
    report = check(opened.plan, opened.now)
    assert report.check("leftovers.download_url").outcome == "fail"
    module = notebook("dropped_columns")
    output, _ = module.others.run(report=report, mo=module.mo, review=review)
    assert "a.sql:1" in output.text


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    snapshot(tally(row(1))).save(tmp_path / "now.json")
    opened = review.open_sources(str(tmp_path / "now.json"), evidence={"code": "nowhere"}, environment={})
    assert opened.now is None
    assert "nowhere" in (opened.problem or "")
