/** The SQL of announcements. */
import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
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
  /**
   * A query that returns the events: `notification_id`, `traceparent` (text), `user_id`, `subject_id` (text), `sequence` and
   * `data` (json).
   */
  readonly events: SQL;
}

/** Returns the columns of the only event of a statement that do not depend on it. */
export function ownNotification({ now, tracing }: Pick<Context, "now" | "tracing">): SQL {
  return sql`${uuidV7(now())}::uuid AS notification_id, ${tracing.traceparent()}::text AS traceparent`;
}

/**
 * Returns the INSERT that announces events to their users, as a part of the statement that makes the events happen. It
 * inserts nothing for a user who wants nothing, locks no other row, and returns `id`, `user_id`, `is_in_app` and `is_pending`.
 * Mails that every user can cause go only to confirmed addresses: they quote names that the user chooses.
 *
 * Without the LIMITs the planner merges the look-ups. It copied the count of the last hour into six places, and read the
 * preferences and webhooks of all users.
 */
export function announcing(ctx: Pick<Context, "config">, { kind, events }: Announcing): SQL {
  const { channels, isMailedElsewhere = false, role }: AnnouncementKind = announcementKinds[kind];
  const mustConfirm = ctx.config.mail.mustConfirm && role !== "admin";
  const hasRoom = sql`sent + place <= ${MAX_PER_HOUR}`;
  return sql`
    INSERT INTO rowmill.notifications
      (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending, traceparent,
        created_at)
    WITH event AS MATERIALIZED (
      SELECT events.*, row_number() OVER (PARTITION BY user_id ORDER BY notification_id) AS place FROM (${events}) AS events
    ), chosen AS MATERIALIZED (
      SELECT owner.user_id, in_app, email, webhook, sent
      FROM (SELECT DISTINCT user_id FROM event) AS owner,
      LATERAL (
        SELECT coalesce(preferences.in_app, ${channels.inApp}) AS in_app,
          coalesce(preferences.email, ${channels.email}) AND ${!isMailedElsewhere}
            AND users.email <> '' AND (NOT ${mustConfirm}::boolean OR users.email = users.confirmed_email) AS email,
          coalesce(preferences.webhook, ${channels.webhook}) AND ${hasWebhook(kind, sql`users.id`)} AS webhook
        FROM rowmill.users
        LEFT JOIN LATERAL (
          SELECT in_app, email, webhook FROM rowmill.notification_preferences WHERE user_id = users.id AND kind = ${kind} LIMIT 1
        ) AS preferences ON true
        WHERE users.id = owner.user_id AND users.disabled_at IS NULL LIMIT 1
      ) AS wanted,
      LATERAL (
        SELECT count(*) AS sent FROM (
          SELECT FROM rowmill.notifications AS earlier
          WHERE earlier.user_id = owner.user_id AND earlier.kind = ${kind} AND (earlier.is_in_app OR earlier.is_mailed)
            AND earlier.created_at > statement_timestamp() - interval '1 hour' LIMIT ${MAX_PER_HOUR}
        ) AS earlier
        WHERE in_app OR email
      ) AS last_hour
    )
    SELECT notification_id, user_id, ${kind}, subject_id, sequence, data, in_app AND ${hasRoom}, email AND ${hasRoom},
      (email AND ${hasRoom}) OR webhook, traceparent, statement_timestamp()
    FROM event JOIN chosen USING (user_id)
    WHERE webhook OR ((in_app OR email) AND ${hasRoom})
    RETURNING id, user_id, is_in_app, is_pending`;
}

/** Whether only users who have asked for such announcements get them. */
export function isSilentByDefault(kind: Kind): boolean {
  const { inApp, email } = announcementKinds[kind].channels;
  return !inApp && !email;
}

/** Returns an SQL expression for whether the user has not asked for a kind that is silent by default. */
export function wantsNone(kind: Kind, userId: SQLWrapper): SQL {
  return sql`(${hasWebhook(kind, userId)} OR (
    SELECT preferences.in_app OR preferences.email FROM rowmill.notification_preferences AS preferences
    WHERE preferences.user_id = ${userId} AND preferences.kind = ${kind} LIMIT 1)) IS NOT TRUE`;
}

function hasWebhook(kind: Kind, userId: SQLWrapper): SQL {
  return sql`(
    SELECT true FROM rowmill.webhooks
    WHERE webhooks.user_id = ${userId} AND webhooks.disabled_at IS NULL AND ${kind} = ANY(webhooks.events) LIMIT 1) IS NOT NULL`;
}
