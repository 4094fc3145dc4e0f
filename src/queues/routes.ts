import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { Context } from "../context.ts";
import { emptyBodyIsEmpty, parseBody } from "../platform/http/body.ts";
import { ChangedView } from "../platform/http/bulk.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeCursor, notACursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { NUL_FREE } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { JOB_KEY } from "../platform/queue/queue-reads.ts";
import { REQUEST_SECONDS } from "../tasks/control/change-tasks.ts";
import { LISTED_STATES, listJobs, listRecurringJobs, listRegistered } from "./job-queries.ts";
import { pauseQueue, resumeQueue } from "./pause-queue.ts";
import { purgeQueue } from "./purge-queue.ts";
import { getQueue, listQueues } from "./queries.ts";
import {
  JobView,
  QueueNameSchema,
  RegisteredView,
  ScheduleView,
  viewJob,
  viewQueue,
  viewRegistered,
  viewSchedule,
} from "./views.ts";

const QueueParams = Type.Object({ queue: QueueNameSchema });

const PurgeBody = Type.Object({
  expect: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        "The `matched` of an earlier request without `expect`. Absent: the request only counts and cancels nothing.",
      examples: [12],
    }),
  ),
});

const PauseBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        maxLength: 1000,
        pattern: NUL_FREE,
        description: "Why, for other operators. The audit log has it as well.",
        examples: ["The mail server is being replaced."],
      }),
    ),
  },
  { additionalProperties: false },
);
const pauseCheck = Compile(PauseBody);

export function adminQueueRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/queues",
      {
        schema: {
          ...shared,
          operationId: "listQueues",
          summary: "List queues",
          description: "Returns the number of jobs in each queue and how long they have waited.",
          response: {
            200: Type.Object({ items: Type.Array(Type.Ref("Queue")) }, { description: "The queues." }),
            ...problems(401, 403),
          },
        },
      },
      async ({ ctx }) => ({ items: (await listQueues(ctx)).map(viewQueue) }),
    );

    app.post(
      "/api/v1/admin/queues/:queue/pause",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": PauseBody } },
        schema: {
          ...shared,
          operationId: "pauseQueue",
          summary: "Pause a queue",
          description:
            "Within about a second, no worker takes jobs from the queue. Running jobs finish, new jobs wait, and " +
            "maintenance continues. Repeating the request changes nothing, not even the reason.",
          params: QueueParams,
          response: { 200: Type.Ref("Queue"), ...problems(400, 401, 403, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        await pauseQueue(ctx, params.queue, parseBody(pauseCheck, body).reason);
        return viewQueue(await getQueue(ctx, params.queue));
      },
    );

    app.post(
      "/api/v1/admin/queues/:queue/resume",
      {
        schema: {
          ...shared,
          operationId: "resumeQueue",
          summary: "Resume a queue",
          description:
            "Workers take jobs from the queue again at once. Repeating the request changes nothing.",
          params: QueueParams,
          response: { 200: Type.Ref("Queue"), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, params }) => {
        await resumeQueue(ctx, params.queue);
        return viewQueue(await getQueue(ctx, params.queue));
      },
    );

    app.post(
      "/api/v1/admin/queues/:queue/purge",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          operationId: "purgeQueue",
          summary: "Cancel everything that waits in a queue",
          description:
            "Cancels pending tasks and, in `bulk_processing`, queued batches that have not started. Without `expect`, the request " +
            "only counts them. If `expect` is not their number, nothing changes (409). A request ends after about a minute; if " +
            "`changed` is then below `matched`, count again and repeat the request.",
          params: QueueParams,
          body: PurgeBody,
          response: { 200: ChangedView, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => purgeQueue(ctx, params.queue, body.expect, REQUEST_SECONDS),
    );

    app.get(
      "/api/v1/admin/jobs",
      {
        schema: {
          ...shared,
          operationId: "listJobs",
          summary: "List jobs",
          description:
            "Active jobs in the order in which they were taken, waiting jobs in the order in which they were created, scheduled " +
            "jobs in the order in which they are due, or failed jobs, latest first. Failed jobs are kept for a day. " +
            "`GET /api/v1/jobs/{job_id}` returns one with its payload and its error.",
          querystring: Type.Object({
            state: Type.Enum([...LISTED_STATES], {
              default: "active",
              description:
                "active: a worker runs the job. waiting: a worker may take it. scheduled: the job is due later. failed: the job " +
                "is not delivered again.",
            }),
            queue: Type.Optional(QueueNameSchema),
            ...PageQuery,
          }),
          response: {
            200: Type.Object(
              {
                ...Page(JobView).properties,
                schedules: Type.Array(ScheduleView, {
                  description: "Recurring jobs; empty unless `state` is `scheduled`.",
                }),
              },
              { description: "One page of the list." },
            ),
            ...problems(400, 401, 403),
          },
        },
      },
      async ({ ctx, query }) => {
        const after = query.cursor === undefined ? null : decodeCursor(query.cursor);
        if (after !== null && !JOB_KEY.test(after)) throw notACursor();
        const found = await listJobs(ctx, query, { after, limit: query.limit });
        const schedules = query.state === "scheduled" ? await listRecurringJobs(ctx) : [];
        return {
          ...pageOf(found, ({ key }) => key, viewJob),
          schedules: schedules.map(viewSchedule),
        };
      },
    );

    app.get(
      "/api/v1/admin/registered",
      {
        schema: {
          ...shared,
          operationId: "getRegistry",
          summary: "Get the registered queues, jobs and task types",
          description: "Returns what this version knows, and the live workers that take each.",
          response: { 200: RegisteredView, ...problems(401, 403) },
        },
      },
      async ({ ctx }) => viewRegistered(await listRegistered(ctx)),
    );
  });
}
