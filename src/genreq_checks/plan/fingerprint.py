"""The fingerprint of a plan, by the rule of each format of saved files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# The keys of a plan in version 0.1.0, whose files (format 1) have a fingerprint over all of them, set or not. `*` is any
# name, a list describes each of its members, None is a value. This never changes.
_CLAIM = {"holds": None, "column": None, "text": None}
_KEYS_0_1_0: Mapping[str, Any] = {
    "plan_version": None,
    "title": None,
    "cutover": None,
    "table": {"schema": None, "name": None, "key": None},
    "cohort": {"column": None, "values": None, "time": None},
    "kept": {
        "*": {
            "type": None,
            "change": None,
            "minimum": None,
            "url": {"schemes": None, "hosts": None, "segments": None},
            "derived_from": None,
            "suffix": None,
            "message_field": None,
            "claim": _CLAIM,
        }
    },
    "dropped": {
        "*": {
            "type": None,
            "claim": _CLAIM,
            "reconstruction": {"column": None, "prefix": None, "suffix": None},
            "given_up": None,
            "code_names": None,
        }
    },
    "sql": {"forward": None, "rollback": None},
    "migrations": {"schema": None, "table": None},
    "requirements": [{"id": None, "text": None, "checks": None, "phases": None}],
}


def format_1(plan: Mapping[str, Any]) -> str:
    """By 0.1.0's rule: over every key that it knew, including those with their default. `plan` is the full plan as JSON."""
    return _digest(_only(plan, _KEYS_0_1_0))


def format_2(plan_without_defaults: Mapping[str, Any]) -> str:
    """Over the keys that differ from their default: a new optional key changes nothing for old files."""
    return _digest(plan_without_defaults)


def _only(value: Any, keys: Any) -> Any:
    """The part of a value that the keys name."""
    if isinstance(keys, list):
        return [_only(member, keys[0]) for member in value]
    if not isinstance(keys, Mapping) or not isinstance(value, Mapping):
        return value
    if "*" in keys:
        return {name: _only(member, keys["*"]) for name, member in value.items()}
    return {name: _only(value[name], inner) for name, inner in keys.items() if name in value}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
