import type { MailData, MailKind } from "../mail-data.ts";
import { confirmAddress, passwordReset, welcome } from "./accounts.ts";
import type { MailTemplate } from "./kind.ts";
import { adminAlert, bulkMessage } from "./messages.ts";
import { backupEnded, webhookDisabled } from "./operations.ts";
import { dailyReport, weeklyAnalytics } from "./reports.ts";
import { batchFinished, scheduleFailed, taskEnded, workflowEnded } from "./work.ts";

const templates: { readonly [K in MailKind]: MailTemplate<K> } = {
  welcome,
  confirm_email: confirmAddress,
  password_reset: passwordReset,
  batch_finished: batchFinished,
  task_ended: taskEnded,
  workflow_ended: workflowEnded,
  schedule_failed: scheduleFailed,
  webhook_disabled: webhookDisabled,
  backup_ended: backupEnded,
  daily_report: dailyReport,
  weekly_analytics: weeklyAnalytics,
  admin_alert: adminAlert,
  bulk_message: bulkMessage,
};

export const mailKinds = Object.keys(templates) as MailKind[];

/**
 * Returns the template of a stored mail, and its data, which `addMail` has stored for this kind.
 * @throws Error if a later version has stored the mail
 */
export function templateOf({ kind, data }: { readonly kind: string; readonly data: object }): {
  readonly template: MailTemplate;
  readonly data: MailData[MailKind];
} {
  const template: MailTemplate | undefined = templates[kind as MailKind];
  if (!template) throw new Error(`This version has no mails of the kind "${kind}".`);
  return { template, data: data as MailData[MailKind] };
}
