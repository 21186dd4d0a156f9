"""The messages before and after the completion message, and how a frame is read: as the server's JavaScript reads it."""

from __future__ import annotations

import json
import logging
from typing import NoReturn

from genreq_checks.text import scrub

PATH = "/wsi"
READY = "ready"
START = "start_generation"
LOG = "log"
ITERATION = "iteration_complete"

# The library logs every failed handshake with a traceback; here the report has it in one line.
SILENT = logging.Logger("genreq_checks.leo.generation")
SILENT.addHandler(logging.NullHandler())


def read_frame(frame: str | bytes) -> dict[str, object] | str:
    """The message in a frame, or in a few words why it is not one. The last of two equal keys wins; NaN is not JSON."""
    if isinstance(frame, bytes):
        return "a binary frame"
    try:
        decoded = json.loads(frame, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(decoded, dict):
        return "JSON, but not an object"
    if not isinstance(decoded.get("type"), str):
        return "an object without a type"
    return decoded


def write_frame(kind: str, **fields: object) -> str:
    """A message of a type as it is sent."""
    return json.dumps({"type": kind} | fields, allow_nan=False)


def shown(kind: object) -> str:
    """A message's type as a report may show it."""
    return scrub(str(kind)[:40])


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
