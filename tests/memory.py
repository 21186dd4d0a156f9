"""The peak memory of a separate process."""

from __future__ import annotations

# A statement for the end of a program: its own peak in kB. On Linux getrusage would count the process from which it was
# forked as well (the test's), so that the kernel's figure for the program itself is read.
PRINT_PEAK = """
import pathlib, re, resource, sys
_status = pathlib.Path("/proc/self/status")
_own = re.search(r"VmHWM:\\s+(\\d+)", _status.read_text()) if _status.exists() else None
_peak = int(_own[1]) if _own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(_peak, file=sys.stderr)
"""
