// A build with drizzle-orm: `node build.mjs old` has the dropped columns in its table's definition, `new` has not.
// Each operation's error is swallowed, as by a handler that only logs.
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, jsonb, pgEnum, pgTable, serial, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import pg from 'pg';

const old = process.argv[2] === 'old';
const status = pgEnum('generation_status', ['queued', 'generating', 'completed', 'failed', 'paused', 'cancelled']);
const requests = pgTable('generation_requests', {
  id: serial('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  appName: text('app_name').notNull(),
  prompt: text('prompt').notNull(),
  initialPrompt: text('initial_prompt').notNull(),
  status: status('status').notNull().default('queued'),
  completedAt: timestamp('completed_at', { mode: 'string' }),
  ...(old ? { downloadUrl: text('download_url'), conversation: jsonb('conversation') } : {}),
  githubUrl: text('github_url'),
  deploymentUrl: text('deployment_url'),
});
const iterations = pgTable('iteration_snapshots', {
  id: serial('id').primaryKey(),
  requestId: integer('generation_request_id').notNull(),
  number: integer('iteration_number').notNull(),
});

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const db = drizzle(pool);
const one = { userId: '00000000-0000-4000-8000-000000000001', appName: 'a', prompt: 'p', initialPrompt: 'p' };
const operations = [
  () => db.select().from(requests),
  () => db.select({ id: requests.id, status: requests.status }).from(requests).where(eq(requests.id, 1)),
  () => db.insert(requests).values(one),
  () => db.insert(requests).values(one).returning(),
  () => db.insert(requests).values(one).returning({ id: requests.id }),
  () => db.update(requests).set({ githubUrl: 'https://github.com/o/r' }).where(eq(requests.id, 1)),
  () => db.update(requests).set({ githubUrl: null }).where(eq(requests.id, 1)).returning(),
  () => db.select().from(iterations).leftJoin(requests, eq(iterations.requestId, requests.id)),
  () => db.select({ n: sql`count(*)` }).from(requests),
  () => db.delete(requests).where(eq(requests.id, 1)),
];
for (const operation of operations) {
  await operation().catch(() => undefined);
}
await pool.end();
