import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Context } from "../context.ts";
import { versionOf } from "../platform/http/etag.ts";
import { LiveFeed, streamSchema } from "../platform/http/live-feed.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { WORKFLOW_CHANNEL } from "../tasks/transitions.ts";
import { WorkflowParams } from "./params.ts";
import { getWorkflowDetail, type WorkflowDetail } from "./queries.ts";
import { viewForEvents } from "./views.ts";

export function workflowEventRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["workflows"] }, (app, shared) => {
    const read = ({ id, userId }: WorkflowDetail) => getWorkflowDetail(ctx, userId, id);
    const show = (workflow: WorkflowDetail) => {
      const data = viewForEvents(workflow, ctx);
      return { version: versionOf(data), data, hasEnded: workflow.state !== "running" };
    };
    const feed = new LiveFeed({ event: "workflow", channel: WORKFLOW_CHANNEL, read, show }, ctx);
    // Before the server waits for its connections to close.
    app.addHook("preClose", async () => feed.close());

    const schema = streamSchema({
      what: "workflow",
      whenever: "one of its steps changes",
      example:
        '{"id":"019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55","state":"running","progress":50,...,"steps":{"report":"completed","notify":"running"}}',
    });
    app.get(
      "/api/v1/workflows/:workflow_id/events",
      {
        schema: {
          ...shared,
          operationId: "streamWorkflowEvents",
          summary: "Follow a workflow",
          params: WorkflowParams,
          ...schema,
          description: `${schema.description} Each event also has \`steps\`: the state of each step, by its name.`,
        },
      },
      async ({ ctx, user, params, headers }, reply) => {
        const workflow = await getWorkflowDetail(ctx, user.id, params.workflow_id);
        return feed.answer(workflow, headers["last-event-id"], reply);
      },
    );
  });
}
