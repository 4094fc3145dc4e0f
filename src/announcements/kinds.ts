/** The kinds of announcements: the data of each, and its channels, which every user can change. */
import Type, { type Static, type TObject } from "typebox";
import { nullable, Uuid } from "../platform/http/schemas.ts";
import type { Role } from "../schema/accounts.ts";

export interface Channels {
  readonly inApp: boolean;
  readonly email: boolean;
  readonly webhook: boolean;
}

export interface AnnouncementKind {
  readonly description: string;
  /** Small: ids, states and counts. Clients get details by the id. */
  readonly data: TObject;
  readonly channels: Channels;
  /** Whether something else sends the mail, and asks `preferences.email` before. */
  readonly isMailedElsewhere?: boolean;
  /** The role that gets such announcements; absent: every user. */
  readonly role?: Role;
}

const everywhere: Channels = { inApp: true, email: true, webhook: true };
const noMail: Channels = { inApp: true, email: false, webhook: true };
const onlyWebhook: Channels = { inApp: false, email: false, webhook: true };

const rows = (description: string) => Type.Integer({ minimum: 0, description });

const TaskData = Type.Object({
  task_id: Uuid,
  type: Type.String({ description: "The type of the task." }),
  title: Type.String({ description: "The title of the task." }),
  message: Type.String({ description: "The outcome in one sentence." }),
});

const WorkflowData = Type.Object({
  workflow_id: Uuid,
  name: Type.String({ description: "The name of the workflow." }),
  message: Type.String({ description: "The outcome in one sentence." }),
});

export const announcementKinds = {
  "batch.finished": {
    description: "A batch has ended, with any outcome. A batch that is retried or undone ends again.",
    data: Type.Object({
      batch_id: Uuid,
      target: Type.String({ description: "The target of the batch." }),
      file_name: Type.String({ description: "The name of the uploaded file." }),
      state: Type.String({ description: "The state of the batch." }),
      reason: nullable(Type.String(), "Why the batch ended; null if the state says it all."),
      total: rows("Rows of the batch."),
      succeeded: rows("Rows that succeeded."),
      failed: rows("Rows that failed."),
      unprocessed: rows("Rows without a result."),
    }),
    channels: everywhere,
  },
  "task.completed": {
    description: "A task has completed.",
    data: TaskData,
    channels: onlyWebhook,
  },
  "task.failed": {
    description: "A task has failed and is not retried.",
    data: TaskData,
    channels: noMail,
  },
  "schedule.failed": {
    description:
      "A tick of a schedule could not create its work. Further failures are not announced until a tick succeeds.",
    data: Type.Object({
      schedule_id: Uuid,
      name: Type.String({ description: "The name of the schedule." }),
      tick_at: Type.String({ format: "date-time", description: "When the tick was due." }),
      reason: Type.String({ description: "Why the tick failed." }),
    }),
    // Nobody watches a schedule, and it says so once.
    channels: everywhere,
  },
  "workflow.completed": {
    description: "A workflow has completed.",
    data: WorkflowData,
    channels: onlyWebhook,
  },
  "workflow.failed": {
    description: "A workflow has ended with failed steps, or was cancelled at its deadline.",
    data: WorkflowData,
    channels: noMail,
  },
  "report.ready": {
    description: "A daily report or a weekly analysis is ready.",
    data: Type.Object({
      report_id: Type.String({ description: "The id of the report." }),
      kind: Type.String({ description: "The kind of the report." }),
      period_start: Type.String({ format: "date", description: "The first day of the report." }),
    }),
    channels: everywhere,
    role: "admin",
  },
  "backup.completed": {
    description: "A backup was written and verified.",
    data: Type.Object({
      backup_id: Type.String({ description: "The id of the backup." }),
      bytes: Type.Integer({ minimum: 0, description: "The size of the backup." }),
    }),
    channels: noMail,
    role: "admin",
  },
  "backup.failed": {
    description: "A backup has failed.",
    data: Type.Object({
      backup_id: Type.String({ description: "The id of the backup." }),
      message: Type.String({ description: "Why the backup failed." }),
    }),
    channels: everywhere,
    role: "admin",
  },
  "webhook.disabled": {
    description: "A webhook was disabled because its endpoint does not accept deliveries.",
    data: Type.Object({
      webhook_id: Uuid,
      url: Type.String({ description: "The URL of the endpoint, without its query." }),
      reason: Type.String({ description: "Why the webhook was disabled." }),
    }),
    channels: everywhere,
  },
  "email.refused": {
    description: "The mail server of your address refuses mail, so Rowmill sends no more mail to it.",
    data: Type.Object({
      address: Type.String({ description: "The address." }),
      reply: Type.String({ description: "The answer of the mail server." }),
    }),
    channels: { inApp: true, email: false, webhook: false },
  },
  message: {
    description: "An admin has sent you a message.",
    data: Type.Object({
      subject: Type.String({ description: "The subject." }),
      message: Type.String({ description: "The message." }),
    }),
    channels: { inApp: true, email: true, webhook: false },
    isMailedElsewhere: true,
  },
  "admin.alert": {
    description: "Something needs the attention of an admin.",
    data: Type.Object({
      subject: Type.String({ description: "The problem in a few words." }),
      message: Type.String({ description: "What happened, and what to do." }),
    }),
    channels: everywhere,
    role: "admin",
  },
} as const satisfies Record<string, AnnouncementKind>;

export type Kind = keyof typeof announcementKinds;
export type AnnouncementData<K extends Kind = Kind> = Static<(typeof announcementKinds)[K]["data"]>;

export const kinds = Object.keys(announcementKinds) as Kind[];
