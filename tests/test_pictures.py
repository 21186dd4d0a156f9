"""The pictures of the documentation are those of the current version."""

from __future__ import annotations

import json

from pictures import IMAGES, PICTURES, made_from


def test_the_pictures_are_not_stale() -> None:
    kept = json.loads((IMAGES / "made_from.json").read_text(encoding="utf-8"))
    assert kept == made_from(), "docs/images are stale: run `uv run .ci/pictures`"
    for name in (*PICTURES, "rates.png"):
        assert (IMAGES / name).read_bytes().startswith(b"\x89PNG")
