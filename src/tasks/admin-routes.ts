/** Every task, whoever it belongs to. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { authenticate, requireRole, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { requireStorable } from "../platform/postgres/storable.ts";
import { ChangedView, changeTasks, REQUEST_SECONDS, type TaskAction } from "./control/change-tasks.ts";
import { FilterBody, filterFields, filterOf } from "./filter.ts";
import { getTask, listTasks } from "./queries.ts";
import { viewTask } from "./views.ts";

const Expect = Type.Optional(
  Type.Integer({
    minimum: 0,
    description: "How many there are, as a call without it has told. Absent: only counted.",
    examples: [12],
  }),
);
const Reason = Type.Optional(
  Type.String({ maxLength: 1000, description: "For the history of each.", examples: ["Sent twice."] }),
);
const Force = Type.Optional(Type.Boolean({ description: "Also those that have completed." }));

const BODIES = {
  cancel: Type.Object({ filter: FilterBody, expect: Expect, reason: Reason }),
  retry: Type.Object({ filter: FilterBody, expect: Expect, force: Force }),
  delete: Type.Object({ filter: FilterBody, expect: Expect }),
};

const SUMMARIES: Readonly<Record<TaskAction, string>> = {
  cancel: "Cancel all tasks of a filter that have not ended",
  retry: "Retry all tasks of a filter that failed or were cancelled",
  delete: "Delete all tasks of a filter, with their history and the files that they made",
};

export function adminTaskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    app.addHook("onRequest", requireRole("operator", "admin"));
    const shared = { tags: ["admin"], security: SECURITY };

    app.get(
      "/api/v1/admin/tasks",
      {
        schema: {
          ...shared,
          summary: "The tasks of all users, newest first",
          querystring: Type.Object({ ...filterFields, ...PageQuery }),
          response: { 200: Page(Type.Ref("Task")), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit + 1 };
        const found = await listTasks(ctx, null, filterOf(query), page);
        const now = ctx.now();
        return pageOf(
          found,
          query.limit,
          ({ number }) => number,
          (task) => viewTask(task, now),
        );
      },
    );

    for (const action of ["cancel", "retry", "delete"] as const) {
      app.post(
        `/api/v1/admin/tasks/${action}`,
        {
          schema: {
            ...shared,
            summary: SUMMARIES[action],
            description:
              "Without `expect` they are only counted; with any other number than there is, nothing is changed (409). Those " +
              "created after the count are left alone. Where it takes over a minute, `changed` is below `matched`: count " +
              "and send it again.",
            body: BODIES[action],
            response: { 200: ChangedView, ...problems(400, 401, 403, 409, 413, 415) },
          },
        },
        async ({ ctx, body }) => {
          const { filter, ...rest } = body;
          if ("reason" in rest && rest.reason) requireStorable(rest.reason, "reason");
          return changeTasks(ctx, { ...rest, action, filter: filterOf(filter) }, REQUEST_SECONDS);
        },
      );
    }

    app.get(
      "/api/v1/admin/tasks/:task_id",
      {
        schema: {
          ...shared,
          summary: "One task of anybody's",
          params: Type.Object({ task_id: Uuid }),
          response: { 200: Type.Ref("Task"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewTask(await getTask(ctx, null, params.task_id), ctx.now()),
    );
  };
}
