"""What may stand beside the snapshots when checks judge: read by a source, asked for by an option, None when not."""

from __future__ import annotations

from dataclasses import dataclass

from genreq_checks.archive_facts import ArchiveFacts
from genreq_checks.generation_facts import GenerationFacts


@dataclass(frozen=True, slots=True)
class Inputs:
    """Optional evidence. A check whose input is None is skipped; one that was asked for and unreadable is unknown."""

    generation: GenerationFacts | None = None
    archive: ArchiveFacts | None = None


NOTHING = Inputs()
