/** Operators list and cancel the workflows of all users. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { emptyBodyIsEmpty, parseBody } from "../platform/http/body.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeNumberCursor, PageQuery, SearchedPage, searchedPageOf } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { CancelBody, cancelCheck } from "./control/cancel-body.ts";
import { cancelWorkflow } from "./control/cancel-workflow.ts";
import { adminWorkflowFilterFields, readWorkflowFilter } from "./filter.ts";
import { listWorkflows } from "./list-workflows.ts";
import { StepParams, WorkflowParams } from "./params.ts";
import { getWorkflow, getWorkflowDetail, listEdges } from "./queries.ts";
import { showStep } from "./show-step.ts";
import { viewWorkflow, viewWorkflowDetail } from "./views.ts";

export function adminWorkflowRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/workflows",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "adminListWorkflows",
          summary: "List the workflows of all users",
          description: "Newest first.",
          querystring: Type.Object({ ...adminWorkflowFilterFields, ...PageQuery }),
          response: { 200: SearchedPage(Type.Ref("Workflow")), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit };
        const found = await listWorkflows(ctx, null, readWorkflowFilter(query), page);
        return searchedPageOf(
          found,
          ({ number }) => number,
          (workflow) => viewWorkflow(workflow, ctx),
        );
      },
    );

    app.get(
      "/api/v1/admin/workflows/:workflow_id",
      {
        schema: {
          ...shared,
          operationId: "adminGetWorkflow",
          summary: "Get a workflow of any user",
          description: "Like GET /api/v1/workflows/{workflow_id}, but for the workflows of all users.",
          params: WorkflowParams,
          response: { 200: Type.Ref("WorkflowDetail"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        const workflow = await getWorkflowDetail(ctx, null, params.workflow_id);
        return viewWorkflowDetail(workflow, await listEdges(ctx, workflow.id), ctx);
      },
    );

    app.get(
      "/api/v1/admin/workflows/:workflow_id/steps/:name",
      {
        schema: {
          ...shared,
          operationId: "adminGetWorkflowStep",
          summary: "Get a step of a workflow of any user",
          description:
            "Like GET /api/v1/workflows/{workflow_id}/steps/{name}, but for the workflows of all users.",
          params: StepParams,
          response: { 200: Type.Ref("WorkflowStep"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        const { id } = await getWorkflow(ctx, null, params.workflow_id);
        return showStep(ctx, id, params.name);
      },
    );

    app.post(
      "/api/v1/admin/workflows/:workflow_id/cancel",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": CancelBody } },
        schema: {
          ...shared,
          operationId: "adminCancelWorkflow",
          summary: "Cancel a workflow of any user",
          description:
            "Like POST /api/v1/workflows/{workflow_id}/cancel, but for the workflows of all users. The audit log records it.",
          params: WorkflowParams,
          response: { 200: Type.Ref("Workflow"), ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { reason = "" } = parseBody(cancelCheck, body);
        return viewWorkflow(await cancelWorkflow(ctx, null, params.workflow_id, reason), ctx);
      },
    );
  });
}
