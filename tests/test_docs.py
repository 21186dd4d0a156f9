"""Docs, `list`, checks, plan and commands agree with each other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

import genreq_checks
from genreq_checks.checks import all_checks
from genreq_checks.cli import app
from genreq_checks.cli.output import pairs
from genreq_checks.plan import Plan
from genreq_checks.report import PHASES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
HEADINGS = ["Problem", "What is measured", "How it can be wrong", "What to do"]
SUFFIXES = {"junit": ".xml", "sarif": ".sarif", "html": ".html", "json": ".json", "markdown": ".md", "text": ".txt"}


def commands() -> dict[str, Any]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def blocks(text: str) -> Iterator[str]:
    """The code of a page: fenced, indented, and inline."""
    yield from re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    plain = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"^    (.*)$", plain, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", plain)


def calls(text: str) -> Iterator[list[str]]:
    """The words of each call of the command in some text, comments and the shell's other words left out."""
    for block in blocks(text):
        for line in block.splitlines():
            found = re.search(r"(?:^|[\s&])genreq-checks ([a-z].*)$", line.split(" # ")[0].split("    #")[0])
            if found and not re.match(r"[✓✗]|\"|.*:\s*$", line.strip()):
                words = shlex.split(found[1].replace("…", "SOURCE"), comments=True)
                yield list(_before_the_shell(words))


def _before_the_shell(words: list[str]) -> Iterator[str]:
    """The words of the first command, without the brackets and choices of a synopsis."""
    for word in words:
        if word in ("&&", "|", ">", "\\"):
            return
        yield word.strip("[]").split("|")[0]


CALLS = [(page.relative_to(ROOT), call) for page in PAGES for call in calls(page.read_text("utf-8"))]


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_every_check_has_a_page_that_explain_shows(check: Any) -> None:
    page = (ROOT / "docs" / "checks" / f"{check.name}.md").read_text("utf-8")
    assert page.startswith(f"# {check.name}: ")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS
    parts = re.split(r"^## .*$", page, flags=re.MULTILINE)[1:]
    assert all(len(part.split()) >= 5 for part in parts)
    shown = CliRunner().invoke(app, ["explain", check.name])
    assert (shown.exit_code, shown.stdout) == (0, page)


def test_every_page_is_of_a_check() -> None:
    assert {page.stem for page in (ROOT / "docs" / "checks").glob("*.md")} == {check.name for check in all_checks()}


def test_the_tree_of_the_architecture_is_the_tree() -> None:
    loader = SourceFileLoader("pages", str(ROOT / ".ci" / "pages"))
    pages: Any = module_from_spec(spec_from_loader("pages", loader))  # type: ignore[arg-type]
    loader.exec_module(pages)
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert "\nrun.py " in text
    assert pages.with_tree(text) == text, "uv run .ci/pages"


def test_the_package_has_few_names_of_its_own() -> None:
    names = [path for path in (ROOT / "src" / "genreq_checks").iterdir() if not path.name.startswith("__")]
    assert len([path for path in names if path.suffix == ".py" or (path / "__init__.py").exists()]) <= 29


def test_list_shows_every_check_with_its_phases(plan: Plan) -> None:
    lines = CliRunner().invoke(app, ["list"]).stdout.splitlines()
    listed = {line.split()[0]: line for line in lines}
    assert list(listed) == [check.id(subject) for check in all_checks() for subject in check.subjects(plan)]
    for check in all_checks():
        for subject in check.subjects(plan):
            assert all(phase in listed[check.id(subject)] for phase in check.phases if phase in PHASES)


def test_the_plans_requirements_name_checks_that_there_are(plan: Plan) -> None:
    known = {check.id(subject) for check in all_checks() for subject in check.subjects(plan)}
    assert {name for requirement in plan.requirements for name in requirement.checks} - known == set()


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_help_and_is_in_the_docs(name: str) -> None:
    command = commands()[name]
    assert len((command.help or "").split()) >= 4
    for parameter in command.params:
        assert parameter.name == "help" or getattr(parameter, "help", None), f"{name} {parameter.name}"
    assert any(call[:1] == [name] for _, call in CALLS)


def test_there_are_calls_to_check() -> None:
    assert len(CALLS) > 40
    assert {str(page) for page, _ in CALLS} >= {"README.md", "docs/ci.md", "docs/history.md", "docs/selftest.md"}


