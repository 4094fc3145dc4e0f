/** Queues, workers and jobs, as those who run them see them. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import type { QueueName } from "../jobs.ts";
import { authenticate, requireRole, SECURITY } from "../platform/http/auth.ts";
import { emptyBodyIsEmpty } from "../platform/http/body.ts";
import { problems } from "../platform/http/errors.ts";
import {
  decodeCursor,
  decodeUuidCursor,
  notACursor,
  Page,
  PageQuery,
  pageOf,
} from "../platform/http/paging.ts";
import { JOB_KEY } from "../platform/queue/queue-reads.ts";
import { ChangedView, REQUEST_SECONDS } from "../tasks/control/change-tasks.ts";
import { listJobs, listRegistered, nextSchedules } from "./job-queries.ts";
import { pauseQueue, resumeQueue } from "./pause-queue.ts";
import { purgeQueue } from "./purge-queue.ts";
import { listQueues, listWorkers } from "./queries.ts";
import {
  JobView,
  QueueNameSchema,
  type QueueView,
  RegisteredView,
  ScheduleView,
  viewJob,
  viewQueue,
  viewRegistered,
  viewSchedule,
  viewWorker,
  WorkerView,
} from "./views.ts";

const QueueParams = Type.Object({ queue: QueueNameSchema });

const PurgeBody = Type.Object({
  expect: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: "How many there are, as a call without it has told. Absent: only counted.",
      examples: [12],
    }),
  ),
});

export function adminQueueRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    app.addHook("onRequest", requireRole("operator", "admin"));
    const shared = { tags: ["admin"], security: SECURITY };

    app.get(
      "/api/v1/admin/queues",
      {
        schema: {
          ...shared,
          summary: "How much waits in each queue, and for how long",
          response: { 200: Type.Object({ items: Type.Array(Type.Ref("Queue")) }), ...problems(401, 403) },
        },
      },
      async ({ ctx }) => ({ items: (await listQueues(ctx)).map(viewQueue) }),
    );

    app.post(
      "/api/v1/admin/queues/:queue/pause",
      {
        schema: {
          ...shared,
          summary: "Have no worker take anything from a queue",
          description:
            "Within about a second, on all of them. Jobs in hand end, new ones wait; upkeep goes on. Sent again, it changes " +
            "nothing.",
          params: QueueParams,
          response: { 200: Type.Ref("Queue"), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, params }) => {
        await pauseQueue(ctx, params.queue);
        return viewOf(ctx, params.queue);
      },
    );

    app.post(
      "/api/v1/admin/queues/:queue/resume",
      {
        schema: {
          ...shared,
          summary: "Let workers take from a queue again",
          description: "At once. Sent again, it changes nothing.",
          params: QueueParams,
          response: { 200: Type.Ref("Queue"), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, params }) => {
        await resumeQueue(ctx, params.queue);
        return viewOf(ctx, params.queue);
      },
    );

    app.post(
      "/api/v1/admin/queues/:queue/purge",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          summary: "Cancel all that waits in a queue",
          description:
            "Pending tasks, and in `bulk_processing` the batches that are queued and not begun. Without `expect` they are only " +
            "counted; with any other number than there is, nothing is changed (409). Where it takes over a minute, `changed` " +
            "is below `matched`: count and send it again.",
          params: QueueParams,
          body: PurgeBody,
          response: { 200: ChangedView, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => purgeQueue(ctx, params.queue, body.expect, REQUEST_SECONDS),
    );

    app.get(
      "/api/v1/admin/workers",
      {
        schema: {
          ...shared,
          summary: "The processes that take jobs",
          description: "One that ends takes itself off the list; one that was lost stays on it for a day.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(WorkerView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const found = await listWorkers(ctx, decodeUuidCursor(query.cursor), query.limit + 1);
        return pageOf(found, query.limit, ({ id }) => id, viewWorker);
      },
    );

    app.get(
      "/api/v1/admin/jobs",
      {
        schema: {
          ...shared,
          summary: "Jobs that are being worked on, or due later",
          description: "Those that were taken, or are due, first come first.",
          querystring: Type.Object({
            state: Type.Enum(["active", "scheduled"], { default: "active" }),
            ...PageQuery,
          }),
          response: {
            200: Type.Object({
              ...Page(JobView).properties,
              schedules: Type.Array(ScheduleView, {
                description: "Jobs that come by themselves, where asked for `scheduled`.",
              }),
            }),
            ...problems(400, 401, 403),
          },
        },
      },
      async ({ ctx, query }) => {
        const after = query.cursor === undefined ? null : decodeCursor(query.cursor);
        if (after !== null && !JOB_KEY.test(after)) throw notACursor();
        const found = await listJobs(ctx, query.state, { after, limit: query.limit + 1 });
        const schedules = query.state === "scheduled" ? await nextSchedules(ctx) : [];
        return {
          ...pageOf(found, query.limit, ({ key }) => key, viewJob),
          schedules: schedules.map(viewSchedule),
        };
      },
    );

    app.get(
      "/api/v1/admin/registered",
      {
        schema: {
          ...shared,
          summary: "The queues, jobs and task types that there are, and who takes them",
          response: { 200: RegisteredView, ...problems(401, 403) },
        },
      },
      async ({ ctx }) => viewRegistered(await listRegistered(ctx)),
    );
  };
}

async function viewOf(ctx: Context, name: QueueName): Promise<QueueView> {
  const [found] = (await listQueues(ctx)).filter(({ queue }) => queue === name);
  if (!found) throw new Error(`There is no queue ${name}.`);
  return viewQueue(found);
}
