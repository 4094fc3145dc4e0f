import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Context } from "../context.ts";
import { LiveFeed, streamSchema } from "../platform/http/live-feed.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { TaskParams } from "./params.ts";
import { getTask } from "./queries.ts";
import { hasEnded } from "./state.ts";
import { TASK_CHANNEL, type Task } from "./transitions.ts";
import { taskVersion, viewTask } from "./views.ts";

export function taskEventRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["tasks"] }, (app, shared) => {
    const read = ({ id, userId }: Task) => getTask(ctx, userId, id);
    const show = (task: Task) => {
      const data = viewTask(task, ctx);
      return { version: taskVersion(data), data, hasEnded: hasEnded(task.status) };
    };
    const feed = new LiveFeed({ event: "task", channel: TASK_CHANNEL, read, show }, ctx);
    // Before the server waits for its connections to close.
    app.addHook("preClose", async () => feed.close());

    app.get(
      "/api/v1/tasks/:task_id/events",
      {
        schema: {
          ...shared,
          operationId: "streamTaskEvents",
          summary: "Follow a task",
          params: TaskParams,
          ...streamSchema({
            what: "task",
            whenever: "it changes",
            example:
              '{"id":"019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55","number":17,"type":"generic","status":"processing","progress":45,...}',
          }),
        },
      },
      async ({ ctx, user, params, headers }, reply) => {
        const task = await getTask(ctx, user.id, params.task_id);
        return feed.answer(task, headers["last-event-id"], reply);
      },
    );
  });
}