@pytest.mark.parametrize(
    ("page", "call"), CALLS, ids=lambda part: " ".join(part) if isinstance(part, list) else str(part)
)
def test_every_call_in_the_docs_is_a_valid_one(page: Path, call: list[str]) -> None:
    name, *arguments = call
    assert name in commands(), f"{page}: there is no command {name}"
    if not arguments:
        return  # the command is only named
    with commands()[name].make_context(name, arguments) as context:
        formats, outputs = (context.params.get(key) for key in ("formats", "output"))
    if isinstance(formats, list | tuple) and formats:
        for form, file in pairs([*formats], [Path(Path(part).name) for part in outputs or ()]):
            assert file is None or file.suffix == SUFFIXES[form], f"{page}: {form} would be written to {file}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_have_a_target(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            path, _, anchor = target.partition("#")
            assert (page.parent / path).exists(), target
            assert not anchor or f"# {anchor.replace('-', ' ')}" in (page.parent / path).read_text("utf-8").lower()


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model, and those that its fields hold."""
    yield model
    for field in model.model_fields.values():
        for part in _models_in(field.annotation):
            yield from models(part)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def test_the_plans_page_has_every_key_and_no_other() -> None:
    """By table: each model's keys are together in one of the page's tables, and each key there is one of a model's."""
    page = (ROOT / "docs" / "plan.md").read_text("utf-8")
    tables = [
        {key for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
        for table in re.findall(r"^\| key \|.*?(?=\n\n|\Z)", page, re.DOTALL | re.MULTILINE)
    ]
    wanted = {
        model.__name__: {field.alias or name for name, field in model.model_fields.items()} for model in models(Plan)
    }
    assert len(wanted) == 13
    for name, keys in wanted.items():
        assert keys in tables, name
    assert [table for table in tables if table not in wanted.values()] == []


def test_the_plans_page_names_every_value_of_a_choice() -> None:
    page = (ROOT / "docs" / "plan.md").read_text("utf-8")
    for model in models(Plan):
        for field in model.model_fields.values():
            for value in re.findall(r"Literal\[(.*?)\]", str(field.annotation)):
                for word in re.findall(r"'([^']+)'", value):
                    assert f"`{word}`" in page or f'"{word}"' in page, word


def workflows() -> dict[str, dict[str, Any]]:
    files = {path.name: path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "ci.md").read_text("utf-8"), re.DOTALL | re.M)
    files |= dict(zip(("action", "github", "gitlab"), blocks, strict=True))
    return {name: yaml.safe_load(text) for name, text in files.items()}


# What a job may do beyond reading the code.
RIGHTS = {"action": {"pull-requests": "write"}, "release.yml": {"id-token": "write"}}


@pytest.mark.parametrize("name", ["ci.yml", "release.yml", "action", "github"])
def test_github_jobs_have_least_rights_a_timeout_and_pinned_actions(name: str) -> None:
    flow = workflows()[name]
    more = RIGHTS.get(name, {})
    assert flow["permissions"] in ({"contents": "read"}, {"contents": "read"} | more)
    assert flow[True]  # `on`, as YAML 1.1 reads it
    for job in flow["jobs"].values():
        assert job.get("permissions", more) == more
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            used = step.get("uses", "./.genreq-checks")
            assert used == "./.genreq-checks" or re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}", used)
            assert "${{" not in step.get("run", ""), "a value that is put into a script can be a script"
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_each_action_has_one_pin_with_its_version() -> None:
    pins: dict[str, set[str]] = {}
    for path in (".github/workflows/ci.yml", ".github/workflows/release.yml", "docs/ci.md"):
        text = (ROOT / path).read_text("utf-8")
        found = re.findall(r"uses: (\S+)@(\S+) # (v\d+\.\d+\.\d+)$", text, re.MULTILINE)
        assert len(found) == text.count("uses: ") - text.count("uses: ./")
        for action, commit, version in found:
            pins.setdefault("/".join(action.split("/")[:2]), set()).add(f"{commit} {version}")
    assert [action for action, known in pins.items() if len(known) != 1] == []


def test_our_own_jobs_cover_every_python_and_two_more_postgres_versions() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    jobs = workflows()["ci.yml"]["jobs"]
    assert project["requires-python"] == f">={jobs['tests']['strategy']['matrix']['python'][0]}"
    assert jobs["tests"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert len(jobs["postgres"]["strategy"]["matrix"]["postgres"]) == 2
    runs = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert {"uv run .ci/lint", ".ci/wheel"} <= set(runs)
    for path in re.findall(r"(?:tests|\.ci)/\S+", " ".join(runs)):
        assert (ROOT / path).exists(), path


def test_gitlab_jobs_run_the_three_moments() -> None:
    jobs = {name: job for name, job in workflows()["gitlab"].items() if not name.startswith(".")}
    assert list(jobs) == ["is it safe to drop", "did it work", "every night"]
    assert all(job["extends"] == ".genreq" and job["rules"] and job["script"] for job in jobs.values())


def test_the_public_names_are_those_of_the_page_and_can_be_used() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+)", page.partition("| name |")[2]))
    assert set(genreq_checks.__all__) <= named
    for name in genreq_checks.__all__:
        assert getattr(genreq_checks, name) is not None


def avoided_words() -> list[str]:
    """The words in the left column of the table in CONTRIBUTING.md."""
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("| avoid | use |")[1]
    return [word for row in re.findall(r"^\| ([a-z].*?) \|", table, re.MULTILINE) for word in row.split(", ")]


def avoided_in(files: Iterable[Path]) -> list[str]:
    """Each avoided word in the files, also where a line ends within it."""
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, avoided_words()))})\b", re.IGNORECASE)
    texts = ((file, re.sub(r"\s+(?:# )?", " ", file.read_text("utf-8"))) for file in files)
    return [
        f"{file}: {text[max(0, found.start() - 40) : found.end()]}"
        for file, text in texts
        for found in pattern.finditer(text)
    ]


def test_no_avoided_word_is_in_the_sources_or_the_docs() -> None:
    sources = [file for file in (ROOT / "src").rglob("*") if file.suffix in (".py", ".toml", ".html")]
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *sources]
    assert len(files) > 250
    assert avoided_in(files) == []


@pytest.mark.parametrize("planted", ["This is mend.", '"""It cannot\n    be meant."""', "# Rows are passed\n# over."])
def test_a_planted_avoided_word_is_found(planted: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(planted, "utf-8")
    (tmp_path / "b.py").write_text("Recommended and amended; passed_over, beside.", "utf-8")
    found = avoided_in(sorted(tmp_path.iterdir()))
    assert len(found) == 1
    assert found[0].startswith(str(tmp_path / "a.py"))
