// A server as a team would have it, with the handler of the plan's phase 3: ws, drizzle-orm, node-postgres.
// Its one argument is JSON: {"database": {host, port, user, ...}, "request": 1, "fault": null, "token": null}.
// It prints its port, and ends with its standard input.
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgEnum, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { WebSocketServer } from 'ws';

const { database, request, fault, token } = JSON.parse(process.argv[2]);

const statuses = ['queued', 'generating', 'completed', 'failed', 'paused', 'cancelled'];
const generationRequests = pgTable('generation_requests', {
  id: serial('id').primaryKey(),
  status: pgEnum('generation_status', statuses)('status').notNull(),
  completedAt: timestamp('completed_at', { mode: 'string' }),
  githubUrl: text('github_url'),
  artifactsGithubUrl: text('artifacts_github_url'),
  deploymentUrl: text('deployment_url'),
  lastSessionId: text('last_session_id'),
});

const db = drizzle(new pg.Pool(database));
const storage = {
  updateGenerationRequest: (id, values) =>
    db.update(generationRequests).set(values).where(eq(generationRequests.id, id)),
};

class WsiServer {
  currentRequestId = null;

  async start(socket) {
    await storage.updateGenerationRequest(request, { status: 'generating' });
    this.currentRequestId = request;
    socket.send(JSON.stringify({ type: 'start_generation', prompt: 'A sample.', mode: 'single-shot' }));
  }

  async handleAllWorkComplete(msg) {
    if (!this.currentRequestId) return;

    const artifactsGithubUrl = msg.github_url
      ? msg.github_url.replace(/\/$/, '') + '-artifacts'
      : null;

    try {
      await storage.updateGenerationRequest(this.currentRequestId, {
        status: 'completed',
        completedAt: new Date().toISOString(),
        githubUrl: msg.github_url,
        artifactsGithubUrl: fault === 'not derived' ? undefined : artifactsGithubUrl,
        deploymentUrl: fault === 'null for missing' ? (msg.flyio_url ?? null) : msg.flyio_url,
        lastSessionId: msg.session_id,
      });
    } catch (error) {
      console.error(error.code ?? error.message);
    }
  }
}

const wsi = new WsiServer();
const verifyClient = ({ req }) => token === null || req.headers.authorization === `Bearer ${token}`;
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/wsi', verifyClient });
server.on('connection', (socket) => {
  socket.send(JSON.stringify({ type: 'hello' }));
  socket.on('message', async (data) => {
    const msg = JSON.parse(data.toString());
    if (msg.type === 'ready' && fault === 'close when ready') socket.close(1011);
    else if (msg.type === 'ready') await wsi.start(socket);
    else if (msg.type === 'all_work_complete' && fault === 'drop') socket.terminate();
    else if (msg.type === 'all_work_complete') await wsi.handleAllWorkComplete(msg);
  });
});
server.on('listening', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
