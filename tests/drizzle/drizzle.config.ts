import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./schema.ts",
  out: "./drizzle",
  dbCredentials: {
    host: process.env.DRIZZLE_HOST!,
    port: Number(process.env.DRIZZLE_PORT ?? 5432),
    user: process.env.DRIZZLE_USER,
    password: process.env.DRIZZLE_PASSWORD || undefined,
    database: process.env.DRIZZLE_DATABASE!,
    ssl: false,
  },
  migrations: {
    table: process.env.DRIZZLE_TABLE ?? "__drizzle_migrations",
    schema: process.env.DRIZZLE_SCHEMA ?? "drizzle",
  },
});
