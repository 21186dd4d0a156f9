"""Reading a tree of source code: what is skipped and counted, and the hostile files that must not stop it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from genreq_checks.errors import UsageError
from genreq_checks.facts import CodeFacts
from genreq_checks.plan import Plan
from genreq_checks.sources.source_code import read_code
from genreq_checks.sources.source_code.excerpt import excerpt
from genreq_checks.sources.source_code.walk import MAX_BYTES
from leo_code import before, write_tree

LIVE_LINE = "use(generationRequests.conversation);"


def read(plan: Plan, root: Path) -> tuple[list[str], CodeFacts]:
    facts = read_code(plan, root)
    return [f"{m.file}:{m.line}" for m in facts.mentions], facts


def test_gitignore_is_respected_nested_and_negated(plan: Plan, tmp_path: Path) -> None:
    names = [
        "a.ts",
        "gen/a.ts",
        "keep/b.gen.ts",
        "keep/special.gen.ts",
        "deep/x/secret.ts",
        "secret.ts",
        "deep/y/local.ts",
    ]
    write_tree(tmp_path, dict.fromkeys(names, LIVE_LINE))
    ignores = {".gitignore": "gen/\n*.gen.ts\n!special.gen.ts\n/secret.ts\n", "deep/.gitignore": "\ufefflocal.ts\r\n"}
    write_tree(tmp_path, ignores)
    found, facts = read(plan, tmp_path)
    assert sorted(found) == ["a.ts:1", "deep/x/secret.ts:1", "keep/special.gen.ts:1"]
    assert facts.passed_over == {"folder ignored by .gitignore": 1, "ignored by .gitignore": 3}


def test_a_gitignore_above_the_folder_counts_within_its_repository(plan: Plan, tmp_path: Path) -> None:
    write_tree(tmp_path, {".git/HEAD": "", ".gitignore": "*.gen.ts\napps/old/\n", "apps/leo/a.gen.ts": LIVE_LINE})
    write_tree(tmp_path, {"apps/leo/a.ts": LIVE_LINE, "apps/old/a.ts": LIVE_LINE})
    assert read(plan, tmp_path / "apps" / "leo")[0] == ["a.ts:1"]
    assert read(plan, tmp_path / "apps")[0] == ["leo/a.ts:1"]
    assert read(plan, tmp_path / "apps" / "old")[0] == ["a.ts:1"], "asked for by name, it is read"


def test_vendored_code_is_skipped_and_counted(plan: Plan, tmp_path: Path) -> None:
    folders = ["node_modules/x", "vendor", ".venv/lib", ".git", "a/node_modules/y", "src/__pycache__"]
    write_tree(tmp_path, {f"{folder}/a.ts": LIVE_LINE for folder in folders} | {"src/a.ts": LIVE_LINE})
    found, facts = read(plan, tmp_path)
    assert found == ["src/a.ts:1"]
    assert facts.passed_over == {"cache folder": 1, "vendored folder": 4, "version control folder": 1}


def test_links_are_not_followed(plan: Plan, tmp_path: Path) -> None:
    outside = write_tree(tmp_path / "outside", {"a.ts": LIVE_LINE})
    root = write_tree(tmp_path / "root", {"src/a.ts": LIVE_LINE})
    (root / "src" / "loop").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "broken.ts").symlink_to("nowhere.ts")
    (root / "out").symlink_to(outside)
    (root / "again.ts").symlink_to("src/a.ts")
    found, facts = read(plan, root)
    assert found == ["src/a.ts:1"]
    assert facts.passed_over == {"broken link": 1, "link": 2, "link that leads to itself": 2}


def test_files_that_are_not_valid_text_do_not_stop_the_reading(plan: Plan, tmp_path: Path) -> None:
    write_tree(tmp_path, {"ok.ts": "\n" + LIVE_LINE})
    (tmp_path / "latin.ts").write_bytes(b"// caf\xe9\n" + LIVE_LINE.encode())
    (tmp_path / "bom.ts").write_bytes(b"\xef\xbb\xbf" + LIVE_LINE.encode())
    (tmp_path / "crlf.ts").write_bytes(b"// a\r\n// b\r\n" + LIVE_LINE.encode() + b"\r\n")
    (tmp_path / "utf16.ts").write_bytes(("\ufeff" + LIVE_LINE).encode("utf-16-le"))
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0" + LIVE_LINE.encode())
    (tmp_path / "odd\x1b[31m\n.ts").write_text(LIVE_LINE)
    with (tmp_path / "huge.ts").open("wb") as file:
        file.truncate(50_000_000)
    os.mkfifo(tmp_path / "pipe.ts")
    found, facts = read(plan, tmp_path)
    assert sorted(found) == ["bom.ts:1", "crlf.ts:3", "latin.ts:2", "odd\ufffd[31m .ts:1", "ok.ts:2", "utf16.ts:1"]
    odd = {"binary": 1, "not UTF-8, read as far as possible": 1, "not a regular file": 1, "too large": 1}
    assert facts.passed_over == odd
    assert {m.cls for m in facts.mentions} == {"live_column"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep.ts", "[" * 50_000 + "generationRequests.conversation" + "]" * 50_000),
        ("deep.py", "(" * 50_000 + "generation_requests.conversation" + ")" * 50_000),
        ("deep.sql", "SELECT " + "(" * 5_000 + "conversation" + ")" * 5_000 + " FROM generation_requests"),
        ("qualified.sql", "SELECT " + "(" * 5_000 + "g.conversation" + ")" * 5_000 + " FROM generation_requests g"),
        ("long.ts", "x;" * 450_000 + LIVE_LINE),
        ("unclosed.ts", "`" * 3 + "${" * 3_000 + LIVE_LINE),
        ("unclosed.sql", "SELECT 'x FROM generation_requests WHERE conversation"),
        ("unclosed.py", "generation_requests = '''\n" + "row.conversation\n" * 100),
        ("many.ts", "use(generationRequests.conversation, x);\n" * 5_000),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
def test_extreme_files_do_not_stop_the_reading_and_their_mentions_count(
    plan: Plan, tmp_path: Path, name: str, text: str
) -> None:
    started = time.monotonic()
    assert read_code(plan, write_tree(tmp_path, {name: text})).mentions
    assert time.monotonic() - started < 20


def test_a_tree_of_deep_folders_does_not_stop_the_reading(plan: Plan, tmp_path: Path) -> None:
    write_tree(tmp_path, {"d/" * 300 + "a.ts": LIVE_LINE})
    assert len(read(plan, tmp_path)[0]) == 1


def test_a_file_at_the_limit_is_read(plan: Plan, tmp_path: Path) -> None:
    line = LIVE_LINE + "\n"
    (tmp_path / "a.ts").write_text(line + "\n" * (MAX_BYTES - len(line)))
    assert read(plan, tmp_path)[0] == ["a.ts:1"]


SECRETS = {
    "const u = 'postgres://leo:hunter2@db/leo'; // conversation": "hunter2",
    "row.conversation; const password = 'hunter2';": "hunter2",
    "row.conversation; API_KEY=hunter2hunter2": "hunter2",
    "row.conversation; gh('ghp_abcdefghijklmnop1234')": "ghp_abc",
    "row.conversation; 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc'": "eyJhb",
    "row.conversation; headers['Authorization'] = 'Bearer abcdef0123456789'": "abcdef01",
}


@pytest.mark.parametrize("line", SECRETS)
def test_no_excerpt_has_a_secret(plan: Plan, tmp_path: Path, line: str) -> None:
    (mention,) = read_code(plan, write_tree(tmp_path, {"a.ts": line})).mentions
    assert SECRETS[line] not in repr(mention)
    assert "***" in mention.text


def test_an_excerpt_is_one_short_line_around_the_name() -> None:
    line = "\x1b[31m\u202e" + "a " * 300 + "conversation" + " b" * 300
    text = excerpt(line, line.index("conversation"))
    assert len(text) <= 120
    assert "conversation" in text
    assert text.isprintable()


def test_mentions_are_in_a_stable_order(plan: Plan, tmp_path: Path) -> None:
    write_tree(tmp_path, before())
    assert read_code(plan, tmp_path).mentions == read_code(plan, tmp_path).mentions


def test_a_missing_folder_is_a_wrong_call(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read_code(plan, tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        read_code(plan, tmp_path / "file")
