"""A small source tree in which the plan's five phases are done: the input of `check --code` in a clean state."""

from __future__ import annotations

PROTOCOL = """from typing import Optional


class AllWorkCompleteMessage(WSIMessage):
    type: str = "all_work_complete"
    completion_reason: str
    github_url: Optional[str] = None
    flyio_url: Optional[str] = None


def create_all_work_complete_message(
    completion_reason: str,
    github_url: Optional[str] = None,
    flyio_url: Optional[str] = None,
) -> AllWorkCompleteMessage:
    return AllWorkCompleteMessage(
        completion_reason=completion_reason, github_url=github_url, flyio_url=flyio_url
    )
"""
CLIENT = """from .protocol import create_all_work_complete_message


async def finish_generation(socket, github_url, artifacts):
    message = create_all_work_complete_message(
        completion_reason="completed",
        github_url=github_url,
        flyio_url=artifacts.flyio_url if artifacts else None,
    )
    await socket.send(message.model_dump_json(exclude_unset=True))
"""
SERVER = r"""import { storage } from './storage';
import type { AllWorkCompleteMessage } from './types';

export async function handleAllWorkComplete(id: number, msg: AllWorkCompleteMessage): Promise<void> {
  const artifactsGithubUrl = msg.github_url ? msg.github_url.replace(/\/$/, '') + '-artifacts' : null;
  await storage.updateGenerationRequest(id, {
    status: 'completed',
    completedAt: new Date().toISOString(),
    githubUrl: msg.github_url,
    artifactsGithubUrl: artifactsGithubUrl,
    deploymentUrl: msg.flyio_url,
  });
}
"""
SCHEMA = """import { pgTable, serial, text } from 'drizzle-orm/pg-core';

export const generationRequests = pgTable('generation_requests', {
  id: serial('id').primaryKey(),
  githubUrl: text('github_url'),
  artifactsGithubUrl: text('artifacts_github_url'),
  deploymentUrl: text('deployment_url'),
});
"""
ZOD = """import { z } from 'zod';

export const insertGenerationRequestSchema = z.object({
  prompt: z.string(),
});
"""
ROUTES = """router.post('/generations', async (req, res) => {
  const created = await storage.createGenerationRequest({
    prompt: req.body.prompt,
  });
  res.json({ id: created.id });
});
"""
TREE = {
    "container/protocol.py": PROTOCOL,
    "container/client.py": CLIENT,
    "server/wsi-server.ts": SERVER,
    "server/generations.ts": ROUTES,
    "shared/schema.ts": SCHEMA,
    "shared/schema.zod.ts": ZOD,
}
