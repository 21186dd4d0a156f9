// A build with Prisma: `node build.mjs old` has a client from the schema with the dropped columns, `new` from one without.
// Each operation's error is swallowed, as by a handler that only logs.
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';

const { PrismaClient } = createRequire(import.meta.url)(`./${process.argv[2]}/index.js`);
const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });
const one = { user_id: '00000000-0000-4000-8000-000000000001', app_name: 'a', prompt: 'p', initial_prompt: 'p' };
const operations = [
  () => db.request.findMany(),
  () => db.request.findFirst({ where: { status: 'queued' } }),
  () => db.request.findMany({ select: { id: true, status: true } }),
  () => db.request.create({ data: one }),
  () => db.request.create({ data: one, select: { id: true } }),
  () => db.request.createMany({ data: [one, one] }),
  () => db.request.updateMany({ where: { id: 1 }, data: { github_url: 'https://github.com/o/r' } }),
  () => db.request.count(),
  () => db.$queryRaw`SELECT count(*)::int AS n FROM generation_requests`,
  () => db.request.deleteMany({ where: { id: 1 } }),
];
for (const operation of operations) {
  await operation().catch(() => undefined);
}
await db.$disconnect();
