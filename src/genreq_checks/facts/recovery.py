"""How far a standby is behind, as far as it knows itself, and whether its data is current enough to judge by."""

from __future__ import annotations

from datetime import datetime

from genreq_checks.facts.file_format import Model
from genreq_checks.text import size

PRIMARY = "Read the primary server"


class Recovery(Model):
    """The state of a server that replays the changes of another one (a standby, a running restore).

    `lag` is an upper bound in seconds: this server has everything that the other one had that long ago; None when there
    is no bound. It is the smaller of two ages, at the time of reading: of `replayed_at`, the commit time of the last
    replayed change; and of `heard_at`, the last message of the server that it streams from, when everything up to it
    is replayed. `waiting` are bytes that were received and are not replayed. `unproved` says what could not be read.
    """

    paused: bool | None = None
    lag: float | None = None
    replayed_at: datetime | None = None
    heard_at: datetime | None = None
    waiting: int | None = None
    unproved: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The standby's state as a phrase."""
        if self.paused:
            received = f"; {size(self.waiting)} more were received" if self.waiting else ""
            return f"a standby whose replay is paused: it shows an earlier state{self._last_change}{received}"
        if self.paused is None or self.lag is None:
            why = f": {'; '.join(self.unproved)}" if self.unproved else ""
            return f"a standby, and how far it is behind is not known{why}{self._last_change}"
        return f"a standby, at most {_seconds(self.lag)} behind"

    @property
    def _last_change(self) -> str:
        return f" (its last change is from {self.replayed_at:%Y-%m-%d %H:%M:%S} UTC)" if self.replayed_at else ""

    def doubt(self, most: float | None, *, needed: bool) -> tuple[str, str] | None:
        """Why its data is not current enough, and what to do; None when it is.

        `most` are the allowed seconds. Where they are `needed` and not given, that is a doubt too.
        """
        if self.paused:
            return f"it is read from {self.words}.", f"{PRIMARY}, or resume the replay (pg_wal_replay_resume())."
        if self.paused is None or self.lag is None:
            return f"it is read from {self.words}.", f"{PRIMARY}."
        if most is None:
            remedy = f"{PRIMARY}, or give the allowed lag: --max-lag SECONDS, or max_lag in the plan."
            return (f"it is read from {self.words}; no allowed lag is given.", remedy) if needed else None
        if self.lag > most:
            behind = f"it is read from a standby that may be {_seconds(self.lag)} behind; {_seconds(most)} are allowed."
            return behind, f"{PRIMARY}, or try again when the standby has caught up."
        return None


def _seconds(number: float) -> str:
    return f"{number:,.1f} s"
