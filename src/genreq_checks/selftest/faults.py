"""The known faults, in the order in which they are planted. A new check adds at least one that makes it fail."""

from __future__ import annotations

from genreq_checks.selftest.fault import Fault
from genreq_checks.selftest.faults_after import AFTER
from genreq_checks.selftest.faults_before import BEFORE
from genreq_checks.selftest.faults_code import CODE
from genreq_checks.selftest.faults_rehearsal import REHEARSAL
from genreq_checks.selftest.faults_rolled_back import ROLLED_BACK

FAULTS: tuple[Fault, ...] = (*BEFORE, *AFTER, *CODE, *ROLLED_BACK, *REHEARSAL)
