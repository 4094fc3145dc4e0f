/** Operators list and change the tasks of all users. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { ChangedView, Expect } from "../platform/http/bulk.ts";
import { problems } from "../platform/http/errors.ts";
import {
  decodeNumberCursor,
  Page,
  PageQuery,
  pageOf,
  SearchedPage,
  searchedPageOf,
} from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { TASK_ACTIONS, type TaskAction } from "./allowed-actions.ts";
import { changeTasks, REQUEST_SECONDS } from "./control/change-tasks.ts";
import { AdminFilterBody, adminFilterFields, readAdminTaskFilter } from "./filter.ts";
import { decodeHistoryCursor, listEvents } from "./history.ts";
import { listTasks } from "./list-tasks.ts";
import { TaskParams } from "./params.ts";
import { getTask } from "./queries.ts";
import { TaskEventView, viewEvent, viewTask } from "./views.ts";

const Reason = Type.Optional(
  Type.String({
    maxLength: 1000,
    description: "Stored in the history of each task.",
    examples: ["Sent twice."],
  }),
);
const Force = Type.Optional(Type.Boolean({ description: "Retry completed tasks as well." }));

const BODIES = {
  cancel: Type.Object({ filter: AdminFilterBody, expect: Expect, reason: Reason }),
  retry: Type.Object({ filter: AdminFilterBody, expect: Expect, force: Force }),
  delete: Type.Object({ filter: AdminFilterBody, expect: Expect }),
};

const OPERATIONS: Readonly<Record<TaskAction, { operationId: string; summary: string; effect: string }>> = {
  cancel: {
    operationId: "adminCancelTasks",
    summary: "Cancel all matching tasks",
    effect: "Cancels the pending and processing tasks that match the filter.",
  },
  retry: {
    operationId: "adminRetryTasks",
    summary: "Retry all matching tasks",
    effect: "Retries the failed and cancelled tasks that match the filter.",
  },
  delete: {
    operationId: "adminDeleteTasks",
    summary: "Delete all matching tasks",
    effect: "Deletes the tasks that match the filter, with their history and the files that they created.",
  },
};

export function adminTaskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/tasks",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "adminListTasks",
          summary: "List the tasks of all users",
          description: "Newest first.",
          querystring: Type.Object({ ...adminFilterFields, ...PageQuery }),
          response: { 200: SearchedPage(Type.Ref("Task")), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit };
        const found = await listTasks(ctx, null, readAdminTaskFilter(query), page);
        return searchedPageOf(
          found,
          ({ number }) => number,
          (task) => viewTask(task, ctx),
        );
      },
    );

    for (const action of TASK_ACTIONS) {
      const { operationId, summary, effect } = OPERATIONS[action];
      app.post(
        `/api/v1/admin/tasks/${action}`,
        {
          schema: {
            ...shared,
            operationId,
            summary,
            description:
              `${effect} Without \`expect\`, the request only counts them. If \`expect\` is not the number of matching tasks, ` +
              "nothing changes (409). Tasks created after the count are not affected. A request ends after about a minute; if " +
              "`changed` is then below `matched`, count again and repeat the request.",
            body: BODIES[action],
            response: { 200: ChangedView, ...problems(400, 401, 403, 409, 413, 415) },
          },
        },
        async ({ ctx, body }) => {
          const { filter, ...rest } = body;
          return changeTasks(ctx, { ...rest, action, filter: readAdminTaskFilter(filter) }, REQUEST_SECONDS);
        },
      );
    }

    app.get(
      "/api/v1/admin/tasks/:task_id",
      {
        schema: {
          ...shared,
          operationId: "adminGetTask",
          summary: "Get a task of any user",
          description: "Like GET /api/v1/tasks/{task_id}, but for the tasks of all users.",
          params: TaskParams,
          response: { 200: Type.Ref("Task"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        return viewTask(await getTask(ctx, null, params.task_id), ctx);
      },
    );

    app.get(
      "/api/v1/admin/tasks/:task_id/history",
      {
        schema: {
          ...shared,
          operationId: "adminListTaskHistory",
          summary: "List the history of a task of any user",
          description: "Like GET /api/v1/tasks/{task_id}/history, but for the tasks of all users.",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskEventView), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params, query }) => {
        const after = decodeHistoryCursor(query.cursor);
        const { id } = await getTask(ctx, null, params.task_id);
        const found = await listEvents(ctx, id, after, query.limit);
        return pageOf(found, (event) => event.id, viewEvent);
      },
    );
  });
}
