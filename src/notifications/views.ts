/** Notifications and preferences in answers. */
import Type, { type Static } from "typebox";
import { announcementKinds, type Kind, kinds } from "../announcements/kinds.ts";
import { MapOf, Moment, NullableMoment, Uuid } from "../platform/http/schemas.ts";
import { describeNotification } from "./describe-notification.ts";
import type { Preference } from "./preferences.ts";
import { type ListedNotification, MAX_UNREAD } from "./queries.ts";

export const NotificationKind = Type.Enum([...kinds], { description: "The kind of event." });

const EXAMPLE = {
  id: "01a20159-f320-7af5-a6be-a1fe5c1b2d3e",
  kind: "batch.finished",
  text: "books.csv has completed with errors: 316 of 320 rows succeeded.",
  subject_id: "01a20159-f320-7af5-a6be-a1fe00000000",
  sequence: 1,
  data: {
    batch_id: "01a20159-f320-7af5-a6be-a1fe00000000",
    target: "books",
    file_name: "books.csv",
    state: "completed_with_errors",
    reason: "4 rows failed.",
    total: 320,
    succeeded: 316,
    failed: 4,
    unprocessed: 0,
  },
  limit_reached: false,
  created_at: "2026-11-22T03:43:24.120Z",
  read_at: null,
};

export const NotificationView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the notification." },
    kind: NotificationKind,
    text: Type.String({ description: "The event in one sentence." }),
    subject_id: Type.String({
      description: "The id of the batch, the task or the other thing that the notification is about.",
    }),
    sequence: Type.Integer({
      description: "Increases with each notification about the same thing, such as a batch that is retried.",
    }),
    data: MapOf(Type.Unknown(), {
      description: "The facts; `GET /api/v1/notification-preferences` describes them for each kind.",
    }),
    limit_reached: Type.Boolean({
      description:
        "true: this is the last of 100 notifications of its kind within an hour. Later events of this hour are not listed here.",
    }),
    created_at: Moment("When the event happened."),
    read_at: NullableMoment("When you marked it as read. null: it is unread."),
  },
  { $id: "Notification", description: "A notification.", examples: [EXAMPLE] },
);

export function viewNotification(notification: ListedNotification): Static<typeof NotificationView> {
  const { id, kind, subjectId, sequence, data, isLastOfHour, createdAt, readAt } = notification;
  return {
    id,
    kind: kind as Kind,
    text: describeNotification(notification),
    subject_id: subjectId,
    sequence,
    data,
    limit_reached: isLastOfHour,
    created_at: createdAt.toISOString(),
    read_at: readAt?.toISOString() ?? null,
  };
}

export const viewUnread = (unread: number) => ({
  unread: Math.min(unread, MAX_UNREAD),
  has_more: unread > MAX_UNREAD,
});

const channel = (description: string) => Type.Boolean({ description });

const ChannelsView = (description: string) =>
  Type.Object(
    {
      in_app: channel("Whether the list of notifications shows it."),
      email: channel("Whether you get an e-mail."),
      webhook: channel("Whether your webhooks get it, if they have chosen its kind."),
    },
    { description },
  );

export const PreferenceView = Type.Object(
  {
    kind: NotificationKind,
    description: Type.String({ description: "The event." }),
    channels: ChannelsView("The channels on which you get it."),
    defaults: ChannelsView("The channels if you choose nothing."),
    data: MapOf(Type.Unknown(), { description: "The JSON Schema of `data` of such notifications." }),
  },
  {
    $id: "NotificationPreference",
    description: "A kind of notification, and the channels on which you get it.",
    examples: [
      {
        kind: "task.failed",
        description: "A task has failed and is not retried.",
        channels: { in_app: true, email: true, webhook: true },
        defaults: { in_app: true, email: false, webhook: true },
        data: { type: "object", properties: { task_id: { type: "string" } } },
      },
    ],
  },
);

export const EmailStatus = Type.Enum(["confirmed", "unconfirmed", "refused", "none"], {
  description:
    "Whether mail reaches you. confirmed: yes. unconfirmed: you get only mails about your account until you confirm your " +
    "address. refused: the mail server of your address refuses mail. none: you have no address.",
});

const viewChannels = ({ inApp, email, webhook }: Preference["channels"]) => ({
  in_app: inApp,
  email,
  webhook,
});

export function viewPreference({ kind, channels }: Preference): Static<typeof PreferenceView> {
  const { description, data, channels: defaults } = announcementKinds[kind];
  return {
    kind,
    description,
    channels: viewChannels(channels),
    defaults: viewChannels(defaults),
    data: JSON.parse(JSON.stringify(data)),
  };
}
