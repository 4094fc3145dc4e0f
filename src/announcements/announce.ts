import { type SQL, sql } from "drizzle-orm";
import { changeExpression, publishLocally, type Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { storableJson } from "../platform/postgres/storable.ts";
import { type AnnouncementData, announcementKinds, type Kind } from "./kinds.ts";

/** The payload is the id of the user. */
export const NOTIFICATION_CHANNEL = "rowmill_notification";

export interface Announcement<K extends Kind = Kind> {
  readonly kind: K;
  readonly userId: number;
  /** The id of the thing that the announcement is about. */
  readonly subjectId: string;
  /** Increases with each announcement about the same thing. */
  readonly sequence: number;
  readonly data: AnnouncementData<K>;
}

/**
 * Tells a user that something has happened, in the transaction in which it happens: writes a notification, and enqueues
 * its mail and its webhook deliveries. Writes nothing if the user wants none of them.
 */
export async function announce<K extends Kind>(tx: Tx, announcement: Announcement<K>): Promise<void> {
  const { kind, userId } = announcement;
  const { channels } = announcementKinds[kind];
  const chosen = (channel: SQL, isOn: boolean) => sql`coalesce(${channel}, ${isOn})`;
  const { rows } = await tx.db.execute<{ id: string; isInApp: boolean; isSent: boolean }>(sql`
    WITH recipient AS (
      SELECT users.id, ${chosen(sql`in_app`, channels.inApp)} AS is_in_app,
        (${chosen(sql`preferences.email`, channels.email)} AND users.email <> '')
        OR (${chosen(sql`webhook`, channels.webhook)} AND EXISTS (
          SELECT FROM rowmill.webhooks WHERE user_id = users.id AND disabled_at IS NULL AND ${kind} = ANY(events))) AS is_sent
      FROM rowmill.users LEFT JOIN rowmill.notification_preferences AS preferences ON user_id = users.id AND kind = ${kind}
      WHERE users.id = ${userId}
    ), notified AS (
      INSERT INTO rowmill.notifications (id, user_id, kind, subject_id, sequence, data, is_in_app, created_at)
      SELECT ${uuidV7(tx.now())}, id, ${kind}, ${announcement.subjectId}, ${announcement.sequence},
        ${storableJson(announcement.data)}::json, is_in_app, statement_timestamp()
      FROM recipient WHERE is_in_app OR is_sent
      RETURNING id, is_in_app
    )
    SELECT notified.id, notified.is_in_app AS "isInApp", is_sent AS "isSent",
      CASE WHEN notified.is_in_app THEN ${changeExpression(tx, NOTIFICATION_CHANNEL, sql`${String(userId)}`)} END AS published
    FROM notified, recipient`);
  const [notified] = rows;
  if (notified?.isInApp) publishLocally(tx, NOTIFICATION_CHANNEL, [String(userId)]);
  if (notified?.isSent)
    await tx.queue.add(tx.db, jobs.notify, [{ id: notified.id, payload: { notificationId: notified.id } }]);
}
