"""phases by the plan's own evidence: what stands in the code, what must not, and what could not be searched."""

from __future__ import annotations

from typing import Any

from genreq_checks.checks.phases import APPLICATIONS, CHECK
from genreq_checks.facts import EXAMPLES, CodeFacts
from genreq_checks.facts.searched import Search, Searched
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from handmade import beside, judge, plan, row, snapshot, tally

NOW = snapshot(tally(row(1)))
ENTRY = {"phase": "stored", "title": "T", "files": ["*.ts", "!b.ts"], "must_match": ["yes"], "remedy": "Do it."}


def asking(*entries: dict[str, Any]) -> Plan:
    return plan({"evidence": [ENTRY | one for one in entries]})


def stored(by: Plan, *searched: Searched, unreadable: tuple[str, ...] = ()) -> list[Finding]:
    code = CodeFacts("/src", 9, 5, {}, unreadable, (), (), searched=searched)
    now = snapshot(tally(row(1)), plan_fingerprint=by.fingerprint)
    return judge(now, "phases.stored", by=by, inputs=beside(code=code))


def found(*places: tuple[str, int], expression: str = "yes", **facts: Any) -> Searched:
    given = {"phase": "stored", "title": "T", "files": 2, "names": ("a.ts", "c.ts")} | facts
    return Searched(searches=(Search("other", (("o.ts", 9),)), Search(expression, places)), **given)


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert finding.subject == "T"
    return finding


NO = asking({"must_match": [], "must_not_match": ["no"]})


def test_without_code_it_was_not_asked_for() -> None:
    (finding,) = judge(NOW, "phases.stored", by=asking({}))
    assert (finding.subject, finding.outcome, finding.remedy) == ("stored", "skip", "Give --code DIR.")


def test_a_place_is_enough_and_the_first_is_named() -> None:
    finding = only(stored(asking({}), found(("a.ts", 3), ("c.ts", 1))))
    assert (finding.outcome, finding.remedy) == ("pass", "")
    where = {"file": "a.ts", "line": 3}
    assert finding.evidence == where | {"expression": "yes", "places": ["a.ts:3", "c.ts:1"]}


def test_no_place_fails_with_the_first_file() -> None:
    finding = only(stored(asking({}), found()))
    assert (finding.outcome, finding.remedy) == ("fail", "Do it.")
    assert finding.evidence == {"file": "a.ts", "line": None, "expression": "yes", "places": []}
    assert finding.message == "‘yes’ stands in no code of 2 files: a.ts, c.ts."
    one = only(stored(asking({}), found(files=1, names=("a.ts",))))
    assert one.message == "‘yes’ stands in no code of a.ts."
    many = only(stored(asking({}), found(files=9, names=("a", "b", "c", "d"))))
    assert many.message.endswith("9 files: a, b, c ….")
    three = only(stored(asking({}), found(files=3, names=("a", "b", "c"))))
    assert three.message.endswith("3 files: a, b, c.")
    assert only(stored(asking({"remedy": None}), found())).remedy


def test_each_place_that_must_not_be_there_fails() -> None:
    findings = stored(NO, found(("a.ts", 3), ("c.ts", 1), expression="no"))
    assert [(f.outcome, f.subject, f.remedy) for f in findings] == [("fail", "T", "Do it.")] * 2
    assert [(f.evidence["file"], f.evidence["line"], f.evidence["places"]) for f in findings] == [
        ("a.ts", 3, []),
        ("c.ts", 1, []),
    ]
    finding = only(stored(NO, found(expression="no")))
    assert (finding.outcome, finding.evidence) == ("pass", {"expression": "no", "places": []})


def test_a_full_list_of_places_is_said_to_be_one() -> None:
    places = tuple(("a.ts", n) for n in range(1, EXAMPLES + 1))
    findings = stored(NO, found(*places, expression="no"))
    assert [f.outcome for f in findings] == ["fail"] * EXAMPLES
    assert ["may be more" in f.message for f in findings] == [True] + [False] * (EXAMPLES - 1)
    assert not any("may be more" in f.message for f in stored(NO, found(*places[1:], expression="no")))


