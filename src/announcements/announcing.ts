/** The SQL of announcements. */
import { type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { uuidV7 } from "../platform/ids.ts";
import { type AnnouncementKind, announcementKinds, type Kind } from "./kinds.ts";

/**
 * The notifications and e-mails that a user gets per kind and hour. Ten million failed tasks must not fill the table or a
 * mailbox. Webhooks get every announcement.
 */
export const MAX_PER_HOUR = 100;

interface Announcing {
  readonly kind: Kind;
  /** A query that returns at most one row: `user_id`, `subject_id` (text), `sequence` and `data` (json). */
  readonly event: SQL;
}

/**
 * Returns the INSERT that announces an event to its user, as a part of the statement that makes the event happen. It
 * inserts nothing if the user wants nothing, locks no other row, and returns `id`, `is_in_app` and `is_pending`. Mails that
 * every user can cause go only to confirmed addresses: they quote names that the user chooses.
 */
export function announcing(ctx: Pick<Context, "now" | "config">, { kind, event }: Announcing): SQL {
  const { channels, isMailedElsewhere = false, role }: AnnouncementKind = announcementKinds[kind];
  const mustConfirm = ctx.config.mail.mustConfirm && role !== "admin";
  const sent = sql`SELECT FROM rowmill.notifications AS sent
    WHERE sent.user_id = users.id AND sent.kind = ${kind} AND (sent.is_in_app OR sent.is_mailed)
      AND sent.created_at > statement_timestamp() - interval '1 hour' LIMIT ${MAX_PER_HOUR}`;
  return sql`
    INSERT INTO rowmill.notifications
      (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending, is_last_of_hour, created_at)
    SELECT ${uuidV7(ctx.now())}::uuid, user_id, ${kind}, subject_id, sequence, data, in_app AND has_room, email AND has_room,
      (email AND has_room) OR webhook, is_last, statement_timestamp()
    FROM (
      SELECT chosen.*, sent < ${MAX_PER_HOUR} AS has_room, (in_app OR email) AND sent = ${MAX_PER_HOUR - 1} AS is_last
      FROM (
        SELECT event.*, coalesce(preferences.in_app, ${channels.inApp}) AS in_app,
          coalesce(preferences.email, ${channels.email}) AND ${!isMailedElsewhere}
            AND users.email <> '' AND (NOT ${mustConfirm}::boolean OR users.email = users.confirmed_email) AS email,
          coalesce(preferences.webhook, ${channels.webhook}) AND EXISTS (
            SELECT FROM rowmill.webhooks
            WHERE webhooks.user_id = users.id AND disabled_at IS NULL AND ${kind} = ANY(events)) AS webhook,
          (SELECT count(*) FROM (${sent}) AS sent) AS sent
        FROM (${event}) AS event
        JOIN rowmill.users ON users.id = event.user_id AND users.disabled_at IS NULL
        LEFT JOIN rowmill.notification_preferences AS preferences ON preferences.user_id = users.id AND preferences.kind = ${kind}
      ) AS chosen
    ) AS recipient
    WHERE webhook OR (has_room AND (in_app OR email))
    RETURNING id, user_id, is_in_app, is_pending`;
}
