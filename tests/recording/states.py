"""All states that are recorded."""

from __future__ import annotations

from recording.state import State
from recording.states_after import AFTER
from recording.states_before import BEFORE
from recording.states_none import NO_DATABASE
from recording.states_odd import ODD
from recording.states_rolled_back import ROLLED_BACK
from recording.states_unreadable import UNREADABLE

STATES: tuple[State, ...] = (*BEFORE, *AFTER, *ROLLED_BACK, *UNREADABLE, *ODD, NO_DATABASE)
