"""Evidence of the phases in source code: found, not found, cannot tell; wherever the files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult
from genreq_checks.sources.source_code import read_code
from leo_code import CONTAINER, SAAS, after, before, write_tree
from test_leftovers import judged

PROTOCOL = f"{CONTAINER}/wsi_server/protocol.py"
CLIENT = f"{CONTAINER}/wsi_client/client.py"
SERVER = f"{SAAS}/server/lib/wsi/wsi-server.ts"
SCHEMA = f"{SAAS}/shared/schema.ts"
ZOD = f"{SAAS}/shared/schema.zod.ts"
PHASES = ("protocol", "client", "server", "schema")
REGEX = r"msg.github_url.replace(/\/$/, '') + '-artifacts'"


def phase(plan: Plan, root: Path, files: dict[str, str], name: str) -> CheckResult:
    return judged(plan, read_code(plan, write_tree(root, files)), f"phases.{name}")


@pytest.mark.parametrize("name", PHASES)
def test_a_phase_fails_before_and_passes_after(plan: Plan, tmp_path: Path, name: str) -> None:
    done = phase(plan, tmp_path / "after", after(), name)
    assert (done.outcome, done.requirement) == ("pass", f"phase:{PHASES.index(name) + 1}")
    for finding in done.findings:
        assert finding.evidence["state"] == "found"
        assert finding.message.startswith(f"{finding.evidence['file']}:{finding.evidence['line']}: ")
    missing = phase(plan, tmp_path / "before", before(), name)
    assert missing.outcome == "fail"
    assert {finding.evidence["state"] for finding in missing.findings} == {"not found"}


@pytest.mark.parametrize("name", PHASES)
def test_a_moved_file_is_not_a_missing_feature(plan: Plan, tmp_path: Path, name: str) -> None:
    moved = {f"packages/p{i}/f{i}{Path(path).suffix}": text for i, (path, text) in enumerate(after().items())}
    assert phase(plan, tmp_path, moved, name).outcome == "pass"


@pytest.mark.parametrize("name", PHASES)
def test_no_such_code_is_unknown_and_not_requested_is_a_skip(plan: Plan, tmp_path: Path, name: str) -> None:
    result = phase(plan, tmp_path, {"a.ts": "const x = 1;", "b.py": "x = 1"}, name)
    assert result.outcome == "unknown"
    assert {finding.evidence["state"] for finding in result.findings} == {"cannot tell"}
    assert judged(plan, None, f"phases.{name}").outcome == "skip"
    assert judged(plan, read_code(plan, tmp_path), f"phases.{name}", "before").outcome == "skip"


def test_tests_and_comments_prove_nothing(plan: Plan, tmp_path: Path) -> None:
    good = after()
    files = before() | {f"tests/{Path(path).name}": text for path, text in good.items()}
    files |= {"x/wsi-server.test.ts": good[SERVER], "x/test_client.py": good[CLIENT]}
    files[PROTOCOL] = files[PROTOCOL].replace(
        "    s3_url: Optional", "    # flyio_url: Optional[str] = None\n    s3_url: Optional"
    )
    for name in PHASES:
        assert phase(plan, tmp_path, files, name).outcome == "fail", name


BROKEN = [
    ("protocol", PROTOCOL, "        flyio_url=flyio_url,\n", "", "fail"),
    ("protocol", PROTOCOL, "    flyio_url: Optional[str] = None,\n", "", "fail"),
    ("protocol", PROTOCOL, "    flyio_url: Optional[str] = None  #", "    pass  #", "fail"),
    ("protocol", PROTOCOL, "    flyio_url: Optional[str] = None,\n", "    **more,\n", "unknown"),
    ("client", CLIENT, "flyio_url=artifacts.flyio_url if artifacts else None", "flyio_url=None", "fail"),
    ("client", CLIENT, "flyio_url=artifacts.flyio_url if artifacts else None", "**urls", "unknown"),
    ("client", CLIENT, "flyio_url=artifacts", "fly_url=artifacts", "fail"),
    ("server", SERVER, "      artifactsGithubUrl: artifactsGithubUrl,\n", "", "fail"),
    ("server", SERVER, "      deploymentUrl: msg.flyio_url,\n", "", "fail"),
    ("server", SERVER, "deploymentUrl: msg.flyio_url", "deploymentUrl: msg.s3_url", "fail"),
    ("server", SERVER, "deploymentUrl: msg.flyio_url", "deploymentUrl: null", "fail"),
    ("server", SERVER, "artifactsGithubUrl: artifactsGithubUrl", "artifactsGithubUrl: msg.artifacts_url", "fail"),
    ("server", SERVER, r".replace(/\/$/, '')", "", "fail"),
    ("server", SERVER, "'-artifacts'", "'-artefacts'", "fail"),
    ("server", SERVER, r".replace(/\/$/, '')", r".replace(/\/+$/, '')", "unknown"),
    ("server", SERVER, "artifactsGithubUrl: artifactsGithubUrl", "artifactsGithubUrl: derive(msg)", "unknown"),
    ("schema", SCHEMA, "  githubUrl:", "  conversation: jsonb('conversation'),\n  githubUrl:", "fail"),
    ("schema", SCHEMA, "  githubUrl:", "  link: text('download_url'),\n  githubUrl:", "fail"),
    ("schema", ZOD, "  prompt:", "  conversation: z.any(),\n  prompt:", "fail"),
    (
        "schema",
        ZOD,
        "\nexport const insert",
        "\nexport const conversationTurnSchema = z.object({});\nexport const insert",
        "fail",
    ),
    ("schema", ZOD, "Schema = ", "Type = Other || ", "pass"),
]


@pytest.mark.parametrize(("name", "path", "old", "new", "expected"), BROKEN)
def test_each_planted_defect_fails_its_phase(
    plan: Plan, tmp_path: Path, name: str, path: str, old: str, new: str, expected: str
) -> None:
    files = after()
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    assert phase(plan, tmp_path, files, name).outcome == expected
    for other in set(PHASES) - {name}:
        assert phase(plan, tmp_path, files, other).outcome == "pass"


EQUIVALENT = [
    f"msg.github_url ? {REGEX} : null",
    r"msg.github_url ? `${msg.github_url.replace(/\/$/, '')}-artifacts` : null",
    "msg.github_url ? (msg.github_url.endsWith('/') ? msg.github_url.slice(0, -1) : msg.github_url) + '-artifacts' : null",
    f"msg.github_url && ({REGEX})",
    "artifactsUrl(msg.github_url)",
]
FUNCTION = """function artifactsUrl(githubUrl?: string) {
  if (!githubUrl) return null;
  return githubUrl.replace(/\\/$/, '') + '-artifacts';
}
"""


@pytest.mark.parametrize("expression", EQUIVALENT)
@pytest.mark.parametrize("form", ["inline", "variable", "assigned", "drizzle", "snake"])
def test_an_equivalent_derivation_is_found(plan: Plan, tmp_path: Path, expression: str, form: str) -> None:
    forms = {
        "inline": f"await storage.updateGenerationRequest(id, {{ artifactsGithubUrl: {expression} }});",
        "variable": f"const artifactsGithubUrl = {expression};\n"
        "await storage.updateGenerationRequest(1, { artifactsGithubUrl });",
        "assigned": f"updates.artifactsGithubUrl = {expression};\nawait storage.updateGenerationRequest(id, updates);",
        "drizzle": f"await db.update(generationRequests).set({{ artifactsGithubUrl: {expression} }});",
        "snake": f"await supabase.from('generation_requests').update({{ artifacts_github_url: {expression} }});",
    }
    body = f"{FUNCTION}async function onAllWorkComplete(msg) {{\n{forms[form]}\n}}"
    found = phase(plan, tmp_path, {"server.ts": body}, "server").findings
    assert [f.outcome for f in found if f.subject.startswith("artifacts_github_url")] == ["pass"]


def test_optional_chaining_without_a_condition_is_not_the_derivation(plan: Plan, tmp_path: Path) -> None:
    files = after()
    files[SERVER] = files[SERVER].replace("msg.github_url\n      ? msg", "msg").replace("\n      : null", "")
    files[SERVER] = files[SERVER].replace("github_url.replace", "github_url?.replace")
    result = phase(plan, tmp_path, files, "server")
    assert result.outcome == "fail"
    assert "undefined-artifacts" in result.findings[0].message


MANUAL = "const flyioUrl = await deploy();\nawait storage.updateGenerationRequest(id, { deploymentUrl: flyioUrl });"


def test_the_manual_deploy_endpoint_does_not_replace_the_handler(plan: Plan, tmp_path: Path) -> None:
    files = after() | {"server/routes/deploy.ts": MANUAL}
    assert phase(plan, tmp_path / "both", files, "server").outcome == "pass"
    files[SERVER] = files[SERVER].replace("      deploymentUrl: msg.flyio_url,\n", "")
    assert phase(plan, tmp_path / "manual", files, "server").outcome == "fail"
    del files[SERVER]
    assert phase(plan, tmp_path / "alone", files, "server").outcome == "unknown"


def test_without_validation_schemas_the_schema_phase_is_not_proven(plan: Plan, tmp_path: Path) -> None:
    files = after()
    del files[ZOD]
    assert phase(plan, tmp_path, files, "schema").outcome == "unknown"


def test_schemas_made_from_the_table_count(plan: Plan, tmp_path: Path) -> None:
    files = after() | {ZOD: "export const insertSchema = createInsertSchema(generationRequests);"}
    assert phase(plan, tmp_path, files, "schema").outcome == "pass"


def test_a_second_place_without_the_feature_is_named(plan: Plan, tmp_path: Path) -> None:
    files = after() | {"old/client.py": before()[CLIENT]}
    result = phase(plan, tmp_path, files, "client")
    assert result.outcome == "pass"
    assert "old/client.py:6" in result.findings[0].message


def test_phases_are_those_that_the_plan_asks_for(plan: Plan) -> None:
    from genreq_checks.leo.checks.phases import subjects

    bare = plan.model_copy(update={"kept": {"github_url": plan.kept["github_url"]}})
    assert subjects(bare) == ()  # it speaks of no message of the application's
    assert subjects(plan) == PHASES
