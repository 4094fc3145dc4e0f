import { and, eq, isNull, ne } from "drizzle-orm";
import { isConfirmed } from "../accounts/confirmed-address.ts";
import {
  type AnnouncementData,
  type AnnouncementKind,
  announcementKinds,
  type Kind,
} from "../announcements/kinds.ts";
import { getBatch } from "../batches/queries.ts";
import { groupErrors } from "../batches/results/group-errors.ts";
import type { Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { addMail } from "../mails/add-mail.ts";
import type { MailData, MailKind } from "../mails/mail-data.ts";
import { getReport } from "../reports/queries.ts";
import { users } from "../schema/accounts.ts";
import type { Notification } from "./queries.ts";

/** The causes that a mail names, and the time for finding them; a mail need not count ten million failed rows. */
const MAX_CAUSES = 5;
const MAX_GROUPING_MS = 1000;

type Content = { [K in MailKind]: { readonly kind: K; readonly data: MailData[K] } }[MailKind];

type Contents = {
  readonly [K in Kind]: (
    tx: Tx,
    data: AnnouncementData<K>,
    userId: number,
  ) => Content | null | Promise<Content | null>;
};

/** The mail for each kind. null: none. */
const contents: Contents = {
  "batch.finished": async (tx, data, userId) => ({
    kind: "batch_finished",
    data: { ...data, causes: await causesOf(tx, userId, data.batch_id) },
  }),
  "task.completed": (_tx, data) => ({ kind: "task_ended", data: { ...data, state: "completed" } }),
  "task.failed": (_tx, data) => ({ kind: "task_ended", data: { ...data, state: "failed" } }),
  "schedule.failed": (_tx, data) => ({ kind: "schedule_failed", data }),
  "workflow.completed": (_tx, data) => ({ kind: "workflow_ended", data: { ...data, state: "completed" } }),
  "workflow.failed": (_tx, data) => ({ kind: "workflow_ended", data: { ...data, state: "failed" } }),
  "report.ready": async (tx, { report_id }) => {
    const { kind, data } = await getReport(tx, report_id);
    return { kind: kind === "daily" ? "daily_report" : "weekly_analytics", data: { report: { ...data } } };
  },
  "backup.completed": (_tx, { backup_id, bytes }) => ({
    kind: "backup_ended",
    data: { backup_id, state: "completed", message: `The backup has ${bytes} bytes. It was verified.` },
  }),
  "backup.failed": (_tx, data) => ({ kind: "backup_ended", data: { ...data, state: "failed" } }),
  "webhook.disabled": (_tx, data) => ({ kind: "webhook_disabled", data }),
  "email.refused": () => null,
  "admin.alert": (_tx, data) => ({ kind: "admin_alert", data }),
  // Its sender has sent the mail already.
  message: () => null,
};

/** Adds the mail about a notification to the outbox, unless its user has no confirmed address any more. */
export async function addNotificationMail(tx: Tx, notification: Notification): Promise<void> {
  const { id, kind, data, userId } = notification;
  const [user] = await tx.db
    .select({
      username: users.username,
      role: users.role,
      email: users.email,
      confirmedEmail: users.confirmedEmail,
    })
    .from(users)
    .where(and(eq(users.id, userId), ne(users.email, ""), isNull(users.disabledAt)));
  if (!user || !(kind in contents)) return;
  const { role }: AnnouncementKind = announcementKinds[kind as Kind];
  // The role and the address may have changed meanwhile.
  if (role !== undefined && user.role !== role) return;
  if (role !== "admin" && !isConfirmed(tx, user)) return;
  const contentOf = contents[kind as Kind] as (
    tx: Tx,
    data: unknown,
    userId: number,
  ) => ReturnType<Contents[Kind]>;
  const content = await contentOf(tx, data, userId);
  if (!content) return;
  const to = { userId, address: user.email, name: user.username };
  await addMail(tx, { ...content, to, key: `notification/${id}` });
}

/** @returns no causes if the batch was deleted meanwhile */
async function causesOf(
  tx: Tx,
  userId: number,
  batchId: string,
): Promise<MailData["batch_finished"]["causes"]> {
  try {
    const { failed } = await getBatch(tx, userId, batchId);
    if (failed === 0) return [];
    const { groups } = await groupErrors(tx, { id: batchId, failed }, MAX_GROUPING_MS);
    return groups.slice(0, MAX_CAUSES).map(({ message, count }) => ({ message, rows: count }));
  } catch (error) {
    if (error instanceof DomainError && error.code === "not_found") return [];
    throw error;
  }
}
