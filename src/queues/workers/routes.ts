import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { Uuid } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { getWorker, listWorkers } from "./queries.ts";
import { shutDownWorker } from "./shut-down-worker.ts";
import { viewWorker, WorkerView } from "./views.ts";

const WorkerParams = Type.Object({ id: { ...Uuid, description: "The id of the worker." } });

export function adminWorkerRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/workers",
      {
        schema: {
          ...shared,
          operationId: "listWorkers",
          summary: "List workers",
          description: "A worker that ends leaves the list; a lost worker stays on it for a day.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(WorkerView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const found = await listWorkers(ctx, decodeUuidCursor(query.cursor), query.limit);
        return pageOf(found, ({ id }) => id, viewWorker);
      },
    );

    app.get(
      "/api/v1/admin/workers/:id",
      {
        schema: {
          ...shared,
          operationId: "getWorker",
          summary: "Get a worker",
          description: "Returns its queues, its running jobs, and what it has done since it started.",
          params: WorkerParams,
          response: { 200: WorkerView, ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewWorker(await getWorker(ctx, params.id)),
    );

    app.post(
      "/api/v1/admin/workers/:id/shutdown",
      {
        schema: {
          ...shared,
          operationId: "shutDownWorker",
          summary: "Shut down a worker",
          description:
            "Within about a second, the worker takes no more jobs. It finishes running jobs, returns those that take longer " +
            "than WORKER_STOP_SECONDS to the queue, and ends. Most supervisors then start a new worker. Repeating the " +
            "request changes nothing. The answer is 409 if the worker is lost.",
          params: WorkerParams,
          response: { 202: WorkerView, ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, params }, reply) => {
        return reply.code(202).send(viewWorker(await shutDownWorker(ctx, params.id)));
      },
    );
  });
}
