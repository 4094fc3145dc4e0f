import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { NOTIFICATION_CHANNEL } from "../announcements/announce.ts";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { LogFeed } from "../platform/http/log-feed.ts";
import { Uuid } from "../platform/http/schemas.ts";
import { EVENT_STREAM } from "../platform/http/sse.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { firstUuidV7, timeOfUuidV7 } from "../platform/ids.ts";
import { listNotificationsAfter } from "./queries.ts";
import { viewNotification } from "./views.ts";

/** An id is drawn before the commit, so that a notification can become visible after later ones. */
const LOOK_BACK_MS = 30_000;
/** Notifications per read. */
const PAGE = 50;

const EXAMPLE =
  'retry: 2000\n\nevent: notification\nid: 01a20159-f320-7af5-a6be-a1fe5c1b2d3e\ndata: {"kind":"batch.finished",...}\n\n';

export function notificationEventRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["notifications"] }, (app, shared) => {
    const source = { event: "notification", channel: NOTIFICATION_CHANNEL, view: viewNotification };
    const read = async (list: string, last: string, sent: ReadonlySet<string>) => {
      let after = firstUuidV7(new Date(timeOfUuidV7(last).getTime() - LOOK_BACK_MS));
      for (;;) {
        const { items, hasMore } = await listNotificationsAfter(ctx, Number(list), after, PAGE);
        const fresh = items.filter(({ id }) => !sent.has(id));
        if (fresh.length > 0 || !hasMore) return fresh;
        after = items.at(-1)?.id ?? after;
      }
    };
    const feed = new LogFeed({ ...source, read }, ctx);
    // Before the server waits for its connections to close.
    app.addHook("preClose", async () => feed.close());

    app.get(
      "/api/v1/notifications/events",
      {
        schema: {
          ...shared,
          operationId: "streamNotifications",
          summary: "Follow notifications",
          description:
            "Server-sent events. Each `notification` has a new notification as the list shows it. A comment every 15 seconds " +
            "keeps the connection open. A client that reconnects with `Last-Event-ID` also gets the notifications of the time " +
            "without a connection, and once more those of the 30 seconds before the last event: ignore ids that you know. " +
            "Without it, the stream begins with the notifications of the last 30 seconds.",
          headers: Type.Object({
            "last-event-id": Type.Optional({
              ...Uuid,
              description: "The `id` of the last event that the client received.",
            }),
          }),
          response: {
            200: {
              description: "A stream of events.",
              content: { [EVENT_STREAM]: { schema: Type.String({ examples: [EXAMPLE] }) } },
            },
            ...problems(400, 401),
          },
        },
      },
      async ({ user, headers }, reply) => {
        const last = headers["last-event-id"]?.toLowerCase() ?? firstUuidV7(ctx.now());
        return feed.answer(String(user.id), last, reply);
      },
    );
  });
}
