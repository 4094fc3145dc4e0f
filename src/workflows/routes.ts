import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { DETAIL_BYTES } from "../platform/http/bounded-answers.ts";
import { problems } from "../platform/http/errors.ts";
import { NOT_MODIFIED, sendVersion, versionOf } from "../platform/http/etag.ts";
import { decodeNumberCursor, PageQuery, SearchedPage, searchedPageOf } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { readWorkflowFilter, workflowFilterFields } from "./filter.ts";
import { listWorkflows } from "./list-workflows.ts";
import { StepParams, WorkflowParams } from "./params.ts";
import { getWorkflow, getWorkflowDetail, listEdges } from "./queries.ts";
import { showStep } from "./show-step.ts";
import { viewWorkflow, viewWorkflowDetail } from "./views.ts";

export function workflowRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["workflows"] }, (app, shared) => {
    app.get(
      "/api/v1/workflows",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listWorkflows",
          summary: "List workflows",
          description: "Your workflows, newest first.",
          querystring: Type.Object({ ...workflowFilterFields, ...PageQuery }),
          response: { 200: SearchedPage(Type.Ref("Workflow")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit };
        const found = await listWorkflows(ctx, user.id, readWorkflowFilter(query), page);
        return searchedPageOf(
          found,
          ({ number }) => number,
          (workflow) => viewWorkflow(workflow, ctx),
        );
      },
    );

    app.get(
      "/api/v1/workflows/:workflow_id",
      {
        schema: {
          ...shared,
          operationId: "getWorkflow",
          summary: "Get a workflow",
          description:
            "Returns the state, the progress and the graph: the steps with their states, tasks and errors, and the " +
            "dependencies. Poll with `If-None-Match` to get 304 until something changes.",
          params: WorkflowParams,
          response: { 200: Type.Ref("WorkflowDetail"), ...NOT_MODIFIED, ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        const { ctx, user, params } = request;
        await ctx.reserveMemory(DETAIL_BYTES);
        const workflow = await getWorkflowDetail(ctx, user.id, params.workflow_id);
        const view = viewWorkflowDetail(workflow, await listEdges(ctx, workflow.id), ctx);
        return sendVersion(request, reply, versionOf(view), view);
      },
    );

    app.get(
      "/api/v1/workflows/:workflow_id/steps/:name",
      {
        schema: {
          ...shared,
          operationId: "getWorkflowStep",
          summary: "Get a step of a workflow",
          description:
            "Returns the step with its parameters, its result, and a task for each of its attempts.",
          params: StepParams,
          response: { 200: Type.Ref("WorkflowStep"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        await ctx.reserveMemory(DETAIL_BYTES);
        const { id } = await getWorkflow(ctx, user.id, params.workflow_id);
        return showStep(ctx, id, params.name);
      },
    );
  });
}
