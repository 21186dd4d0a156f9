"""Mentions of the dropped columns in source code: each class where it is planted, and no hostile file stops the reader."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.errors import UsageError
from genreq_checks.facts import CodeFacts, SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult
from genreq_checks.run import check
from genreq_checks.snapshot import Snapshot
from genreq_checks.sources.source_code import read_code
from leo_code import after, before, write_tree

LIVE = "live_column"
MAYBE = "live_column?"  # a live use for all that the syntax tells: warns
MESSAGE = "message_field"
OTHER = "other_meaning"
KNOWS = "import { generationRequests } from '@shared/schema';\n"
TABLE = "generation_requests"


def judged(plan: Plan, facts: CodeFacts | None, check_id: str, phase: str = "after") -> CheckResult:
    info = SourceInfo(kind="snapshot", location="nowhere", read_at=datetime(2025, 1, 1, tzinfo=UTC))
    now = Snapshot(tool_version="0", plan_fingerprint=plan.fingerprint, plan_table=plan.table.qualified, source=info)
    return check(plan, now.with_evidence(code=facts), phase=phase).check(check_id)  # type: ignore[arg-type]


def classes(plan: Plan, root: Path, files: dict[str, str]) -> list[str]:
    found = read_code(plan, write_tree(root, files)).mentions
    return [m.cls + ("" if m.certain else "?") for m in found]


PLANTED = [
    # Drizzle's schema
    ("schema.ts", "export const g = pgTable('generation_requests', {\n  link: text('download_url'),\n});", LIVE),
    ("schema.ts", "export const g = pgSchema('x').table('generation_requests', { conversation: jsonb() });", LIVE),
    ("schema.ts", "export const a = pgTable('apps', {\n  downloadUrl: text('download_url'),\n});", OTHER),
    # properties of rows
    ("a.ts", "db.select({ url: generationRequests.downloadUrl }).from(generationRequests);", LIVE),
    ("a.ts", "where(eq(generationRequests.conversation, null));", LIVE),
    ("a.ts", "const [r] = await db.select().from(generationRequests);\nuse(r.conversation);", LIVE),
    ("a.ts", "const r = await storage.getGenerationRequest(1);\nuse(r!.downloadUrl);", LIVE),
    ("a.ts", "function show(r: GenerationRequest) { return r.downloadUrl; }", LIVE),
    ("a.ts", "for (const g of generationRequestRows) { use(g.conversation); }", LIVE),
    ("a.tsx", "export const List = () => generations.map((g) => <a href={g.downloadUrl}>x</a>);", LIVE),
    ("a.ts", "use(row?.['conversation']);", LIVE),
    ("a.ts", "const { downloadUrl, id } = generation;", LIVE),
    ("a.ts", "const [row] = await db.select().from(apps);\nuse(row.downloadUrl);", OTHER),
    ("a.ts", "const row = await db.query.apps.findFirst();\nuse(row.conversation);", OTHER),
    ("a.js", "module.exports = (row) => row.download_url;", LIVE),
    # writes
    ("a.ts", "await db.update(generationRequests).set({ downloadUrl: url }).where(x);", LIVE),
    ("a.ts", "await db.insert(generationRequests).values({ prompt, conversation: null });", LIVE),
    ("a.ts", "await storage.updateGenerationRequest(id, { downloadUrl });", LIVE),
    ("a.ts", "await db.update(apps).set({ downloadUrl: url });", OTHER),
    ("a.ts", KNOWS + "const values = { conversation: null };", LIVE),
    # schemas and types
    ("z.ts", "export const generationRequestSchema = z.object({\n  conversation: z.any(),\n});", LIVE),
    ("z.ts", "export const insert = createInsertSchema(generationRequests).omit({ conversation: true });", LIVE),
    ("z.ts", "export const chatSchema = z.object({\n  conversation: z.any(),\n});", OTHER),
    ("z.ts", "export const allWorkCompleteMessageSchema = z.object({\n  download_url: z.string(),\n});", MESSAGE),
    ("t.ts", "export interface GenerationRequest {\n  downloadUrl: string | null;\n}", LIVE),
    ("s.ts", "pgTable('generation_requests', {}, (t) => [index('i').on(t.downloadUrl)]);", LIVE),
    ("t.ts", "type Db = { Tables: { generation_requests: { Row: { conversation: Json } } } };", LIVE),
    ("t.ts", "const mock = { generation_requests: [{ conversation: 1 }] };", LIVE),
    ("recordings/generations.jsonl", '{"type": "all_work_complete", "download_url": "x"}', MESSAGE),
    ("t.ts", "type Lite = Omit<GenerationRequest, 'conversation'>;", LIVE),
    ("t.ts", "interface ChatProps {\n  conversation: Turn[];\n}", OTHER),
    # API fields
    ("generations.ts", "router.get('/', (req, res) => res.json({ downloadUrl: x }));", LIVE),
    ("generations.ts", "const url = req.body.conversation;", LIVE),
    ("releases.ts", "router.get('/', (req, res) => res.json({ downloadUrl: x }));", MAYBE),
    ("asset.ts", "use(asset.downloadUrl);", MAYBE),
    # SQL
    ("q.sql", "SELECT id, download_url FROM generation_requests;", LIVE),
    ("q.sql", 'SELECT g."conversation" FROM public."generation_requests" g JOIN apps a ON true;', LIVE),
    ("q.sql", "SELECT a.conversation FROM generation_requests g JOIN apps a ON true;", OTHER),
    ("q.sql", "SELECT conversation FROM chats;\nSELECT id FROM generation_requests;", OTHER),
    ("q.sql", "-- conversation of generation_requests\nSELECT id FROM generation_requests;", "comment"),
    ("q.sql", "SELECT id /* conversation */ FROM generation_requests;", "comment"),
    ("q.sql", "UPDATE generation_requests SET mode = 'conversation';", OTHER),
    ("q.sql", "CREATE FUNCTION f() RETURNS int AS $$ SELECT count(download_url) FROM generation_requests $$ LANGUAGE sql;", LIVE),
    ("drop.sql", 'ALTER TABLE "generation_requests" DROP COLUMN "conversation";', "history"),
    ("a.ts", "await db.execute(sql`SELECT download_url FROM generation_requests`);", LIVE),
    ("a.ts", "await db.execute(sql`UPDATE ${generationRequests} SET conversation = NULL`);", LIVE),
    ("a.ts", "await db.execute(sql`SELECT conversation FROM chats`);", OTHER),
    ("a.ts", "await supabase.from('generation_requests').select('id, download_url');", LIVE),
    ("a.py", 'cursor.execute("SELECT conversation FROM generation_requests WHERE id = %s", [1])', LIVE),
    ("a.py", 'cursor.execute(f"""SELECT a.conversation FROM apps a""")', OTHER),
    # messages
    ("m.ts", "interface AllWorkCompleteMessage {\n  download_url?: string;\n}", MESSAGE),
    ("m.ts", "const url = msg.download_url;", MESSAGE),
    ("m.ts", "ws.send(JSON.stringify({ type: 'all_work_complete', download_url: url }));", MESSAGE),
    ("m.ts", "function on(done: AllWorkCompleteMessage) { return done.download_url; }", MESSAGE),
    ("m.ts", "const { download_url } = msg;", MESSAGE),
    ("m.py", "class AllWorkCompleteMessage(WSIMessage):\n    download_url: Optional[str] = None", MESSAGE),
    ("m.py", "done = create_all_work_complete_message(download_url=url)", MESSAGE),
    ("m.py", "url = message.get('download_url')", MESSAGE),
    ("m.py", "payload = {'type': 'all_work_complete', 'download_url': url}", MESSAGE),
    # Python rows
    ("r.py", "class GenerationRequest(Base):\n    __tablename__ = 'generation_requests'\n    conversation = Column(JSONB)", LIVE),
    ("r.py", "class Chat(Base):\n    __tablename__ = 'chats'\n    conversation = Column(JSONB)", OTHER),
    ("r.py", "for row in rows:\n    print(row['download_url'])", LIVE),
    ("r.py", "print(generation.download_url)", LIVE),
    # what the syntax does not decide is possible, never another meaning
    ("d.ts", "const { generationRequest } = document;\nuse(generationRequest?.downloadUrl);", LIVE),
    ("z.ts", "const zBody = z.object({ m: z.object({ generationRequest: z.object({ downloadUrl: z.url() }) }) });", LIVE),
    ("z.ts", "export const zBody = z.object({ meta: z.object({ downloadUrl: z.string() }) });", MAYBE),
    ("c.py", "COLUMN = 'download_url'\nquery = f'SELECT {COLUMN} FROM generation_requests'", MAYBE),
    ("c.ts", "const COLUMN = 'download_url';\nsql(`SELECT ${COLUMN} FROM generation_requests`);", MAYBE),
    ("c.py", "if 'download_url' in answer:\n    pass", MAYBE),
    ("c.py", "fields = ['id', 'download_url']", MAYBE),
    ("c.py", "log('no conversation', ['conversation'])", OTHER),
    ("q.py", "found = apps.filter(requests__download_url__isnull=False)", MAYBE),
    ("q.py", "found = apps.filter(last_download_url__isnull=False)", OTHER),
    ("q.py", "all_of_them.update(download_url=None)", MAYBE),
    ("q.py", "text = '{download_url}'.format(download_url=x)", OTHER),
    ("s.js", "module.exports = {\n posts: { download_url: {} },\n generation_requests: { id: {} },\n};", OTHER),
    ("s.js", "module.exports = {\n posts: { id: {} },\n generation_requests: { download_url: {} },\n};", LIVE),
    # modules of the name
    ("i.py", "from app import services\nservices.download_url.build()", OTHER),
    ("i.ts", "import * as urls from './urls';\nurls.downloadUrl();", OTHER),
    # another value in the API
    ("generations.ts", "router.get('/', (req, res) => res.json({ downloadUrl: sign(x) }));", MAYBE),
    # templates
    ("page.html", "<p>{{ generation.download_url }}</p>", LIVE),
    ("page.html", "{% if app.download_url %}", MAYBE),
    ("page.html", "<p>download_url</p>", OTHER),
    ("page.hbs", "{{#if generationRequest.downloadUrl}}x{{/if}}", LIVE),
    ("page.hbs", "{{message.downloadUrl}}", MESSAGE),
    ("page.html", "{{ conversation }}", OTHER),
    ("page.html", "<p>{{ id }}</p> download_url", OTHER),
    ("page.vue", "<template><a :href=\"generation.downloadUrl\">x</a></template>", LIVE),
    ("page.vue", "<a v-if='row?.downloadUrl'>{{ label }}</a>", LIVE),
    ("page.svelte", "<a href={generation.downloadUrl}>x</a>", LIVE),
    ("page.html.erb", "<%= @generation.download_url %>", LIVE),
    ("page.liquid", "{{ generation.download_url | escape }}", LIVE),
    ("templates/mail.txt", "See {{ generation.download_url }}", LIVE),
    ("templates/mail.txt", "The download_url of your app", "docs"),
    # comments and prose
    ("c.ts", "/** The conversation of generation_requests. */\nconst x = 1;", "comment"),
    ("c.ts", "const x = 1; // generationRequests.downloadUrl", "comment"),
    ("c.py", "x = 1  # row.conversation", "comment"),
    ("c.py", 'def f():\n    """Reads row.conversation."""', "comment"),
    ("c.yaml", "# download_url of generation_requests", "comment"),
    ("docs/schema.md", "`generation_requests.download_url` is going away.", "docs"),
    ("README.rst", "conversation", "docs"),
    # the past
    ("drizzle/0001_x.sql", 'ALTER TABLE "generation_requests" ADD COLUMN "conversation" jsonb;', "history"),
    ("drizzle/meta/0001_snapshot.json", '{"name": "download_url"}', "history"),
    ("supabase/migrations/20240101_x.sql", "SELECT download_url FROM generation_requests;", "history"),
    ("CHANGELOG.md", "- conversation", "history"),
    # what builds make
    ("dist/index.js", "x.download_url;generationRequests", "build_output"),
    ("src/app.min.js", "generationRequests.downloadUrl", "build_output"),
    ("src/big.js", "a=generationRequests.downloadUrl;" + "b=1;" * 4000, "build_output"),
    ("src/types.ts", "// @generated\ninterface GenerationRequest { conversation: Json }", "build_output"),
    # another meaning
    ("o.tsx", "const conversation = useConversation();", OTHER),
    ("o.tsx", "export const A = () => <Chat conversation={turns} />;", OTHER),
    ("o.tsx", "export const A = () => <p>Start a conversation</p>;", OTHER),
    ("o.tsx", "export function Chat({ conversation }: Props) { return null; }", OTHER),
    ("o.ts", "export const en = { conversation: 'Conversation with Leo' };", OTHER),
    ("o.ts", "import { conversation } from './chat';", OTHER),
    ("o.ts", "const label = t('conversation');", OTHER),
    ("o.ts", "logger.info('the conversation is over');", OTHER),
    ("o.py", "def talk(conversation):\n    pass", OTHER),
    ("locales/de.json", '{"conversation": "Unterhaltung"}', OTHER),
    ("o.css", ".conversation { color: red }", OTHER),
    # files that are not parsed
    ("api.yaml", "GenerationRequest:\n  downloadUrl: string", LIVE),
    ("release.sh", 'curl "${download_url}"', OTHER),
    ("schema.prisma", "model generation_requests {\n  download_url String?\n}", LIVE),
    ("main.go", "return order.DownloadUrl, row[\"download_url\"]", MAYBE),
    ("app.rb", "asset.download_url", MAYBE),
    ("app.rb", "start(conversation)", OTHER),
    ("fixtures.json", '{"download_url": "x"}', MAYBE),
    (".github/workflows/x.yml", "url: download_url", OTHER),
    ("c.py", "get(fields='id,download_url')", MAYBE),
    ("c.ts", "get('/x', { fields: 'id, downloadUrl' });", MAYBE),
    ("c.py", "log('the download_url, which is missing')", OTHER),
    ("page.html", "{% tag open %} app.download_url {% tag close %}", MAYBE),
    # broken code
    ("b.ts", KNOWS + "const = {{{ generationRequests.downloadUrl", LIVE),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), PLANTED)
def test_each_planted_mention_is_of_its_class(plan: Plan, tmp_path: Path, path: str, text: str, expected: str) -> None:
    assert classes(plan, tmp_path, {path: text}) == [expected]


@pytest.mark.parametrize("text", ["conversation_log", "conversationHistory", "last_conversation", "$conversation"])
def test_a_longer_name_is_another_name(plan: Plan, tmp_path: Path, text: str) -> None:
    (mention,) = read_code(plan, write_tree(tmp_path, {"a.ts": f"const x = generationRequests.{text};"})).mentions
    assert mention.cls == OTHER
    assert text in mention.reason


@pytest.mark.parametrize("text", ["conversations", "myDownloadUrl", "conversational"])
def test_a_longer_word_is_not_a_mention(plan: Plan, tmp_path: Path, text: str) -> None:
    assert classes(plan, tmp_path, {"a.ts": f"const x = generationRequests.{text};"}) == []


def test_the_tree_before_fails_at_each_live_use_and_after_it_passes(plan: Plan, tmp_path: Path) -> None:
    facts = read_code(plan, write_tree(tmp_path / "before", before()))
    result = judged(plan, facts, "leftovers.conversation")
    assert result.outcome == "fail"
    failed = {finding.subject.rpartition("/")[2] for finding in result.findings if finding.outcome == "fail"}
    assert failed == {"schema.ts:7", "schema.zod.ts:7", "schema.zod.ts:12", "database-storage.ts:6", "generations.ts:4"}
    first = result.findings[0]
    assert first.evidence["class"] == LIVE
    assert first.evidence["line"] == int(first.subject.rpartition(":")[2])
    assert first.evidence["reason"]
    assert first.remedy
    facts = read_code(plan, write_tree(tmp_path / "after", after()))
    for column in plan.dropped:
        assert judged(plan, facts, f"leftovers.{column}").outcome == "pass"
    left = judged(plan, facts, "leftovers.download_url").findings
    assert [f.evidence.get("class") for f in left] == [None, MESSAGE]
    assert left[0].evidence["classes"][MESSAGE] == 1


def test_what_may_be_a_live_use_warns(plan: Plan, tmp_path: Path) -> None:
    facts = read_code(plan, write_tree(tmp_path, {"asset.ts": "use(asset.downloadUrl);"}))
    assert judged(plan, facts, "leftovers.download_url").outcome == "warn"
    assert judged(plan, facts, "leftovers.conversation").outcome == "pass"


def test_no_code_is_unknown_and_not_asked_for_is_a_skip(plan: Plan, tmp_path: Path) -> None:
    empty = read_code(plan, tmp_path)
    assert judged(plan, empty, "leftovers.conversation").outcome == "unknown"
    prose = read_code(plan, write_tree(tmp_path, {"README.md": "Leo"}))
    assert judged(plan, prose, "leftovers.conversation").outcome == "unknown"
    assert judged(plan, None, "leftovers.conversation").outcome == "skip"
    assert judged(plan, empty, "leftovers.conversation", "rolled-back").outcome == "skip"


def test_the_counts_are_complete_where_the_list_is_cut(plan: Plan, tmp_path: Path) -> None:
    lines = "".join(f"use(generationRequests.conversation, {i});\n" for i in range(250))
    result = judged(plan, read_code(plan, write_tree(tmp_path, {"a.ts": lines})), "leftovers.conversation")
    assert (result.found, len(result.findings), result.outcome) == (251, 100, "fail")
    comments = "".join(f"// conversation {i}\n" for i in range(250))
    result = judged(plan, read_code(plan, write_tree(tmp_path, {"a.ts": comments})), "leftovers.conversation")
    assert (result.found, result.outcome) == (251, "pass")
    assert result.findings[0].evidence["classes"]["comment"] == 250


def test_a_folder_that_may_not_be_read_is_unknown(plan: Plan, tmp_path: Path) -> None:
    facts = read_code(plan, write_tree(tmp_path, {"a.ts": "x"}))
    locked = judged(plan, replace(facts, unreadable=("secret/",)), "leftovers.conversation")
    assert locked.outcome == "unknown"
    assert "secret/" in locked.findings[0].message


def test_names_come_from_the_plan(plan: Plan, tmp_path: Path) -> None:
    gone = plan.dropped["download_url"].model_copy(update={"code_names": ()})
    bare = plan.model_copy(update={"dropped": {"zip_file": gone}})
    files = {"a.ts": "generationRequests.zipFile;\ngenerationRequests.zip_file;\ngenerationRequests.downloadUrl;"}
    assert [m.line for m in read_code(bare, write_tree(tmp_path, files)).mentions] == [1, 2]


def snapshot(plan: Plan, folder: Path) -> str:
    info = SourceInfo(kind="snapshot", location="nowhere", read_at=datetime(2025, 1, 1, tzinfo=UTC))
    file = folder / "now.json"
    Snapshot(tool_version="0", plan_fingerprint=plan.fingerprint, plan_table=plan.table.qualified, source=info).save(
        file
    )
    return str(file)


def test_the_command_reads_code_and_reports_a_wrong_folder(plan: Plan, tmp_path: Path) -> None:
    now, tree = snapshot(plan, tmp_path), write_tree(tmp_path / "tree", before())
    command = [sys.executable, "-c", "from genreq_checks.cli import main; main()", "check", now, "--code"]
    ran = subprocess.run([*command, str(tree)], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert "schema.ts:7" in ran.stdout
    wrong = subprocess.run([*command, str(tmp_path / "nowhere")], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--code" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_parsers_are_not_loaded_without_code() -> None:
    code = "import sys, genreq_checks.run; print(sorted({'tree_sitter', 'sqlglot', 'pathspec'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_finding_beyond_the_first_hundred_can_be_reached(tmp_path: Path, plan: Plan, database: str) -> None:
    write_tree(tmp_path, {f"f{n:03}.ts": "use(generationRequests.downloadUrl);" for n in range(130)})
    call = [
        "check",
        database,
        "--phase",
        "before",
        "--only",
        "leftovers.*",
        "--code",
        str(tmp_path),
        "--format",
        "json",
    ]
    runner = CliRunner()
    by_flag = {}
    for flags in ([], ["--all-findings"]):
        (cut,) = [
            one
            for one in json.loads(runner.invoke(app, [*call, *flags]).stdout)["checks"]
            if one["id"] == "leftovers.download_url"
        ]
        assert cut["found"] == 131  # and the summary
        by_flag[bool(flags)] = {one["subject"] for one in cut["findings"]}
    assert len(by_flag[False]) == 100
    listed = runner.invoke(app, ["rows", "leftovers.download_url", "--code", str(tmp_path), "--format", "csv"])
    assert listed.exit_code == 0
    places = {line.split(",")[0] for line in listed.stdout.splitlines()[1:]}
    assert places == by_flag[True] - {"download_url"} == {f"f{n:03}.ts:1" for n in range(130)}


def test_the_findings_of_code_need_its_folder() -> None:
    error = CliRunner().invoke(app, ["rows", "leftovers.download_url"]).exception
    assert isinstance(error, UsageError)
    assert "--code DIR" in (error.hint or "")
