/** One stream for all that a page shows: browsers allow few connections to one server. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { countBatches } from "../../batches/queries.ts";
import type { Context } from "../../context.ts";
import { invalidField, notFound } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { EVENT_STREAM, EventStream } from "../../platform/http/sse.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { isUuid } from "../../platform/ids.ts";
import { countTasks } from "../../tasks/queries.ts";
import { countWorkflows } from "../../workflows/queries.ts";
import { ChangeFeed } from "./change-feed.ts";
import { sendChanges } from "./send-changes.ts";
import { batchChanges, notificationChanges, taskChanges, workflowChanges } from "./sources.ts";

/** The ids of one kind: as many as a page of a list shows. */
const MAX_IDS = 100;
/** All ids: 7.4 kB. Many proxies refuse a URL of more than 8 kB. */
const MAX_ALL_IDS = 200;
const MAX_LENGTH = 10_000;

const Ids = (things: string) =>
  Type.Optional(
    Type.Array(Type.String({ maxLength: MAX_LENGTH }), {
      maxItems: MAX_IDS,
      description: `The ids of up to ${MAX_IDS} ${things}. Repeat the parameter, or separate them by commas.`,
      examples: [["01a20159-f320-7af5-a6be-a1fe00000000"]],
    }),
  );

const Query = Type.Object({
  batches: Ids("batches"),
  tasks: Ids("tasks"),
  workflows: Ids("workflows"),
  notifications: Type.Optional(
    Type.Boolean({ description: "true: also send the number of your unread notifications." }),
  ),
});

const EXAMPLE =
  'retry: 2000\n\nevent: batch\nid: 5Zr0bPLfbWAW6ZP5U9dWaQ\ndata: {"id":"01a20159-f320-7af5-a6be-a1fe00000000","state":"processing",...}\n\n' +
  'event: notifications\nid: Jx2Qf5rZbPLfbWAW6ZP5U9\ndata: {"unread":3,"has_more":false,"newest_id":"01a20159-f320-7af5-a6be-a1fe5c1b2d3e"}\n\n';

export function changeRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["events"] }, (app, shared) => {
    const reads = { ...ctx, ...ctx.reads };
    const kinds = [
      { name: "batches", noun: "batch", feed: new ChangeFeed(batchChanges(reads), ctx), count: countBatches },
      { name: "tasks", noun: "task", feed: new ChangeFeed(taskChanges(reads), ctx), count: countTasks },
      {
        name: "workflows",
        noun: "workflow",
        feed: new ChangeFeed(workflowChanges(reads), ctx),
        count: countWorkflows,
      },
    ] as const;
    const notifications = new ChangeFeed(notificationChanges(reads), ctx);
    const open = new Set<EventStream>();
    // Before the server waits for its connections to close.
    app.addHook("preClose", async () => {
      for (const stream of open) stream.end();
      for (const { feed } of kinds) feed.close();
      notifications.close();
    });

    app.get(
      "/api/v1/events",
      {
        config: { ignoresUnknownQueries: true },
        schema: {
          ...shared,
          operationId: "streamChanges",
          summary: "Follow several things",
          description:
            "Server-sent events for all that a page shows, on one connection. `batch`, `task` and `workflow` have one of the named " +
            "things as its list shows it, a task without `params`, `result` and `metadata`. The stream begins with the current " +
            "state of each; later, an event is sent whenever a thing changes, a workflow also when one of its steps changes, at " +
            "most four times per second for each thing. `deleted` has the `kind` and the `id` of a deleted thing. " +
            "`notifications` has the number of your unread notifications (`unread`; `has_more`: there are more than that) and " +
            "`newest_id`, the id of the newest one or null; it is sent at first, and when notifications arrive or are read. The " +
            "stream stays open after the things have ended. It ends with the login. A comment every 15 seconds keeps the connection " +
            "open. A client that reconnects gets the current states again. A client that reads slowly gets only the newest " +
            `state of each thing. A stream has up to ${MAX_ALL_IDS} ids. If one of the things does not exist or is not yours, the ` +
            "answer is 404. Operators and admins can follow the things of all users; `allowed_actions` are then those of the owner.",
          querystring: Query,
          response: {
            200: {
              description: "A stream of events.",
              content: { [EVENT_STREAM]: { schema: Type.String({ examples: [EXAMPLE] }) } },
            },
            ...problems(400, 401, 404),
          },
        },
      },
      async (request, reply) => {
        const { ctx, user, query, login, method } = request;
        const wanted = kinds
          .map((kind) => ({ ...kind, ids: readIds(kind.name, query[kind.name]) }))
          .filter(({ ids }) => ids.size > 0);
        const size = wanted.reduce((sum, { ids }) => sum + ids.size, 0);
        if (size === 0 && !query.notifications)
          throw invalidField(
            "batches",
            "Name at least one batch, task or workflow, or send notifications=true.",
          );
        if (size > MAX_ALL_IDS)
          throw invalidField(
            "batches",
            `${size} ids are too many for one stream. The limit is ${MAX_ALL_IDS}.`,
          );
        const owner = user.role === "user" ? user.id : null;
        for (const { ids, noun, count } of wanted)
          if ((await count(ctx, owner, [...ids])) < ids.size) throw notFound(noun);
        if (method === "HEAD") return reply.type(EVENT_STREAM).send("");

        const stream = new EventStream({ hold: request.answer });
        open.add(stream);
        const stops = wanted.map(({ feed, ids }) => sendChanges(stream, feed, ids));
        if (query.notifications) stops.push(sendChanges(stream, notifications, new Set([String(user.id)])));
        if (login) stops.push(app.verifiers.watch(login, () => stream.end()));
        stream.onClose(() => {
          open.delete(stream);
          for (const stop of stops) stop();
        });
        return stream.answer(reply);
      },
    );
  });
}

/** @throws DomainError `invalid_input` that names the parameter */
function readIds(name: string, parts: readonly string[] = []): ReadonlySet<string> {
  const ids = new Set(parts.flatMap((part) => part.split(",")).map((id) => id.trim().toLowerCase()));
  const wrong = [...ids].find((id) => !isUuid(id));
  if (wrong !== undefined) throw invalidField(name, `"${wrong.slice(0, 100)}" is not an id.`);
  if (ids.size > MAX_IDS) throw invalidField(name, `${ids.size} ids are too many. The limit is ${MAX_IDS}.`);
  return ids;
}
