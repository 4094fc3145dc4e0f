import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { authenticate, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { LiveFeed } from "../platform/http/live-feed.ts";
import { getTask } from "./queries.ts";
import { TaskParams } from "./routes.ts";
import { hasEnded } from "./state.ts";
import { TASK_CHANNEL, type Task } from "./take-edge.ts";
import { taskVersion, viewTask } from "./views.ts";

const EXAMPLE = `retry: 2000

event: task
id: 5Zr0bPLfbWAW6ZP5U9dWaQ
data: {"id":"019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55","number":17,"type":"generic","status":"processing","progress":45,...}

`;

export function taskEventRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    const read = async ({ id, userId }: Pick<Task, "id" | "userId">) => {
      const task = await getTask(ctx, userId, id);
      const data = viewTask(task, ctx.now());
      return { version: taskVersion(data), data, hasEnded: hasEnded(task.status) };
    };
    const feed = new LiveFeed({ event: "task", channel: TASK_CHANNEL, read }, ctx);
    app.addHook("onRequest", authenticate(ctx.config));
    // Before the server waits for its connections to end.
    app.addHook("preClose", async () => feed.close());

    app.get(
      "/api/v1/tasks/:task_id/events",
      {
        // It would stay open.
        exposeHeadRoute: false,
        schema: {
          tags: ["tasks"],
          security: SECURITY,
          summary: "A task, live, as server-sent events",
          description:
            "`task`: the task as GET shows it, at first and whenever it changes, at most four times a second. `end`: the same " +
            "once more when it has ended, and the stream closes. A comment every 15 seconds keeps the connection. Who comes " +
            "back with `Last-Event-ID` hears only what is newer, and 204 where that is nothing, by which an EventSource " +
            "knows to stay away.",
          params: TaskParams,
          headers: Type.Object({
            "last-event-id": Type.Optional(
              Type.String({ maxLength: 100, description: "`id` of the last event." }),
            ),
          }),
          response: {
            200: {
              description: "The stream.",
              content: { "text/event-stream": { schema: Type.String({ examples: [EXAMPLE] }) } },
            },
            204: Type.Null({ description: "The task has ended, and the client has heard so." }),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ user, params, headers }, reply) => {
        const task = await getTask(ctx, user.id, params.task_id);
        return feed.answer(task, headers["last-event-id"], reply);
      },
    );
  };
}
