import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { type Kind, kinds } from "../announcements/kinds.ts";
import type { Context } from "../context.ts";
import { emptyBodyIsEmpty, parseBody } from "../platform/http/body.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { nullable, Uuid } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { deleteNotification, markAllRead, markNotification } from "./change-notifications.ts";
import { emailStatusOf } from "./email-status.ts";
import { type ChannelChanges, changePreferences, listPreferences, type Preference } from "./preferences.ts";
import { countUnread, getNotification, listNotifications, MAX_UNREAD } from "./queries.ts";
import { EmailStatus, NotificationKind, viewNotification, viewPreference, viewUnread } from "./views.ts";

const NotificationParams = Type.Object({
  notification_id: { ...Uuid, description: "The id of the notification." },
});

const ListQuery = Type.Object({
  unread: Type.Optional(
    Type.Boolean({ description: "true: only unread notifications. Absent or false: all." }),
  ),
  kind: Type.Optional({ ...NotificationKind, description: "Only notifications of this kind." }),
  ...PageQuery,
});

const Preferences = Type.Object(
  {
    items: Type.Array(Type.Ref("NotificationPreference"), { description: "One per kind." }),
    email_status: EmailStatus,
  },
  { description: "Your preferences." },
);

const change = (channel: string) =>
  Type.Optional(
    nullable(Type.Boolean(), `Whether you get notifications of this kind ${channel}. null: the default.`),
  );

const Changes = Type.Object(
  {
    in_app: change("in the list"),
    email: change("by e-mail"),
    webhook: change("on your webhooks"),
  },
  { additionalProperties: false, minProperties: 1, description: "Absent channels stay unchanged." },
);

const PreferenceChanges = Type.Partial(
  Type.Object(Object.fromEntries(kinds.map((kind) => [kind, Changes])) as Record<Kind, typeof Changes>),
  {
    additionalProperties: false,
    minProperties: 1,
    description: "The kinds to change.",
    examples: [{ "task.failed": { email: true }, "batch.finished": { email: false } }],
  },
);

const preferencesCheck = Compile(PreferenceChanges);

const ReadBody = Type.Object(
  {
    up_to: Type.Optional({
      ...Uuid,
      description: "The newest notification to mark, so that later ones stay unread. Absent: all.",
    }),
  },
  { additionalProperties: false },
);

const readCheck = Compile(ReadBody);

const Marked = Type.Object(
  {
    marked: Type.Integer({ description: "The number of notifications that were unread.", examples: [3] }),
  },
  { description: "The notifications are read." },
);

export function notificationRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["notifications"] }, (app, shared) => {
    app.get(
      "/api/v1/notifications",
      {
        schema: {
          ...shared,
          operationId: "listNotifications",
          summary: "List notifications",
          description: "Your notifications, newest first.",
          querystring: ListQuery,
          response: { 200: Page(Type.Ref("Notification")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => {
        const { kind, unread, cursor, limit } = query;
        const request = { kind, isUnread: unread, before: decodeUuidCursor(cursor), limit };
        const found = await listNotifications(ctx, user.id, request);
        return pageOf(found, ({ id }) => id, viewNotification);
      },
    );

    app.get(
      "/api/v1/notifications/unread-count",
      {
        schema: {
          ...shared,
          operationId: "countUnreadNotifications",
          summary: "Count unread notifications",
          description: `Counts up to ${MAX_UNREAD} notifications, so that it is always fast.`,
          response: {
            200: Type.Object(
              {
                unread: Type.Integer({ description: "The number of unread notifications.", examples: [3] }),
                has_more: Type.Boolean({
                  description: `true: there are more than ${MAX_UNREAD}; show this as "${MAX_UNREAD}+".`,
                  examples: [false],
                }),
              },
              { description: "The count." },
            ),
            ...problems(401),
          },
        },
      },
      async ({ ctx, user }) => {
        const [counted] = await countUnread(ctx, [user.id]);
        return viewUnread(counted?.unread ?? 0);
      },
    );

    app.post(
      "/api/v1/notifications/read",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": ReadBody } },
        schema: {
          ...shared,
          operationId: "markAllNotificationsRead",
          summary: "Mark all notifications as read",
          description: "Marks those that existed when the request began, or those up to `up_to`.",
          response: { 200: Marked, ...problems(400, 401, 413, 415) },
        },
      },
      async ({ ctx, user, body }) => {
        const { up_to } = parseBody(readCheck, body);
        return { marked: await markAllRead(ctx, user.id, up_to) };
      },
    );

    app.get(
      "/api/v1/notifications/:notification_id",
      {
        schema: {
          ...shared,
          operationId: "getNotification",
          summary: "Get a notification",
          description: "Does not mark it as read.",
          params: NotificationParams,
          response: { 200: Type.Ref("Notification"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) =>
        viewNotification(await getNotification(ctx, user.id, params.notification_id)),
    );

    for (const [verb, isRead] of [
      ["read", true],
      ["unread", false],
    ] as const) {
      app.post(
        `/api/v1/notifications/:notification_id/${verb}`,
        {
          schema: {
            ...shared,
            operationId: isRead ? "markNotificationRead" : "markNotificationUnread",
            summary: `Mark a notification as ${verb}`,
            description: `Does nothing if it is ${verb} already.`,
            params: NotificationParams,
            response: { 200: Type.Ref("Notification"), ...problems(400, 401, 404) },
          },
        },
        async ({ ctx, user, params }) =>
          viewNotification(await markNotification(ctx, user.id, params.notification_id, isRead)),
      );
    }

    app.delete(
      "/api/v1/notifications/:notification_id",
      {
        schema: {
          ...shared,
          operationId: "deleteNotification",
          summary: "Delete a notification",
          description: "Does not affect an e-mail or a webhook delivery about the same event.",
          params: NotificationParams,
          response: {
            204: Type.Null({ description: "The notification is deleted." }),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteNotification(ctx, user.id, params.notification_id);
        return reply.code(204).send(null);
      },
    );

    app.get(
      "/api/v1/notification-preferences",
      {
        schema: {
          ...shared,
          operationId: "listNotificationPreferences",
          summary: "List notification preferences",
          description: "The kinds of notifications that you can get, and the channels on which you get them.",
          response: { 200: Preferences, ...problems(401) },
        },
      },
      async ({ ctx, user }) => viewPreferences(ctx, user.id, await listPreferences(ctx, user)),
    );

    app.patch(
      "/api/v1/notification-preferences",
      {
        config: { documentedBody: { "application/json": PreferenceChanges } },
        schema: {
          ...shared,
          operationId: "updateNotificationPreferences",
          summary: "Update notification preferences",
          description: "Changes the named channels of the named kinds. They apply to later events.",
          response: { 200: Preferences, ...problems(400, 401, 413, 415) },
        },
      },
      async ({ ctx, user, body }) => {
        const wanted = parseBody(preferencesCheck, body);
        const changes = new Map(
          kinds.flatMap((kind) => (wanted[kind] ? [[kind, channelsOf(wanted[kind])] as const] : [])),
        );
        return viewPreferences(ctx, user.id, await changePreferences(ctx, user, changes));
      },
    );
  });
}

async function viewPreferences(ctx: Context, userId: number, preferences: readonly Preference[]) {
  return { items: preferences.map(viewPreference), email_status: await emailStatusOf(ctx, userId) };
}

function channelsOf({ in_app: inApp, email, webhook }: Static<typeof Changes>): ChannelChanges {
  return { inApp, email, webhook };
}
