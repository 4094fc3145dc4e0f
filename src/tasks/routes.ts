import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { problems } from "../platform/http/errors.ts";
import { NOT_MODIFIED, sendVersion } from "../platform/http/etag.ts";
import {
  decodeNumberCursor,
  decodeUuidCursor,
  Page,
  PageQuery,
  pageOf,
  SearchedPage,
  searchedPageOf,
} from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { countUpTo } from "./count-tasks.ts";
import { readTaskFilter, taskFilterFields } from "./filter.ts";
import { decodeHistoryCursor, listEvents } from "./history.ts";
import { listTasks } from "./list-tasks.ts";
import { TaskParams } from "./params.ts";
import { countByStatus, getTask, listFiles, listProgress, totalOf } from "./queries.ts";
import {
  TaskCounts,
  TaskEventView,
  TaskFileView,
  TaskProgressView,
  taskVersion,
  viewEvent,
  viewFile,
  viewProgress,
  viewTask,
} from "./views.ts";

export function taskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["tasks"] }, (app, shared) => {
    app.get(
      "/api/v1/tasks",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listTasks",
          summary: "List tasks",
          description: "Your tasks, newest first.",
          querystring: Type.Object({ ...taskFilterFields, ...PageQuery }),
          response: { 200: SearchedPage(Type.Ref("Task")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit };
        const found = await listTasks(ctx, user.id, readTaskFilter(query), page);
        return searchedPageOf(
          found,
          ({ number }) => number,
          (task) => viewTask(task, ctx),
        );
      },
    );

    app.get(
      "/api/v1/tasks/stats",
      {
        config: { search: "always", mayLag: true },
        schema: {
          ...shared,
          operationId: "countTasks",
          summary: "Count tasks by status",
          description:
            "Counts your tasks that match the filter. Without `exact`, counting stops at 500,000 tasks per status. With other conditions than " +
            "`status`, it looks at the newest 10,000 tasks of each type, queue and status. Tasks with a tag that few have are all counted.",
          querystring: Type.Object({
            ...taskFilterFields,
            exact: Type.Optional(
              Type.Boolean({
                description: "true: counts all tasks, however many. A million tasks can take 0.3 seconds.",
              }),
            ),
          }),
          response: { 200: TaskCounts, ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query: { exact = false, ...query } }) => {
        const filter = readTaskFilter(query);
        const { counts, isLowerBound } = exact
          ? { counts: await countByStatus(ctx, user.id, filter), isLowerBound: false }
          : await countUpTo(ctx, user.id, filter);
        return { total: totalOf(counts), ...counts, ...(isLowerBound && { is_lower_bound: true }) };
      },
    );

    app.get(
      "/api/v1/tasks/:task_id",
      {
        schema: {
          ...shared,
          operationId: "getTask",
          summary: "Get a task",
          description:
            "Returns the status, the progress and the result. `ETag` identifies the stored version; `elapsed_seconds` does " +
            "not affect it. Poll with `If-None-Match` to get 304 until something changes.",
          params: TaskParams,
          response: { 200: Type.Ref("Task"), ...NOT_MODIFIED, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        await ctx.reserveMemory(DETAIL_BYTES);
        const view = viewTask(await getTask(ctx, request.user.id, request.params.task_id), ctx);
        return sendVersion(request, reply, taskVersion(view), view);
      },
    );

    app.get(
      "/api/v1/tasks/:task_id/history",
      {
        schema: {
          ...shared,
          operationId: "listTaskHistory",
          summary: "List the history of a task",
          description: "The events of the task, oldest first.",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskEventView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeHistoryCursor(query.cursor);
        const { id } = await getTask(ctx, user.id, params.task_id);
        const found = await listEvents(ctx, id, after, query.limit);
        return pageOf(found, (event) => event.id, viewEvent);
      },
    );

    app.get(
      "/api/v1/tasks/:task_id/progress",
      {
        schema: {
          ...shared,
          operationId: "listTaskProgress",
          summary: "List the progress of a task",
          description: "The progress reports of the task, oldest first.",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskProgressView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const { id } = await getTask(ctx, user.id, params.task_id);
        const found = await listProgress(ctx, id, after, query.limit);
        return pageOf(found, (step) => step.id, viewProgress);
      },
    );

    app.get(
      "/api/v1/tasks/:task_id/files",
      {
        schema: {
          ...shared,
          operationId: "listTaskFiles",
          summary: "List the files of a task",
          description: "The files that the task created; empty until it has completed.",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskFileView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeUuidCursor(query.cursor);
        const task = await getTask(ctx, user.id, params.task_id);
        const found = await listFiles(ctx, task, after, query.limit);
        return pageOf(found, ({ id }) => id, viewFile);
      },
    );
  });
}
