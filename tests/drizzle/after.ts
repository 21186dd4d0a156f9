import { pgTable, serial, text, timestamp } from "drizzle-orm/pg-core";

export const generationRequests = pgTable("generation_requests", {
  id: serial("id").primaryKey(),
  status: text("status").notNull().default("queued"),
  completedAt: timestamp("completed_at", { mode: "string" }),
  githubUrl: text("github_url"),
  artifactsGithubUrl: text("artifacts_github_url"),
  deploymentUrl: text("deployment_url"),
});
