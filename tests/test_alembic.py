"""Alembic: revisions by their files, applied by the real Alembic, and the SQL that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_project import AlembicProject, new_alembic
from genreq_checks.plan import Bookkeeping, Plan
from genreq_checks.report import CheckResult, Phase
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from genreq_checks.sources.migrations import read_folder
from genreq_checks.sources.migrations.alembic_script import read_script
from rows import execute

MAKE = """op.create_table(
    "other",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("conversation", sa.Text()),
    sa.PrimaryKeyConstraint("id"),
    if_not_exists=True,
)"""
DROP = """op.drop_column("generation_requests", "download_url")
op.drop_column(TABLE, "conversation", schema="public")"""
CONSTANT = 'TABLE = "generation_requests"'


@pytest.fixture
def project(tmp_path: Path) -> AlembicProject:
    made = new_alembic(tmp_path / "project")
    made.revision("aaa", None, MAKE)
    made.revision("bbb", "aaa", DROP, constants=CONSTANT)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> AlembicProject:
    """The same folder, in which Alembic is not run."""
    made = AlembicProject(tmp_path / "folder")
    (made.out / "versions").mkdir(parents=True)
    (made.out / "env.py").write_text("")
    made.revision("aaa", None, MAKE)
    made.revision("bbb", "aaa", DROP, constants=CONSTANT)
    return made


def judge(plan: Plan, now: Snapshot, path: Path, phase: Phase = "after") -> CheckResult:
    return check(plan, now.with_evidence(migrations=read_folder(path, plan)), phase=phase).check("migrations")


def states(result: CheckResult) -> dict[str, tuple[str, str]]:
    return {one.subject: (str(one.evidence.get("state")), one.outcome) for one in result.findings}


def test_before_and_after_the_real_upgrade(project: AlembicProject, database: str, plan: Plan, tmp_path: Path) -> None:
    fresh = judge(plan, observe(plan, database), project.out, "before")
    assert states(fresh) == {"aaa": ("pending", "pass"), "bbb": ("pending", "pass")}
    project.run("upgrade", "aaa", url=database)
    now = observe(plan, database)
    assert states(judge(plan, now, project.out, "before")) == {"aaa": ("applied", "pass"), "bbb": ("pending", "pass")}
    assert states(judge(plan, now, project.out)) == {"aaa": ("applied", "pass"), "bbb": ("pending", "fail")}
    drops = judge(plan, now, project.out).findings[1]
    assert drops.evidence["drops"] == ["download_url", "conversation"]
    assert drops.remedy == "Apply it: alembic upgrade heads"
    project.run("upgrade", "head", url=database)
    now = observe(plan, database)
    result = judge(plan, now, project.out)
    assert (states(result)["bbb"], result.outcome) == (("applied", "pass"), "pass")
    assert judge(plan, now, project.out, "before").outcome == "warn"
    now.save(tmp_path / "s.json")
    assert load_snapshot(tmp_path / "s.json").other_books == now.other_books


def test_a_rollback_by_hand_is_contradicted_and_a_drop_by_hand_unrecorded(
    project: AlembicProject, database: str, plan: Plan
) -> None:
    project.run("upgrade", "head", url=database)
    execute(database, "ALTER TABLE generation_requests ADD download_url text, ADD conversation jsonb")
    assert states(judge(plan, observe(plan, database), project.out))["bbb"] == ("contradicted", "fail")
    assert states(judge(plan, observe(plan, database), project.out, "rolled-back"))["bbb"] == ("contradicted", "warn")
    project.run("stamp", "aaa", url=database)
    assert states(judge(plan, observe(plan, database), project.out))["bbb"] == ("pending", "fail")
    execute(database, "ALTER TABLE generation_requests DROP download_url, DROP conversation")
    result = judge(plan, observe(plan, database), project.out)
    assert states(result)["bbb"] == ("unrecorded", "warn")
    project.run("upgrade", "head", url=database, code=1)  # what the remedy says: it runs it again and fails


def test_branches_have_several_heads_and_rows(project: AlembicProject, database: str, plan: Plan) -> None:
    project.revision("ccc", "aaa", 'op.execute("SELECT 1")')
    project.revision("ddd", "aaa", "pass", depends="bbb")
    project.run("upgrade", "ccc", url=database)
    result = judge(plan, observe(plan, database), project.out)
    assert states(result)["ccc"] == ("applied", "pass")
    assert states(result)["bbb"] == ("pending", "fail")
    assert "3 heads" in next(one for one in result.findings if one.subject == "heads").message
    project.run("upgrade", "head", url=database, code=255)
    project.run("upgrade", "ddd", url=database)  # bbb is applied with it, on which it depends
    result = judge(plan, observe(plan, database), project.out)
    assert {name: state for name, (state, _) in states(result).items()} == dict.fromkeys(
        ("aaa", "bbb", "ccc", "ddd"), "applied"
    )
    project.revision("eee", ("ccc", "ddd"), "pass")
    project.run("upgrade", "heads", url=database)
    assert set(states(judge(plan, observe(plan, database), project.out)).values()) == {("applied", "pass")}


def test_another_version_table_is_found_by_its_column(project: AlembicProject, database: str, plan: Plan) -> None:
    execute(database, "CREATE SCHEMA ops")
    project.run("upgrade", "head", url=database, table="done", schema="ops")
    now = observe(plan, database)
    assert [one.table for one in now.other_books] == ["ops.done"]
    assert judge(plan, now, project.out).outcome == "pass"
    execute(database, "CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY)")
    both = judge(plan, observe(plan, database), project.out)
    wrong = plan.model_copy(update={"migrations": Bookkeeping(schema="ops", table="none")})
    absent = judge(wrong, observe(wrong, database), project.out)
    assert (absent.outcome, "there is no ops.none" in absent.findings[0].message) == ("unknown", True)
    assert (both.outcome, "are both" in both.findings[0].message) == ("unknown", True)
    named = plan.model_copy(update={"migrations": Bookkeeping(schema="ops", table="done")})
    assert judge(named, observe(named, database), project.out).outcome == "pass"


def test_a_revision_that_the_folder_does_not_have_leaves_the_others_unknown(
    project: AlembicProject, database: str, plan: Plan
) -> None:
    project.run("upgrade", "aaa", url=database)
    execute(database, "UPDATE alembic_version SET version_num = 'zzz'")
    result = judge(plan, observe(plan, database), project.out, "before")
    assert states(result) == {
        "aaa": ("unreadable", "unknown"),
        "bbb": ("unreadable", "unknown"),
        "zzz": ("no-file", "warn"),
    }


def test_the_sql_of_offline_mode_is_read(project: AlembicProject, database: str, plan: Plan, tmp_path: Path) -> None:
    project.revision("ccc", "bbb", "for name in ['x']:\n    op.drop_column('other', name)")
    file = tmp_path / "upgrade.sql"
    file.write_text(project.run("upgrade", "head", "--sql"))
    assert read_folder(project.out, plan).migrations[2].statements.unclear
    whole = read_folder(file, plan)
    assert [(one.revision, one.after, one.statements.unclear) for one in whole.migrations] == [
        ("aaa", (), ""),
        ("bbb", ("aaa",), ""),
        ("ccc", ("bbb",), ""),
    ]
    assert dict(whole.migrations[1].statements.effects) == {"download_url": "gone", "conversation": "gone"}
    project.run("upgrade", "aaa", url=database)
    assert states(judge(plan, observe(plan, database), file))["bbb"] == ("pending", "fail")
    file.write_text(project.run("upgrade", "aaa:head", "--sql"))  # it begins after what is applied
    assert states(judge(plan, observe(plan, database), file))["bbb"] == ("pending", "fail")
    file.write_text("SELECT 1;")
    assert judge(plan, observe(plan, database), file).outcome == "unknown"


@pytest.mark.parametrize(
    ("body", "effects", "unclear"),
    [
        ("op.drop_column('generation_requests', 'conversation')", {"conversation": "gone"}, False),
        ("op.drop_column(table_name=T, column_name='conversation')", {"conversation": "gone"}, False),
        ("op.drop_column('generation_requests', 'conversation', schema='audit')", {}, False),
        ("op.drop_column('generation_requests', 'conversation', schema=None)", {"conversation": "gone"}, False),
        ("op.drop_column('Generation_Requests', 'conversation')", {}, False),
        ("op.drop_column('generation_requests', name())", {}, True),
        ("op.drop_column(*both)", {}, True),
        ("op.drop_column('generation_requests', 'conversation', **more)", {}, True),
        ("op.add_column(T, sa.Column('conversation', sa.JSON()))", {"conversation": "there"}, False),
        ("op.add_column(T, make())", {}, True),
        ("with op.batch_alter_table(T) as b:\n    b.drop_column('conversation')", {"conversation": "gone"}, False),
        ("with op.batch_alter_table('other') as b:\n    b.drop_column('conversation')", {}, False),
        (
            "with op.get_context().autocommit_block():\n    op.drop_column(T, 'conversation')",
            {"conversation": "gone"},
            False,
        ),
        ("if op.get_bind():\n    op.drop_column(T, 'conversation')", {}, True),
        ("for c in C:\n    op.drop_column(T, c)", {}, True),
        ("drop_them()", {}, True),
        ("T = 'other'\nop.drop_column(T, 'conversation')", {}, False),
        ("if x:\n    T = 'other'\nop.drop_column(T, 'conversation')", {}, True),
        ("op.execute('ALTER TABLE generation_requests DROP conversation')", {"conversation": "gone"}, False),
        (
            "op.execute(sa.text('ALTER TABLE generation_requests DROP conversation -- x'))",
            {"conversation": "gone"},
            False,
        ),
        ("op.execute(f'ALTER TABLE {T} DROP conversation')", {}, True),
        ("op.alter_column(T, 'conversation', new_column_name='talk')", {}, True),
        ("op.alter_column(T, 'conversation', nullable=True)", {}, False),
        ("op.drop_table('generation_requests')", {"conversation": "gone"}, False),
        ("op.create_index('i', T, [f()])", {}, False),
        ("op.make_view('v')", {}, True),
        ("x = 1", {}, False),
        ("return\nop.drop_column(T, 'conversation')", {}, False),
        ("if T:\n    return\nop.drop_column(T, 'conversation')", {"conversation": "gone"}, True),
    ],
)
def test_what_an_upgrade_does(folder: AlembicProject, plan: Plan, body: str, effects: object, unclear: bool) -> None:
    folder.revision("bbb", "aaa", body, constants='T = "generation_requests"')
    one = read_folder(folder.out, plan).migrations[1]
    seen = {name: effect for name, effect in one.statements.effects.items() if name == "conversation"}
    assert (seen, bool(one.statements.unclear)) == (effects, unclear)


def test_nothing_in_a_revision_is_executed(folder: AlembicProject, plan: Plan, tmp_path: Path) -> None:
    folder.revision("bbb", "aaa", "pass", constants=f"open({str(tmp_path / 'ran')!r}, 'w')")
    read_folder(folder.out, plan)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", ""),
        ("revision = 'a'\ndown_revision = None\ndef upgrade(): pass", ""),
        ("revision = 'a'\ndown_revision = f()\ndef upgrade(): pass", "down_revision"),
        ("revision = f()\ndown_revision = None\ndef upgrade(): pass", "revision"),
        ("revision = 'a'\ndown_revision = None", "upgrade"),
        ("def (", "Python"),
        ("(" * 20_000, "Python"),
        ("\0", "Python"),
    ],
)
def test_a_file_that_is_no_readable_revision(text: str, problem: str) -> None:
    found = read_script(text).problem
    assert (problem in found, bool(found)) == (True, bool(problem))


def test_a_version_table_of_another_form_is_not_taken_as_absent(
    project: AlembicProject, database: str, plan: Plan
) -> None:
    project.run("upgrade", "head", url=database)
    execute(database, "ALTER TABLE alembic_version ADD at timestamptz")
    assert judge(plan, observe(plan, database), project.out).outcome == "pass"
    execute(database, "ALTER TABLE alembic_version RENAME version_num TO version")
    assert judge(plan, observe(plan, database), project.out).outcome == "unknown"


def test_revisions_in_a_folder_below_are_not_read_as_alembic_does_not(project: AlembicProject, plan: Plan) -> None:
    below = project.out / "versions" / "old"
    below.mkdir()
    (project.out / "versions" / "bbb_.py").rename(below / "bbb_.py")
    assert [one.tag for one in read_folder(project.out, plan).migrations] == ["aaa"]
    assert "bbb" not in project.run("heads")


def test_a_damaged_folder_is_unknown(folder: AlembicProject, database: str, plan: Plan) -> None:
    now = observe(plan, database)
    folder.revision("ccc", "nowhere", "pass")
    assert judge(plan, now, folder.out, "before").outcome == "unknown"
    folder.revision("ccc", "ccc", "pass")
    assert judge(plan, now, folder.out, "before").outcome == "unknown"
    folder.revision("ccc", "bbb", "pass")
    assert judge(plan, now, folder.out, "before").outcome == "pass"
    (folder.out / "versions" / "copy.py").write_text((folder.out / "versions" / "ccc_.py").read_text())
    assert judge(plan, now, folder.out, "before").outcome == "unknown"


def test_the_folder_of_versions_alone_and_the_project_around_it(folder: AlembicProject, plan: Plan) -> None:
    assert len(read_folder(folder.out / "versions", plan).migrations) == 2
    outside = read_folder(folder.folder, plan)
    assert (outside.migrations, f"is it {folder.out}?" in outside.problems[0]) == ((), True)