def test_what_was_not_searched_proves_nothing() -> None:
    unclear = {"b.vue": "R", "d.vue": "S"}
    for by in (asking({}), NO):
        finding = only(stored(by, found(missed=2, unclear=unclear, expression="x")))
        assert (finding.outcome, bool(finding.remedy)) == ("unknown", True)
        assert "2 files were not searched (b.vue: R; d.vue: S)" in finding.message
        assert finding.evidence == {
            "expression": by.evidence[0].must_match[0] if by != NO else "no",
            "unclear": unclear,
        }
    one = only(stored(NO, found(missed=1, unclear={"b.vue": "R"})))
    assert "1 file was not searched (b.vue: R)" in one.message
    four = only(stored(NO, found(missed=4, unclear=dict.fromkeys("abcd", "R"))))
    assert "4 files were not searched (a: R; b: R; c: R; …)" in four.message
    three = only(stored(NO, found(missed=3, unclear=dict.fromkeys("abc", "R"))))
    assert "(a: R; b: R; c: R)" in three.message
    assert only(stored(asking({}), found(("a.ts", 3), missed=1, unclear={"b.vue": "R"}))).outcome == "pass"
    findings = stored(NO, found(("a.ts", 3), missed=1, unclear={"b.vue": "R"}, expression="no"))
    assert [f.outcome for f in findings] == ["fail", "unknown"]


def test_a_path_that_was_refused_may_hold_a_file() -> None:
    for by in (asking({}), NO):
        finding = only(stored(by, found(), unreadable=("x/",)))
        assert finding.outcome == "unknown"
        assert "1 path could not be read: x/." in finding.message
    four = only(stored(NO, found(), unreadable=("a", "b", "c", "d")))
    assert "4 paths could not be read: a, b, c …" in four.message
    three = only(stored(NO, found(), unreadable=("a", "b", "c")))
    assert "3 paths could not be read: a, b, c." in three.message
    assert only(stored(asking({}), found(("a.ts", 3)), unreadable=("x/",))).outcome == "pass"


def test_no_file_is_unknown() -> None:
    finding = only(stored(NO, found(files=0, names=())))
    assert (finding.outcome, finding.evidence, bool(finding.remedy)) == ("unknown", {}, True)
    assert finding.message == "Not judged: no file under /src fits *.ts !b.ts."
    refused = only(stored(NO, found(files=0, names=()), unreadable=("x/",)))
    assert refused.message == "Not judged: no file under /src fits *.ts !b.ts, and 1 path could not be read: x/."
    assert "not searched" in only(stored(NO, found(files=0, names=(), missed=1, unclear={"a.ts": "R"}))).message


def test_code_that_was_read_without_asking_is_unknown() -> None:
    for other in ((), (found(title="U"),), (found(phase="other"),)):
        finding = only(stored(NO, *other))
        assert (finding.outcome, finding.remedy) == ("unknown", "Give --code DIR.")
        assert "without asking" in finding.message


def test_what_fails_comes_first_and_entries_of_another_phase_do_not_come() -> None:
    by = asking({"must_match": ["yes", "x"]}, {"title": "U", "must_match": ["y"]}, {"phase": "a", "title": "V"})
    findings = stored(by, found(("a.ts", 3)), found(title="U", missed=1, unclear={"b": "R"}), found(phase="a"))
    assert [(f.subject, f.outcome) for f in findings] == [("T", "fail"), ("U", "unknown"), ("T", "pass")]


def test_a_long_expression_is_cut() -> None:
    for length, shown in ((80, "x" * 80), (81, "x" * 79 + "…")):
        finding = only(stored(asking({"must_match": ["x" * length]}), found()))
        assert finding.message.startswith(f"‘{shown}’ stands in no code")


def test_an_applications_findings_stand_before_the_plans() -> None:
    by = asking({"phase": "schema"})
    code = CodeFacts("/src", 9, 5, {}, (), (), (), searched=(found(("a.ts", 1), phase="schema"),))
    findings = judge(NOW, "phases.schema", by=by, inputs=beside(code=code))
    assert [f.subject for f in findings][-1] == "T"
    assert len(findings) == 5


def test_the_page_says_what_is_measured_by_the_application_too() -> None:
    (own,) = APPLICATIONS
    title, _, text = str(own.__doc__).partition("\n")
    measured, _, rest = CHECK.page.partition("## How it can be wrong")
    assert measured.startswith("# phases: ")
    assert measured.endswith(f"\n\n### {title[:-1]}\n{text}\n")
    assert "## What to do" in rest
    assert measured + "## How it can be wrong" + rest == CHECK.page
