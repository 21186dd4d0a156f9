"""Hide and undo on the copy, by the files of `stage`; a generation is run while the columns are hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from genreq_checks.facts import Outcome
from genreq_checks.rehearsal.answer import Answer
from genreq_checks.rehearsal.difference import rollback_differences, row_differences
from genreq_checks.rehearsal.generation import generate
from genreq_checks.rehearsal.originals import changes
from genreq_checks.rehearsal.structure import read_structure
from genreq_checks.run import observe
from genreq_checks.staging import RETIRE, UNDO, RefusedError, stage_retire
from genreq_checks.text import line

if TYPE_CHECKING:
    from genreq_checks.rehearsal.stages import Stages

FOLDER = "staging"


def staged_steps(stages: Stages) -> dict[str, Callable[[], Answer]]:
    """The steps by name, in their order; `undo` leaves the copy as it was."""
    return {
        "retire": lambda: retire(stages),
        "hidden": lambda: hidden(stages),
        "undo": lambda: undo(stages),
    }


def retire(stages: Stages) -> Answer:
    """Write the files for the copy, and rename the columns away."""
    plan, url, folder = stages.plan, stages.scratch.url, stages.folder / FOLDER
    now = observe(plan, url, only=["dropped.*", "dependents.*"], fingerprints="none", timeout=stages.timeout)
    try:
        stage_retire(plan, url, now, folder, timeout=stages.timeout, deadline=stages.deadline)
    except RefusedError as error:
        return Answer("fail", line(error.message.replace("\n- ", " ")))
    stages.structures["unstaged"] = read_structure(url, plan.table)
    return _run(url, folder / RETIRE)


def hidden(stages: Stages) -> Answer:
    """A generation, or writes of real rows, while the columns are hidden: what needs them fails, as it would after the drop."""
    if not (stages.folder / FOLDER / RETIRE).exists():
        return Answer("unknown", "Not made: the step retire did not succeed.")
    if not stages.plan.takes_messages:
        return stages.compared_writes()
    assert stages.generated_before is not None
    now = generate(stages.scratch.url, stages.search_path, stages.plan, keep=False)
    return stages.compared_generation(stages.generated_before, now)


def undo(stages: Stages) -> Answer:
    """Rename back, and compare everything with what it was."""
    plan, url = stages.plan, stages.scratch.url
    if not (stages.folder / FOLDER / UNDO).exists():
        return Answer("unknown", "Not made: the step retire did not succeed.")
    answer = _run(url, stages.folder / FOLDER / UNDO)
    if answer.outcome != "pass":
        return answer
    was, now = stages.structures["unstaged"], read_structure(url, plan.table)
    found = [*rollback_differences(plan, was, now), *row_differences(was, now)]
    bad = [one.text for one in found if one.verdict != "intended"]
    assert stages.keeper is not None
    lost = list(changes(stages.keeper, plan, stages.rewritten).words) if stages.values_provable else []
    if lost or bad:
        outcome: Outcome = "fail" if lost or any(one.verdict == "wrong" for one in found) else "warn"
        return Answer(outcome, line(f"Not as it was: {'; '.join([*bad, *lost])}."), goes_on=True)
    return Answer("pass", f"{answer.message} Everything is as it was, every value too.")


def _run(url: str, file: Path) -> Answer:
    """Run a file as psql does. Its guard's words hold names only."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        try:
            connection.execute(file.read_bytes())
        except psycopg.errors.RaiseException as error:
            return Answer("fail", line(error.diag.message_primary or "it failed"))
    return Answer("pass", line(" ".join(told).removeprefix("genreq-checks: ")))
