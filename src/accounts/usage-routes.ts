import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { LRUCache } from "lru-cache";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { nullable } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { limitOf, QUOTAS, type QuotaName, readUsage } from "./quotas.ts";

const Amount = (things: string, setting: string) =>
  Type.Object(
    {
      used: Type.Integer({ description: "The amount that you use.", examples: [12] }),
      limit: nullable(Type.Integer({ examples: [10_000] }), `${setting}; null: no limit.`),
    },
    { description: `Your ${things}.` },
  );

const NAMES = Object.keys(QUOTAS) as QuotaName[];

const UsageView = Type.Object(
  {
    batches: Amount("batches", "MAX_BATCHES_PER_USER"),
    batch_rows: Amount("rows in batches", "MAX_ROWS_PER_USER"),
    batch_bytes: Amount("bytes in batches", "BATCHES_QUOTA_BYTES"),
    records: Amount("books and records", "MAX_RECORDS_PER_USER"),
    tasks: Amount("tasks", "MAX_TASKS_PER_USER"),
    open_tasks: Amount("pending and processing tasks", "MAX_OPEN_TASKS_PER_USER"),
    schedules: Amount("schedules", "MAX_SCHEDULES_PER_USER"),
    workflows: Amount("workflows", "MAX_WORKFLOWS_PER_USER"),
    files: Amount("files, including pictures and task results", "MAX_FILES_PER_USER"),
    file_bytes: Amount("bytes in files, including reservations of running uploads", "FILES_QUOTA_BYTES"),
  } satisfies Record<QuotaName, unknown>,
  { description: "What you store, and the limits." },
);

/** Counting millions of records takes a second, so parallel and repeated requests share one count. */
const REMEMBERED_MS = 5000;

export function usageRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const remembered = new LRUCache<number, Partial<Record<QuotaName, number>>>({
    max: 1000,
    ttl: REMEMBERED_MS,
    fetchMethod: (userId) => readUsage(ctx, userId, NAMES),
  });
  return userRoutes(ctx, { tags: ["auth"] }, (app, shared) => {
    app.get(
      "/api/v1/auth/me/usage",
      {
        schema: {
          ...shared,
          operationId: "getUsage",
          summary: "Get your usage and limits",
          description: "Counts what you store. The numbers can be 5 seconds old.",
          response: { 200: UsageView, ...problems(401) },
        },
      },
      async ({ ctx, user }) => {
        const used = (await remembered.fetch(user.id)) ?? {};
        const amountOf = (name: QuotaName) => {
          const limit = limitOf(ctx, name);
          return { used: used[name] ?? 0, limit: limit === Number.POSITIVE_INFINITY ? null : limit };
        };
        return Object.fromEntries(NAMES.map((name) => [name, amountOf(name)])) as Static<typeof UsageView>;
      },
    );
  });
}
