/** The data of each kind of mail. Its template renders them; they contain no secrets, because admins read the outbox. */
import type { AnnouncementData } from "../announcements/kinds.ts";

interface ErrorCause {
  readonly message: string;
  readonly rows: number;
}

export interface MailData {
  readonly welcome: { readonly username: string; readonly email: string; readonly registered_at: string };
  readonly confirm_email: { readonly username: string; readonly email: string };
  /** The link is derived from the id, so that the outbox does not store it. */
  readonly password_reset: { readonly username: string; readonly reset_id: string };
  readonly batch_finished: AnnouncementData<"batch.finished"> & { readonly causes: readonly ErrorCause[] };
  readonly task_ended: AnnouncementData<"task.completed"> & { readonly state: "completed" | "failed" };
  readonly workflow_ended: AnnouncementData<"workflow.completed"> & {
    readonly state: "completed" | "failed";
  };
  readonly schedule_failed: AnnouncementData<"schedule.failed">;
  readonly webhook_disabled: AnnouncementData<"webhook.disabled">;
  readonly backup_ended: {
    readonly backup_id: string;
    readonly state: "completed" | "failed";
    readonly message: string;
  };
  readonly daily_report: { readonly report: Readonly<Record<string, unknown>> };
  readonly weekly_analytics: { readonly report: Readonly<Record<string, unknown>> };
  readonly admin_alert: { readonly subject: string; readonly message: string };
  readonly bulk_message: { readonly subject: string; readonly message: string; readonly sender: string };
}

export type MailKind = keyof MailData;

/** Jobs with a higher priority are taken first: a password reset does not wait for a thousand reports. */
export const mailPriority: Readonly<Record<MailKind, number>> = {
  password_reset: 3,
  admin_alert: 3,
  schedule_failed: 2,
  webhook_disabled: 2,
  backup_ended: 2,
  welcome: 2,
  confirm_email: 2,
  batch_finished: 1,
  task_ended: 1,
  workflow_ended: 1,
  daily_report: 0,
  weekly_analytics: 0,
  bulk_message: 0,
};
