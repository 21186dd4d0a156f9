"""When a complete run must end. `--timeout` limits each statement; the deadline limits all of them together."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time on the clock of `time.monotonic()`, `seconds` after the run began."""

    seconds: float
    end: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline this many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """The seconds that are left; less than 0 when it has passed."""
        return self.end - time.monotonic()
