import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { emptyBodyIsEmpty, parseBody } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { WorkflowParams } from "../params.ts";
import { viewWorkflow } from "../views.ts";
import { CancelBody, cancelCheck } from "./cancel-body.ts";
import { cancelWorkflow } from "./cancel-workflow.ts";
import { deleteWorkflow } from "./delete-workflow.ts";
import { retryWorkflow } from "./retry-workflow.ts";

export function workflowControlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["workflows"] }, (app, shared) => {
    const schema = { ...shared, params: WorkflowParams };
    const errors = problems(400, 401, 403, 404, 409, 413, 415);

    app.post(
      "/api/v1/workflows/:workflow_id/cancel",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": CancelBody } },
        schema: {
          ...schema,
          operationId: "cancelWorkflow",
          summary: "Cancel a workflow",
          description:
            "Cancels all steps that are not final, and their tasks. Workers that run them stop within about a second. " +
            "Repeating the request changes nothing; 409 if the workflow has completed or failed.",
          response: { 200: Type.Ref("Workflow"), ...errors },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { reason = "" } = parseBody(cancelCheck, body);
        return viewWorkflow(await cancelWorkflow(ctx, user.id, params.workflow_id, reason), ctx);
      },
    );

    app.post(
      "/api/v1/workflows/:workflow_id/retry",
      {
        schema: {
          ...schema,
          operationId: "retryWorkflow",
          summary: "Retry a workflow",
          description:
            "For a workflow that failed or was cancelled. Steps that failed or were cancelled run again with new tasks, and so do " +
            "all steps that depend on them, directly or indirectly, even if those have completed: a step with `when: failure`, or " +
            "one after a step with `on_failure: continue`, has seen the old failure. Other steps keep their results, and failures " +
            "with `on_failure: ignore` are not repeated. The deadline begins again.",
          response: { 200: Type.Ref("Workflow"), ...errors, ...problems(429) },
        },
      },
      async ({ ctx, user, params }) =>
        viewWorkflow(await retryWorkflow(ctx, user.id, params.workflow_id), ctx),
    );

    app.delete(
      "/api/v1/workflows/:workflow_id",
      {
        schema: {
          ...schema,
          operationId: "deleteWorkflow",
          summary: "Delete a workflow",
          description:
            "Deletes a workflow that has ended, with its tasks, their history and the files that they created. 409 if it is " +
            "running: cancel it first.",
          response: {
            204: Type.Null({ description: "The workflow is deleted." }),
            ...problems(400, 401, 403, 404, 409),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteWorkflow(ctx, user.id, params.workflow_id);
        return reply.code(204).send(null);
      },
    );
  });
}
