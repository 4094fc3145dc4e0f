import { createHash } from "node:crypto";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type, { type TSchema } from "typebox";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { claimKey } from "../../idempotency/claim-key.ts";
import { IdempotencyHeaders, REPLAYED_HEADER, requireSameRequest } from "../../idempotency/replay.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { CreatedTasksView, type TaskView, viewTask } from "../views.ts";
import { createTask, createTasks } from "./create-tasks.ts";
import { NewTaskBody, NewTasksBody } from "./new-task-schemas.ts";
import { BULK_MAX_BYTES, MAX_BULK, readTask, readTasks } from "./task-body.ts";

export function createTaskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["tasks"] }, (app, shared) => {
    const schema = { ...shared, headers: IdempotencyHeaders };
    const errors = problems(400, 401, 403, 409, 413, 415, 422, 429);

    app.post(
      "/api/v1/tasks",
      {
        config: { documentedBody: NewTaskBody },
        schema: {
          ...schema,
          operationId: "createTask",
          summary: "Create a task",
          description:
            "Returns when the task and its job are stored. GET /api/v1/task-types/{name} describes the parameters of a type. " +
            "Unknown fields are rejected.",
          response: { 201: createdResponse("The task is stored and queued.", Type.Ref("Task")), ...errors },
        },
      },
      (request, reply) => {
        const task = readTask(request.body);
        const { id: userId } = request.user;
        return createOnce(request, reply, locationOfTask, async (tx) =>
          viewTask(await createTask(tx, userId, task), tx.now()),
        );
      },
    );

    app.post(
      "/api/v1/tasks/bulk",
      {
        bodyLimit: BULK_MAX_BYTES,
        config: { documentedBody: NewTasksBody },
        schema: {
          ...schema,
          operationId: "createTasks",
          summary: "Create many tasks",
          description:
            `Creates up to ${MAX_BULK} tasks, all or none, from a body of up to ${BULK_MAX_BYTES / 2 ** 20} MiB. Errors ` +
            "name the task by its position, such as `tasks.17.params.width`.",
          response: {
            201: createdResponse(
              "The tasks are stored. Tasks that wait for no other task are queued.",
              CreatedTasksView,
            ),
            ...errors,
          },
        },
      },
      (request, reply) => {
        const { requests, order } = readTasks(request.body);
        return createOnce(request, reply, locationOfGroup, async (tx) => {
          const options = { together: order, field: "tasks" };
          const { groupId, tasks } = await createTasks(tx, request.user.id, requests, options);
          return {
            group_id: groupId ?? "",
            count: tasks.length,
            tasks: tasks.map(({ id, number, jobId }) => ({ id, number, job_id: jobId })),
          };
        });
      },
    );

    /** Creates in a transaction, or repeats the stored answer if the Idempotency-Key of the request was used before. */
    async function createOnce<B extends object>(
      request: FastifyRequest<{ Headers: { "idempotency-key"?: string } }>,
      reply: FastifyReply,
      locationOf: (body: B) => string,
      create: (tx: Tx) => Promise<B>,
    ): Promise<FastifyReply> {
      const answer = (body: B) => reply.code(201).header("location", locationOf(body)).send(body);
      const key = request.headers["idempotency-key"];
      if (key === undefined) return answer(await inTransaction(request.ctx, create));
      const fingerprint = fingerprintOf(request);
      await using claim = await claimKey(request.ctx, request.user.id, key);
      if (claim.answer) {
        requireSameRequest(claim.answer, fingerprint);
        reply.header("idempotency-replayed", "true");
        return answer(claim.answer.body as B);
      }
      const body = await inTransaction(request.ctx, async (tx) => {
        const body = await create(tx);
        await claim.store(tx, { fingerprint, status: 201, body });
        return body;
      });
      return answer(body);
    }
  });
}

const locationOfTask = ({ id }: TaskView) => `/api/v1/tasks/${id}`;
const locationOfGroup = ({ group_id }: { group_id: string }) => `/api/v1/tasks?group_id=${group_id}`;

function fingerprintOf({ routeOptions, body }: FastifyRequest): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([routeOptions.url, body]))
    .digest();
}

function createdResponse(description: string, schema: TSchema) {
  return {
    description,
    headers: {
      Location: { type: "string", description: "The path of the created task or tasks." },
      ...REPLAYED_HEADER,
    },
    content: { "application/json": { schema } },
  };
}
