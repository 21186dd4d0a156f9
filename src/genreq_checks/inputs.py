"""What may stand beside the snapshots when checks judge: read by a source, asked for by an option, None when not."""

from __future__ import annotations

from dataclasses import dataclass

from genreq_checks.archive_facts import ArchiveFacts
from genreq_checks.code_facts import CodeFacts
from genreq_checks.generation_facts import GenerationFacts
from genreq_checks.migration_facts import MigrationFolder
from genreq_checks.reconciled import Reconciliation
from genreq_checks.results import Step


@dataclass(frozen=True, slots=True)
class Inputs:
    """Optional evidence. A check whose input is None is skipped; one that was asked for and unreadable is unknown."""

    code: CodeFacts | None = None
    messages: Reconciliation | None = None
    migrations: MigrationFolder | None = None
    generation: GenerationFacts | None = None
    archive: ArchiveFacts | None = None
    rehearsal: tuple[Step, ...] | None = None


NOTHING = Inputs()
