"""What a plan says of source code: what must stand there and what must not, in code and not in comments and strings."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from typer.testing import CliRunner

from genreq_checks.checks import all_faults, checks_of
from genreq_checks.checks.phases import FAULTS
from genreq_checks.cli import app
from genreq_checks.errors import PlanError
from genreq_checks.facts import EXAMPLES
from genreq_checks.outputs.location import place_of
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.plan.code_evidence import CodeEvidence
from genreq_checks.report import CheckResult, Finding, Phase
from genreq_checks.run import check, observe
from genreq_checks.snapshot import load_snapshot
from genreq_checks.sources.source_code import Walk, read_code
from genreq_checks.sources.source_code.bare import bare, bare_sql
from genreq_checks.sources.source_code.evidence import EvidenceReader
from genreq_checks.sources.source_code.syntax import GRAMMARS, Code
from handmade import row, snapshot, tally
from leo_code import after, write_tree

TEXT = (files("genreq_checks") / "plans" / "generation_requests.toml").read_text("utf-8")
ASKED = {"phase": "stored", "title": "It is stored", "files": "**/*.ts"}


def asking(plan: Plan, *entries: dict[str, Any]) -> Plan:
    """The plan with evidence: each entry over ASKED."""
    return plan.model_copy(update={"evidence": tuple(CodeEvidence.model_validate(ASKED | one) for one in entries)})


def judged(
    plan: Plan, root: Path, tree: dict[str, str], *entries: dict[str, Any], phase: Phase = "after"
) -> CheckResult:
    asked = asking(plan, *entries)
    now = snapshot(tally(row(1)), plan_fingerprint=asked.fingerprint)
    code = read_code(asked, write_tree(root, tree))
    return check(asked, now.with_evidence(code=code), phase=phase).check(f"phases.{asked.evidence[0].phase}")


def one(result: CheckResult) -> Finding:
    (finding,) = result.findings
    return finding


def test_what_must_stand_there_passes_with_file_and_line(plan: Plan, tmp_path: Path) -> None:
    tree = {"a/b/c.ts": "\nconst x = 1;\nsave({ state: msg.state });\n", "d.ts": "let y;\n"}
    finding = one(judged(plan, tmp_path, tree, {"must_match": r"state:\s*msg\.state"}))
    assert finding.outcome == "pass"
    assert finding.message == r"a/b/c.ts:3: ‘state:\s*msg\.state’ stands there."
    place = place_of(finding)
    assert place is not None
    assert (place.file, place.line) == ("a/b/c.ts", 3)


def test_what_must_stand_there_and_does_not_fails_with_the_files(plan: Plan, tmp_path: Path) -> None:
    tree = {"a.ts": "let x;\n", "b/c.ts": "let y;\n", "d.py": "state = msg.state\n"}
    finding = one(judged(plan, tmp_path, tree, {"must_match": "state", "remedy": "Store it."}))
    assert (finding.outcome, finding.remedy) == ("fail", "Store it.")
    assert finding.message == "‘state’ stands in no code of 2 files: a.ts, b/c.ts."
    assert finding.evidence["file"] == "a.ts"


def test_what_must_not_stand_there_fails_at_each_place(plan: Plan, tmp_path: Path) -> None:
    tree = {"a.ts": "old();\nfine();\nx = old() + old();\n", "b.ts": "old();\n", "c.py": "old()\n"}
    findings = judged(plan, tmp_path / "bad", tree, {"must_not_match": r"\bold\("}).findings
    assert [(f.outcome, f.evidence["file"], f.evidence["line"]) for f in findings] == [
        ("fail", "a.ts", 1),
        ("fail", "a.ts", 3),
        ("fail", "b.ts", 1),
    ]
    finding = one(judged(plan, tmp_path / "good", {"a.ts": "fine();\n"}, {"must_not_match": r"\bold\("}))
    assert (finding.outcome, finding.message) == ("pass", r"‘\bold\(’ stands in no code of a.ts.")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.ts", "// wanted\n/* wanted\n wanted */ const a = 1;\n"),
        ("a.ts", "const a = 'wanted', b = \"wanted\", c = `wanted ${1} wanted`;\n"),
        ("a.ts", "const a = 'it\\'s wanted';\ntype T = `wanted-${string}`;\n"),
        ("a.tsx", 'const a = <p title="wanted">wanted &amp; {/* wanted */}</p>;\n'),
        ("a.js", "#!/usr/bin/wanted\n// wanted\n"),
        (
            "a.py",
            '"""wanted"""\na = "wanted"  # wanted\nb = f"wanted {1:wanted} wanted" r\'\'\'wanted\n wanted\'\'\'\n',
        ),
        ("a.sql", "-- wanted\n/* wanted /* wanted */ wanted */ SELECT 'wanted', E'\\'wanted', $x$ wanted $x$;\n"),
    ],
)
def test_a_match_in_a_comment_or_a_string_is_none(plan: Plan, tmp_path: Path, file: str, text: str) -> None:
    result = judged(plan, tmp_path, {file: text}, {"files": file, "must_match": "wanted", "title": "in"})
    assert one(result).outcome == "fail"
    result = judged(plan, tmp_path, {file: text}, {"files": file, "must_not_match": "wanted", "title": "out"})
    assert one(result).outcome == "pass"


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("a.ts", "/* one\n two */ wanted();\n", 2),
        ("a.ts", "const a = `x\n ${wanted}`;\n", 2),
        ("a.ts", "const a = s.replace(/wanted/, '');\n", 1),
        ("a.tsx", "const a = <p>{wanted}</p>;\n", 1),
        ("a.py", "'''one\n\ntwo'''\na = f'{wanted}'\n", 4),
        ("a.py", "a = f'{1:{wanted}}'\n", 1),
        ("a.sql", "SELECT 'é\nü', \"wanted\";\n", 2),
    ],
)
def test_code_beside_and_within_strings_counts(plan: Plan, tmp_path: Path, file: str, text: str, line: int) -> None:
    finding = one(judged(plan, tmp_path, {file: text}, {"files": "*", "must_match": "wanted"}))
    assert (finding.outcome, finding.evidence["line"]) == ("pass", line)


def test_quotes_and_lengths_stay() -> None:
    def of(name: str, text: str) -> str:
        return bare(Code(name, text.encode(), GRAMMARS[Path(name).suffix], knows=False)).decode()

    assert of("a.ts", "f('ab', `c${d}e`); // x") == "f('  ', ` ${d} `);     "
    assert of("a.py", "f('ab', f'c{d}e')  # x") == "f('  ', f' {d} ')     "
    assert bare_sql("f('a''b', $q$ x $q$, e'c') -- d") == b"f('    ', $q$   $q$, e' ')     "
    assert bare_sql("f('never closed") == b"f('            "


def test_no_file_is_unknown_and_no_code_is_a_skip(plan: Plan, tmp_path: Path) -> None:
    finding = one(judged(plan, tmp_path, {"a.py": "x = 1\n"}, {"must_not_match": "x"}))
    assert finding.outcome == "unknown"
    assert "no file under" in finding.message
    assert "fits **/*.ts" in finding.message
    asked = asking(plan, {"must_match": "x"})
    now = snapshot(tally(row(1)), plan_fingerprint=asked.fingerprint)
    assert check(asked, now).check("phases.stored").outcome == "skip"
    assert judged(plan, tmp_path, {}, {"must_not_match": "x"}, phase="before").outcome == "skip"


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("a.vue", "<script>wanted()</script>", "what is a comment or a string in .vue files is not known"),
        ("Makefile", "wanted:\n", "what is a comment or a string in such files is not known"),
        ("a.ts", "const a = ;\nwanted((;\n", "it has a syntax error in line 1"),
        ("a.ts", "wanted();\n/*" + "x" * 1_000_000 + "*/", "it is larger than 1,000,000 bytes"),
        ("a.ts", "wanted();\n/*" + "x" * 2_000_000 + "*/", "too large"),
        ("a.ts", "wanted();\0", "binary"),
    ],
)
def test_what_cannot_be_searched_is_unknown_with_the_reason(
    plan: Plan, tmp_path: Path, file: str, text: str, reason: str
) -> None:
    for rule in ("must_match", "must_not_match"):
        finding = one(judged(plan, tmp_path, {file: text}, {"files": file, rule: "wanted"}))
        assert finding.outcome == "unknown"
        assert f"1 file was not searched ({file}: {reason})" in finding.message
        assert finding.evidence["unclear"] == {file: reason}


def test_beside_a_file_that_cannot_be_searched_a_place_counts_and_its_absence_does_not(
    plan: Plan, tmp_path: Path
) -> None:
    tree = {"a.vue": "?", "b.ts": "wanted();\n"}
    both = {"files": ["*.vue", "*.ts"]}
    assert judged(plan, tmp_path, tree, both | {"must_match": "wanted"}).outcome == "pass"
    assert judged(plan, tmp_path, tree, both | {"must_match": "other"}).outcome == "unknown"
    assert judged(plan, tmp_path, tree, both | {"must_not_match": "other"}).outcome == "unknown"
    assert judged(plan, tmp_path, tree, both | {"must_not_match": "wanted"}).outcome == "fail"


def test_a_file_that_the_system_refuses_is_unknown(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> bytes:
        raise PermissionError(path)

    monkeypatch.setattr("genreq_checks.sources.source_code.walk._read", refuse)
    finding = one(judged(plan, tmp_path, {"a.ts": "x();\n"}, {"must_not_match": "wanted"}))
    assert finding.outcome == "unknown"
    assert "a.ts: not readable" in finding.message
    finding = one(judged(plan, tmp_path, {"b.js": "x();\n"}, {"must_not_match": "wanted", "files": "*.py"}))
    assert finding.outcome == "unknown"
    assert "2 paths could not be read" in finding.message


GLOBS = [
    ("a.ts", "a.ts", True),
    ("a.ts", "b/a.ts", False),
    ("**/a.ts", "a.ts", True),
    ("**/a.ts", "b/c/a.ts", True),
    ("apps/**/schema.ts", "apps/schema.ts", True),
    ("apps/**/schema.ts", "apps/a/b/schema.ts", True),
    ("apps/**/schema.ts", "old/apps/schema.ts", False),
    ("apps/*/schema.ts", "apps/a/b/schema.ts", False),
    ("apps/**", "apps/a/b.ts", True),
    ("**/*.ts", "a/b.TS", False),
    ("**/[ab]?.ts", "x/a1.ts", True),
    ("**/" * 40 + "x", "a/" * 100 + "y", False),
    ("*a" * 90 + "b", "a" * 250, False),
]


@pytest.mark.parametrize(("glob", "path", "fits"), GLOBS)
def test_a_glob_is_a_path_name_by_name(glob: str, path: str, fits: bool) -> None:
    began = monotonic()
    assert CodeEvidence.model_validate(ASKED | {"files": glob, "must_match": "x"}).is_about(path) is fits
    assert monotonic() - began < 1


def test_files_can_be_left_out_whatever_the_order(plan: Plan, tmp_path: Path) -> None:
    tree = {"a.ts": "x();\n", "a.test.ts": "wanted();\n", "t/b.ts": "wanted();\n"}
    for globs in (["**/*.ts", "!**/*.test.ts", "!t/**"], ["!t/**", "!**/*.test.ts", "**/*.ts"]):
        finding = one(judged(plan, tmp_path, tree, {"files": globs, "must_match": "wanted"}))
        assert (finding.outcome, finding.evidence["file"]) == ("fail", "a.ts")


def test_what_git_ignores_is_no_file(plan: Plan, tmp_path: Path) -> None:
    tree = {".git/x": "", ".gitignore": "built/\n", "built/a.ts": "wanted();\n", "b.ts": "x();\n"}
    assert judged(plan, tmp_path, tree, {"must_match": "wanted"}).outcome == "fail"


def test_each_expression_and_each_entry_of_a_phase_is_judged(plan: Plan, tmp_path: Path) -> None:
    tree = {"a.ts": "one();\n", "b.ts": "two();\nthree();\n", "c.py": "four()\n"}
    result = judged(
        plan,
        tmp_path,
        tree,
        {"must_match": ["one", "two", "nine"], "must_not_match": ["three", "eight"], "title": "A"},
        {"files": "*.py", "must_match": "four", "title": "B"},
    )
    assert [(f.subject, f.outcome, f.evidence["expression"]) for f in result.findings] == [
        ("A", "fail", "nine"),
        ("A", "fail", "three"),
        ("A", "pass", "one"),
        ("A", "pass", "two"),
        ("A", "pass", "eight"),
        ("B", "pass", "four"),
    ]


def test_lines_and_their_ends(plan: Plan, tmp_path: Path) -> None:
    tree = {"a.ts": "one();\r\n  two();\nONE(\n);\n"}
    asked = {"must_not_match": ["^two", r"\Atwo", r"two\(\)$"], "must_match": [r"^one\(\);$", r"(?i)^one\(\s+\)"]}
    assert {f.outcome for f in judged(plan, tmp_path, tree, asked).findings} == {"pass"}
    once = judged(plan, tmp_path, {"a.ts": "one();\none();\n"}, {"must_not_match": r"\Aone"})
    assert [f.evidence["line"] for f in once.findings] == [1]


def test_of_many_places_a_hundred_are_listed_and_the_rest_is_said(plan: Plan, tmp_path: Path) -> None:
    findings = judged(plan, tmp_path, {"a.ts": "old();\n" * 1000}, {"must_not_match": "old"}).findings
    assert [f.evidence["line"] for f in findings if f.outcome == "fail"] == list(range(1, EXAMPLES + 1))
    result = judged(plan, tmp_path, {"a.ts": "old();\n" * 1000}, {"must_match": "old"})
    assert one(result).outcome == "pass"


@pytest.mark.parametrize("expression", [r"(a+)+\$", r"(\w+\s?)*;;", r"(a|aa)+b{0}z", r"(.*)(.*)(.*)(.*)q{2}"])
def test_an_expression_that_hangs_other_engines_does_not(plan: Plan, tmp_path: Path, expression: str) -> None:
    began = monotonic()
    result = judged(plan, tmp_path, {"a.ts": "const x = " + "a" * 500_000 + ";\n"}, {"must_not_match": expression})
    assert one(result).outcome == "pass"
    assert monotonic() - began < 10


def test_when_the_time_is_over_the_rest_is_unknown(plan: Plan) -> None:
    reader = EvidenceReader(asking(plan, {"must_not_match": "wanted"}), str, patience=0)
    reader.read("a.ts", b"x();\n", Code("a.ts", b"x();\n", "typescript", knows=False))
    (found,) = reader.facts()
    assert (found.files, found.missed, found.unclear) == (0, 1, {"a.ts": "the time for searches was over"})


def test_the_time_is_looked_at_before_each_search(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("genreq_checks.sources.source_code.evidence.monotonic", lambda: next(clock))
    reader = EvidenceReader(asking(plan, {"must_match": ["one", "two"]}), str, patience=3)
    data = b"one();\ntwo();\n"
    reader.read("a.ts", data, Code("a.ts", data, "typescript", knows=False))  # the third search is in its third second
    (found,) = reader.facts()
    assert (found.files, found.places("one"), found.places("two")) == (0, (("a.ts", 1),), ())
    assert found.unclear == {"a.ts": "the time for searches was over"}


WRONG = [
    ('must_mach = "x"', "evidence.0.must_mach: unknown key. Did you mean 'must_match'"),
    ('file = "x"', "evidence.0.file: unknown key. Did you mean 'files'"),
    ('must_match = "("', "evidence.0.must_match.0: is no expression of RE2: missing ): (()."),
    ('must_match = "(?=x)"', "evidence.0.must_match.0: is no expression of RE2: invalid perl operator: (?=."),
    (r"must_match = '(x)\1'", "evidence.0.must_match.0: is no expression of RE2"),
    ('must_match = "x*"', "evidence.0.must_match.0: matches the empty text, and so everywhere."),
    ('must_match = "x{99}y{102}"', "evidence.0.must_match.0: counts more than 200 repetitions in braces."),
    ('must_match = ["x", 1]', "evidence.0.must_match.1: Input should be a valid string."),
    ("must_match = []", "evidence.0: give 'must_match' or 'must_not_match'."),
    ('files = "/a.ts"', "evidence.0.files.0: is a path from the folder of --code on"),
    ('files = "../a.ts"', "evidence.0.files.0: is a path from the folder of --code on"),
    (r"files = 'a\b.ts'", "evidence.0.files.0: is a path from the folder of --code on"),
    ('files = ["!a.ts"]', "evidence.0: 'files' only leaves files out."),
    ("files = []", "evidence.0.files: "),
    ('phase = "Schema "', "evidence.0.phase: "),
    ('title = ""', "evidence.0.title: "),
]


@pytest.mark.parametrize(("line", "words"), WRONG)
def test_a_wrong_key_or_value_is_named(line: str, words: str) -> None:
    key = line.split(" ")[0]
    lines = {
        "phase": 'phase = "a"',
        "title": 'title = "A"',
        "files": 'files = "a.ts"',
        "must_match": 'must_match = "x"',
    }
    with pytest.raises(PlanError) as raised:
        parse_plan(TEXT + "\n[[evidence]]\n" + "\n".join((lines | {key: line}).values()), "p")
    assert words in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_the_same_title_twice_and_a_misspelt_table_are_named() -> None:
    entry = '\n[[evidence]]\nphase = "a"\ntitle = "A"\nfiles = "a.ts"\nmust_match = "x"\n'
    with pytest.raises(PlanError, match="evidence: 'A' of phase 'a' is there twice"):
        parse_plan(TEXT + entry * 2, "p")
    with pytest.raises(PlanError, match="evidense: unknown key"):
        parse_plan(TEXT + entry.replace("evidence", "evidense"), "p")


def test_a_plan_without_evidence_has_the_fingerprint_that_it_had(plan: Plan) -> None:
    assert parse_plan(TEXT, "p").fingerprint == plan.fingerprint
    assert parse_plan("evidence = []\n" + TEXT, "p").fingerprint == plan.fingerprint
    asked = asking(plan, {"must_match": "x"})
    assert asked.fingerprint != plan.fingerprint
    assert asked.fingerprint_of(1) == plan.fingerprint_of(1)
    assert asking(plan, {"must_match": "y"}).fingerprint != asked.fingerprint


def test_a_plan_without_messages_has_the_phases_of_its_evidence_alone(plan: Plan, tmp_path: Path) -> None:
    bare_plan = plan.model_copy(update={"kept": {"github_url": plan.kept["github_url"]}, "requirements": ()})
    asked = asking(bare_plan, {"phase": "schema", "must_match": "pgTable"})
    assert [subject for one, subject in checks_of(asked) if one.name == "phases"] == ["schema"]
    result = judged(bare_plan, tmp_path, {"a.ts": "pgTable('x');\n"}, {"phase": "schema", "must_match": r"pgTable\('"})
    assert [f.subject for f in result.findings] == ["It is stored"]


def test_evidence_of_an_applications_phase_is_judged_with_it(plan: Plan, tmp_path: Path) -> None:
    entry = {"phase": "schema", "must_not_match": "legacy"}
    result = judged(plan, tmp_path / "a", after(), entry)
    assert (result.outcome, len(result.findings)) == ("pass", 5)
    result = judged(plan, tmp_path / "b", after() | {"x.ts": "legacy();\n"}, entry)
    assert [f.evidence["file"] for f in result.findings if f.outcome == "fail"] == ["x.ts"]


def test_a_saved_snapshot_answers_alone_and_one_that_was_not_asked_is_unknown(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.ts").write_text("stored();\n")
    asked = asking(plan, {"must_match": "stored"})
    now = observe(asked, snapshot(tally(row(1)), plan_fingerprint=asked.fingerprint), code=tmp_path / "code")
    now.save(tmp_path / "now.json")
    saved = load_snapshot(tmp_path / "now.json")
    assert check(asked, saved).check("phases.stored") == check(asked, now).check("phases.stored")
    assert check(asked, saved).check("phases.stored").outcome == "pass"
    data = json.loads((tmp_path / "now.json").read_text())
    del data["code"]["searched"]
    (tmp_path / "old.json").write_text(json.dumps(data))
    found = check(asked, load_snapshot(tmp_path / "old.json")).check("phases.stored")
    assert found.outcome == "unknown"
    assert "read without asking for it" in found.findings[0].message


def test_the_command_line_tells_of_it(tmp_path: Path) -> None:
    entry = '\n[[evidence]]\nphase = "stored"\ntitle = "It is stored"\nfiles = "*.ts"\nmust_match = "stored"\n'
    (tmp_path / "plan.toml").write_text(TEXT + entry)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.ts").write_text("// stored\n")
    snapshot(tally(row(1))).save(tmp_path / "now.json")
    named = [str(tmp_path / "now.json"), "--code", str(tmp_path / "code"), "--plan", str(tmp_path / "plan.toml")]
    done = CliRunner().invoke(app, ["check", *named, "--only", "phases.stored"])
    assert done.exit_code == 1
    assert "‘stored’ stands in no code of a.ts." in " ".join(done.stdout.split())
    assert "phases.stored" in CliRunner().invoke(app, ["list", *named[3:]]).stdout


def test_a_fault_of_each_kind_is_planted() -> None:
    own = [fault for fault in FAULTS if "phases.request" in fault.turns]
    assert sorted(fault.turns["phases.request"] for fault in own) == ["fail", "fail", "unknown"]
    assert {fault.name for fault in own} <= {fault.name for fault in all_faults()}


def test_a_walk_remembers_only_the_files_that_are_watched(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.ts": "\0", "b.ts": "\0", "c.ts": "x"})
    walk = Walk(tmp_path, lambda path: path == "a.ts")
    assert [path for path, _ in walk.files()] == ["c.ts"]
    assert (walk.missed, dict(walk.passed_over)) == ({"a.ts": "binary"}, {"binary": 2})


def test_the_example_of_the_plans_page_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "plan.md").read_text("utf-8")
    (example,) = (part.partition("```")[0] for part in page.split("```toml\n")[1:] if part.startswith("[[evidence]]"))
    asked = parse_plan(f"{TEXT}\n{example}", "p")
    table = "export const invoices = pgTable('invoices', {\n  // legacyTotal\n  total: integer('legacyTotal'),\n});\n"
    tree = {"apps/a/schema.ts": table, "apps/a/b/schema.test.ts": "legacyTotal();\n"}
    code = read_code(asked, write_tree(tmp_path, tree))
    now = snapshot(tally(row(1)), plan_fingerprint=asked.fingerprint).with_evidence(code=code)
    found = check(asked, now).check("phases.schema").findings
    assert [f.outcome for f in found if f.subject == asked.evidence[0].title] == ["pass", "pass"]
