/** The life of all tasks, batches, workflows, jobs and workers, for operators. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { problems } from "../platform/http/errors.ts";
import { EVENT_STREAM, EventStream, formatEvent } from "../platform/http/sse.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { EventFeed, MAX_PER_READ, type Received } from "./event-feed.ts";
import { EVENT_KINDS, type EventFilter } from "./life-event.ts";
import { viewLifeEvent } from "./views.ts";

/** A client that has not read for this long is disconnected. */
const MAX_PAUSE_MS = 30_000;

const filterFields = {
  kinds: Type.Optional(
    Type.Array(Type.String({ maxLength: 100 }), {
      maxItems: 20,
      description: `One or more of: ${EVENT_KINDS.join(", ")}. Repeat the parameter, or separate them by commas.`,
      examples: [["task", "worker"]],
    }),
  ),
  type: Type.Optional(
    Type.String({
      maxLength: 100,
      description: "Only tasks of this type, batches of this target, or workflows and jobs of this kind.",
      examples: ["image"],
    }),
  ),
  user_id: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Only tasks, batches, workflows and jobs of this user.",
      examples: [1],
    }),
  ),
};
const Query = Type.Object(filterFields);

const EXAMPLE =
  "retry: 2000\n\n: watching\n\nevent: task\nid: 0f0c2a9e-6d1c-4f0e-8a53-2f4e2f9f4f11_17\n" +
  'data: {"kind":"task","event":"started","id":"019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55","type":"image","user_id":3,...}\n\n';

export function adminEventRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    const feed = new EventFeed(ctx);
    // Before the server waits for its connections to close.
    app.addHook("preClose", () => feed.close());

    app.get(
      "/api/v1/admin/events",
      {
        config: { ignoresUnknownQueries: true },
        schema: {
          ...shared,
          operationId: "streamEvents",
          summary: "Follow everything",
          description:
            "Server-sent events. Each `task`, `batch`, `workflow`, `job` and `worker` is a moment in the life of one: what happened, to which " +
            "id, when, and whose it is. They hold no rows and no parameters. Events arrive within about a second, ordered by time " +
            `within each read. A client gets up to ${2 * MAX_PER_READ} events per second; \`skipped\` has the \`count\` of the ` +
            "matching events that were left out before the next one. A count can be too high, and null is an unknown number. A " +
            "comment every 15 seconds keeps the connection open. A client that reconnects to the same process within 10 seconds " +
            "with `Last-Event-ID` also gets the events of the time without a connection; otherwise it gets `skipped`. A client " +
            `that reads nothing for ${MAX_PAUSE_MS / 1000} seconds is disconnected. The stream ends with the login, or when the ` +
            "user loses the role.",
          querystring: Query,
          headers: Type.Object({
            "last-event-id": Type.Optional(
              Type.String({
                maxLength: 100,
                description: "The `id` of the last event that the client received.",
                examples: ["0f0c2a9e-6d1c-4f0e-8a53-2f4e2f9f4f11_17"],
              }),
            ),
          }),
          response: {
            200: {
              description: "A stream of events.",
              content: { [EVENT_STREAM]: { schema: Type.String({ examples: [EXAMPLE] }) } },
            },
            ...problems(400, 401, 403, 503),
          },
        },
      },
      async (request, reply) => {
        const { query, headers, login, method } = request;
        const filter = readFilter(query);
        if (method === "HEAD") return reply.type(EVENT_STREAM).send("");
        const stream = new EventStream({ hold: request.answer });
        let fullSince: number | null = null;
        const isReady = () => {
          fullSince = stream.isFull ? (fullSince ?? performance.now()) : null;
          if (fullSince !== null && performance.now() - fullSince > MAX_PAUSE_MS) stream.destroy();
          return fullSince === null;
        };
        let prefix = ": watching\n\n";
        const receive = (received: Received) => {
          stream.send(prefix + textOf(received));
          prefix = "";
        };
        const end = () => stream.end();
        const stop = feed.watch({ filter, isReady, receive, end }, headers["last-event-id"]);
        const stopWatchingLogin = login ? app.verifiers.watch(login, end) : () => {};
        stream.onClose(() => {
          stop();
          stopWatchingLogin();
        });
        return stream.answer(reply);
      },
    );
  });
}

function textOf({ events, skipped, lastId }: Received): string {
  const first = skipped === 0 ? "" : formatEvent({ event: "skipped", id: lastId, data: { count: skipped } });
  const sent = events.map(({ id, event }) =>
    formatEvent({ event: event.kind, id, data: viewLifeEvent(event) }),
  );
  return first + sent.join("");
}

/** @throws DomainError `invalid_input` that names the parameter */
function readFilter({ kinds, type, user_id: userId }: Static<typeof Query>): EventFilter {
  return {
    ...(kinds === undefined
      ? {}
      : { kinds: new Set(kinds.flatMap((part) => part.split(",")).map(kindNamed)) }),
    ...(type === undefined ? {} : { type }),
    ...(userId === undefined ? {} : { userId }),
  };
}

function kindNamed(name: string) {
  const kind = EVENT_KINDS.find((known) => known === name.trim());
  if (kind) return kind;
  throw invalidField("kinds", `"${name.slice(0, 100)}" is not one of: ${EVENT_KINDS.join(", ")}.`);
}
