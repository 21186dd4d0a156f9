"""JavaScript expressions, evaluated by Node in bulk, and strings for comparisons with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping

from npm import node

# The right-hand side of `artifactsGithubUrl` in the plan's phase 3, on one line.
PLAN_EXPRESSION = r"msg.github_url ? msg.github_url.replace(/\/$/, '') + '-artifacts' : null"

# One message per line in, one answer per line out. JSON escapes lone surrogates, so they survive UTF-8.
_PROGRAM = """
const answer = (msg) => (%s);
const lines = require('fs').readFileSync(0, 'utf8').split('\\n').filter((line) => line !== '');
process.stdout.write(lines.map((line) => JSON.stringify(answer(JSON.parse(line))) + '\\n').join(''));
"""

_SECONDS_TO_ANSWER = 60

HOSTILE_URLS: list[str] = [
    "",
    "/",
    "//",
    " ",
    "\t",
    "\n",
    "\u00a0",
    "\ufeff",
    "null",
    "undefined",
    "https://github.com/leo/app",
    "https://github.com/leo/app/",
    "https://github.com/leo/app//",
    "https://github.com/leo/app///",
    "https://github.com/leo/app/ ",
    "https://github.com/leo/app\n",
    "https://github.com/leo/app/\n",
    "https://github.com/leo/app/\r\n",
    "https://github.com/leo/app\n/",
    "https://github.com/leo/app/\nhttps://github.com/leo/other/",
    "https://github.com/leo/app/\u2028",
    "https://github.com/leo/app\u2029/",
    "https://github.com/leo/app/\u0085",
    "https://github.com/leo/app/\x00",
    "\x00/",
    "https://github.com/leo/app-artifacts",
    "https://github.com/leo/app-artifacts/",
    "https://github.com/leo/app.git/",
    "https://github.com/leo/app/?tab=readme/",
    "https://github.com/leo/app/#/",
    "https://user:password@github.com/leo/app/",
    "javascript:alert(1)/",
    "<script>alert('x')</script>/",
    "'; drop table generation_requests; --/",
    "$&/",
    "$1$$/",
    "\\/",
    "%2F",
    "50%_done/",
    "\u2044",
    "\uff0f",
    "/\u0338",
    "https://github.com/leo/caf\u00e9/",
    "https://github.com/leo/cafe\u0301/",
    "https://github.com/leo/APP/",
    "https://github.com/leo/\u0130stanbul/",
    "https://github.com/leo/\U0001f600",
    "https://github.com/leo/\U0001f600/",
    "\ud800",
    "\udc00/",
    "https://github.com/leo/\ud83d/",
    "/\udfff",
    "a" * 5_000 + "/",
    "/" * 5_000,
]


def evaluate_in_node(expression: str, messages: Iterable[Mapping[str, object]]) -> list[object]:
    """What a JavaScript expression gives for each message, which it knows as `msg`; one Node process for all.

    Without Node the test is skipped, or fails where CI is set, because CI is where the comparison must
    happen.
    """
    program = node()
    lines = [json.dumps(message) for message in messages]
    finished = subprocess.run(
        [program, "-e", _PROGRAM % expression],
        input="".join(line + "\n" for line in lines).encode("ascii"),
        capture_output=True,
        timeout=_SECONDS_TO_ANSWER,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr.decode("utf-8", "replace")
    # Not splitlines(): the answers hold U+2028 and its like as they are.
    answers: list[object] = [json.loads(line) for line in finished.stdout.decode("utf-8").split("\n")[:-1]]
    assert len(answers) == len(lines)
    return answers


def derive_in_node(values: list[str | None]) -> list[str | None]:
    """The artifacts URL that the plan's own expression derives from each github_url, by Node."""
    derived: list[str | None] = []
    for answer in evaluate_in_node(PLAN_EXPRESSION, [{"github_url": value} for value in values]):
        assert answer is None or isinstance(answer, str)
        derived.append(answer)
    return derived
