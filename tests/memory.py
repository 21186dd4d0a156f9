"""The peak memory of a separate process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# A statement for the end of a program: its own peak in kB. On Linux getrusage would count the process from which it was
# forked as well (the test's), so that the kernel's figure for the program itself is read.
PRINT_PEAK = """
import pathlib, re, resource, sys
_status = pathlib.Path("/proc/self/status")
_own = re.search(r"VmHWM:\\s+(\\d+)", _status.read_text()) if _status.exists() else None
_peak = int(_own[1]) if _own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(_peak, file=sys.stderr)
"""

RUN = (
    "import sys\nfrom genreq_checks.cli import app\ntry:\n    app(sys.argv[1:], standalone_mode=False)\nfinally:\n"
    + "".join(f"    {line}\n" for line in PRINT_PEAK.strip().splitlines())
)


def peak(*arguments: str | Path) -> int:
    """The peak memory of a call of the command line, in kB."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stderr.splitlines()[-1])
