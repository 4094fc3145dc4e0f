import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { createdResponse, createOnce } from "../../idempotency/create-once.ts";
import { IdempotencyHeaders } from "../../idempotency/replay.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { MAX_BODY_BYTES, MAX_DEPTH, MAX_STEPS } from "../limits.ts";
import { getWorkflow } from "../queries.ts";
import { viewWorkflow } from "../views.ts";
import { createWorkflow } from "./create-workflow.ts";
import { readWorkflow } from "./read-workflow.ts";
import { WorkflowBody } from "./workflow-body.ts";

export function createWorkflowRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["workflows"] }, (app, shared) => {
    app.post(
      "/api/v1/workflows",
      {
        bodyLimit: MAX_BODY_BYTES,
        config: { documentedBody: { "application/json": WorkflowBody } },
        schema: {
          ...shared,
          headers: IdempotencyHeaders,
          operationId: "createWorkflow",
          summary: "Create a workflow",
          description:
            "Creates a chain, a group, a chord, or any graph of steps, each of which runs as a task. Returns when the workflow " +
            "and the tasks of its first steps are stored. Types, dependencies and templates are checked now; errors name the " +
            `field, such as \`steps.3.params.subject\`. A workflow has up to ${MAX_STEPS} steps, of which up to ${MAX_DEPTH} run ` +
            `one after the other, in a body of up to ${MAX_BODY_BYTES / 2 ** 20} MiB.`,
          response: {
            201: createdResponse("The workflow is stored and running.", Type.Ref("Workflow")),
            ...problems(400, 401, 403, 409, 413, 415, 422, 429),
          },
        },
      },
      async (request, reply) => {
        const workflow = readWorkflow(request.body);
        const { id: userId } = request.user;
        const created = await createOnce(request, reply, async (tx) => {
          const { id } = await createWorkflow(tx, userId, workflow);
          return viewWorkflow(await getWorkflow(tx, userId, id), tx);
        });
        return reply.code(201).header("location", `/api/v1/workflows/${created.id}`).send(created);
      },
    );
  });
}
