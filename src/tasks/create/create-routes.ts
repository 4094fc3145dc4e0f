import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { createdResponse, createOnce } from "../../idempotency/create-once.ts";
import { IdempotencyHeaders } from "../../idempotency/replay.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { CreatedTasksView, viewTask } from "../views.ts";
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
      async (request, reply) => {
        const task = readTask(request.body);
        const { id: userId } = request.user;
        const created = await createOnce(request, reply, async (tx) =>
          viewTask(await createTask(tx, userId, task), tx),
        );
        return reply.code(201).header("location", `/api/v1/tasks/${created.id}`).send(created);
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
      async (request, reply) => {
        const { requests, order } = readTasks(request.body);
        const created = await createOnce(request, reply, async (tx) => {
          const options = { together: order, field: "tasks" };
          const { groupId, tasks } = await createTasks(tx, request.user.id, requests, options);
          return {
            group_id: groupId ?? "",
            count: tasks.length,
            tasks: tasks.map(({ id, number, jobId }) => ({ id, number, job_id: jobId })),
          };
        });
        const location = `/api/v1/tasks?group_id=${created.group_id}`;
        return reply.code(201).header("location", location).send(created);
      },
    );
  });
}
