"""A small source tree like Leo's, before and after the clean-up: every file that the plan names, and others around them."""

from __future__ import annotations

from pathlib import Path

SAAS = "apps/leo-saas/app"
CONTAINER = "remote/container/leo_container"

PROTOCOL = '''"""Messages between the container and the server."""
from typing import Optional
from pydantic import BaseModel


class WSIMessage(BaseModel):
    type: str


class AllWorkCompleteMessage(WSIMessage):
    """Sent once, at the end."""
    type: str = "all_work_complete"
    completion_reason: str
    github_url: Optional[str] = None
    s3_url: Optional[str] = None
    download_url: Optional[str] = None
{field}

def create_all_work_complete_message(
    completion_reason: str,
    app_path: str,
    github_url: Optional[str] = None,
    s3_url: Optional[str] = None,
{parameter}) -> AllWorkCompleteMessage:
    return AllWorkCompleteMessage(
        completion_reason=completion_reason,
        github_url=github_url,
{passed}    )
'''

CLIENT = """from ..wsi_server.protocol import create_all_work_complete_message


class Client:
    async def _finish_generation(self, completion_reason, app_path, github_url, artifacts):
        complete_msg = create_all_work_complete_message(
            completion_reason=completion_reason,
            app_path=app_path,
            github_url=github_url,
{argument}        )
        await self.socket.send(complete_msg.model_dump_json())
"""

SERVER = """import {{ storage }} from '../storage';
import type {{ AllWorkCompleteMessage }} from './types';

export class WSIServer {{
  private async handleAllWorkComplete(msg: AllWorkCompleteMessage): Promise<void> {{
    if (!this.currentRequestId) return;
{derive}
    await storage.updateGenerationRequest(this.currentRequestId, {{
      status: 'completed',
      completedAt: new Date().toISOString(),
      githubUrl: msg.github_url,
{store}      lastSessionId: msg.session_id,
    }});
  }}
}}
"""

SCHEMA = """import {{ pgTable, serial, text, jsonb, uuid }} from 'drizzle-orm/pg-core';

export const generationRequests = pgTable('generation_requests', {{
  id: serial('id').primaryKey(),
  userId: uuid('user_id').notNull(),
{columns}  githubUrl: text('github_url'),
  artifactsGithubUrl: text('artifacts_github_url'),
  deploymentUrl: text('deployment_url'),
}});

export const apps = pgTable('apps', {{
  id: uuid('id').primaryKey(),
  name: text('name'),
}});
"""

ZOD = """import {{ z }} from 'zod';
{turn}
export const insertGenerationRequestSchema = z.object({{
  prompt: z.string(),
{insert}}});

export const selectGenerationRequestSchema = insertGenerationRequestSchema.extend({{
  id: z.number(),
{select}}});
"""

STORAGE = """import {{ eq }} from 'drizzle-orm';
import {{ generationRequests }} from '../../../shared/schema';

export async function getGenerationRequest(id: number) {{
  const [row] = await db.select().from(generationRequests).where(eq(generationRequests.id, id));
{parse}  return row;
}}
"""

ROUTES = """router.post('/generations', async (req, res) => {{
  const created = await storage.createGenerationRequest({{
    prompt: req.body.prompt,
{create}  }});
  res.json({{ id: created.id }});
}});
"""

WSI_CLIENT = """export interface AllWorkCompleteMessage {{
  type: 'all_work_complete';
  github_url?: string;
{field}}}
"""


def write_tree(root: Path, files: dict[str, str]) -> Path:
    """Write files, by path, under a folder."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def before() -> dict[str, str]:
    """The tree as it was."""
    return {
        f"{CONTAINER}/wsi_server/protocol.py": PROTOCOL.format(field="", parameter="", passed=""),
        f"{CONTAINER}/wsi_client/client.py": CLIENT.format(argument=""),
        f"{SAAS}/server/lib/wsi/wsi-server.ts": SERVER.format(
            derive="", store="      downloadUrl: msg.download_url,\n"
        ),
        f"{SAAS}/shared/schema.ts": SCHEMA.format(
            columns="  downloadUrl: text('download_url'),\n  conversation: jsonb('conversation'),\n"
        ),
        f"{SAAS}/shared/schema.zod.ts": ZOD.format(
            turn="\nexport const conversationTurnSchema = z.object({ role: z.string(), content: z.string() });\n",
            insert="  conversation: z.array(conversationTurnSchema).nullable(),\n",
            select="  conversation: z.array(conversationTurnSchema).nullable(),\n  downloadUrl: z.string().nullable(),\n",
        ),
        f"{SAAS}/server/lib/storage/database-storage.ts": STORAGE.format(
            parse="  row.conversation = JSON.parse(row.conversation ?? 'null');\n"
        ),
        f"{SAAS}/server/routes/generations.ts": ROUTES.format(create="    conversation: null,\n"),
        f"{SAAS}/client/src/lib/wsi-client.ts": WSI_CLIENT.format(field="  download_url?: string;\n"),
    }


def after() -> dict[str, str]:
    """The tree after the whole clean-up; the message still has its own download_url in Python."""
    return {
        f"{CONTAINER}/wsi_server/protocol.py": PROTOCOL.format(
            field="    flyio_url: Optional[str] = None  # Detected from fly.toml\n",
            parameter="    flyio_url: Optional[str] = None,\n",
            passed="        flyio_url=flyio_url,\n",
        ),
        f"{CONTAINER}/wsi_client/client.py": CLIENT.format(
            argument="            flyio_url=artifacts.flyio_url if artifacts else None,\n"
        ),
        f"{SAAS}/server/lib/wsi/wsi-server.ts": SERVER.format(
            derive="    const artifactsGithubUrl = msg.github_url\n"
            "      ? msg.github_url.replace(/\\/$/, '') + '-artifacts'\n      : null;\n",
            store="      artifactsGithubUrl: artifactsGithubUrl,\n      deploymentUrl: msg.flyio_url,\n",
        ),
        f"{SAAS}/shared/schema.ts": SCHEMA.format(columns=""),
        f"{SAAS}/shared/schema.zod.ts": ZOD.format(turn="", insert="", select=""),
        f"{SAAS}/server/lib/storage/database-storage.ts": STORAGE.format(parse=""),
        f"{SAAS}/server/routes/generations.ts": ROUTES.format(create=""),
        f"{SAAS}/client/src/lib/wsi-client.ts": WSI_CLIENT.format(field="  flyio_url?: string;\n"),
    }
