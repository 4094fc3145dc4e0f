import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { authenticate, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { NOT_MODIFIED, sendVersion } from "../platform/http/etag.ts";
import { decodeNumberCursor, decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { readTaskFilter, TaskFilterQuery } from "./filter.ts";
import {
  countByStatus,
  getTask,
  listEvents,
  listFiles,
  listProgress,
  listTasks,
  totalOf,
} from "./queries.ts";
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

export const TaskParams = Type.Object({ task_id: Uuid });

export function taskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["tasks"], security: SECURITY };

    app.get(
      "/api/v1/tasks",
      {
        schema: {
          ...shared,
          summary: "My tasks, newest first",
          querystring: Type.Object({ ...TaskFilterQuery, ...PageQuery }),
          response: { 200: Page(Type.Ref("Task")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit + 1 };
        const found = await listTasks(ctx, user.id, readTaskFilter(query), page);
        const now = ctx.now();
        return pageOf(
          found,
          query.limit,
          ({ number }) => number,
          (task) => viewTask(task, now),
        );
      },
    );

    app.get(
      "/api/v1/tasks/stats",
      {
        schema: {
          ...shared,
          summary: "How many of my tasks are in each status",
          querystring: Type.Object(TaskFilterQuery),
          response: { 200: TaskCounts, ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const counts = await countByStatus(ctx, user.id, readTaskFilter(query));
        return { total: totalOf(counts), ...counts };
      },
    );

    app.get(
      "/api/v1/tasks/:task_id",
      {
        schema: {
          ...shared,
          summary: "A task: status, progress, result",
          description:
            "`ETag` is the version of what is stored; `elapsed_seconds` changes with the clock and has no part in it. Who " +
            "polls with `If-None-Match` gets 304 until something changes.",
          params: TaskParams,
          response: { 200: Type.Ref("Task"), ...NOT_MODIFIED, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const view = viewTask(await getTask(ctx, request.user.id, request.params.task_id), ctx.now());
        return sendVersion(request, reply, taskVersion(view), view);
      },
    );

    app.get(
      "/api/v1/tasks/:task_id/history",
      {
        schema: {
          ...shared,
          summary: "What happened to a task, from its beginning",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskEventView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const { id } = await getTask(ctx, user.id, params.task_id);
        const found = await listEvents(ctx, id, after, query.limit + 1);
        return pageOf(found, query.limit, (event) => event.id, viewEvent);
      },
    );

    app.get(
      "/api/v1/tasks/:task_id/progress",
      {
        schema: {
          ...shared,
          summary: "What a task told of how far it is, from its beginning",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskProgressView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeNumberCursor(query.cursor);
        const { id } = await getTask(ctx, user.id, params.task_id);
        const found = await listProgress(ctx, id, after, query.limit + 1);
        return pageOf(found, query.limit, (step) => step.id, viewProgress);
      },
    );

    app.get(
      "/api/v1/tasks/:task_id/files",
      {
        schema: {
          ...shared,
          summary: "The files that a task has made, once it has completed",
          params: TaskParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(TaskFileView), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => {
        const after = decodeUuidCursor(query.cursor);
        const task = await getTask(ctx, user.id, params.task_id);
        const found = await listFiles(ctx, task, after, query.limit + 1);
        return pageOf(found, query.limit, ({ id }) => id, viewFile);
      },
    );
  };
}
