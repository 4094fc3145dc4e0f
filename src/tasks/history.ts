/** Reads of the history of a task: the events of its creation, which its row states, and the stored ones. */
import { getTableColumns, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Context } from "../context.ts";
import { decodeNumberCursor } from "../platform/http/paging.ts";
import { readPage } from "../platform/postgres/read-page.ts";
import { taskEvents } from "../schema/tasks.ts";

/** Less than the ids of all events. */
const BEFORE_ALL = -3;

/** Negative ids, so that they precede the stored events. */
const FIRST = sql`(VALUES (-2, 'created'::rowmill.task_event_type), (-1, 'queued')) AS first (id, type)`;

/**
 * Returns a query of the events of a task that are not stored. A new task would otherwise cost two rows more.
 * @param task a row of `rowmill.tasks` with `id`, `created_by` and `created_at`
 * @returns its columns are those of `task_events`
 */
export function firstEventsOf(task: SQL): SQL {
  return sql`
    SELECT ${task}.id AS task_id, first.id::bigint AS id, first.type, '' AS message, nullif(${task}.created_by, 0) AS actor_id,
      NULL::json AS metadata, ${task}.created_at
    FROM ${FIRST} WHERE ${task}.created_by IS NOT NULL`;
}

/** Returns the id of the last event of the previous page. @throws DomainError `invalid_input` */
export function decodeHistoryCursor(cursor: string | undefined): number {
  return decodeNumberCursor(cursor, Number.MAX_SAFE_INTEGER, BEFORE_ALL);
}

const event = alias(taskEvents, "event");

/** The history of a task, oldest first. @param after the id of the last event of the previous page */
export function listEvents(ctx: Context, taskId: string, after: number, limit: number) {
  const columns = sql`task_id, id, type, message, actor_id, metadata, created_at`;
  const first = sql`
    SELECT first.* FROM rowmill.tasks AS task CROSS JOIN LATERAL (${firstEventsOf(sql`task`)}) AS first
    WHERE task.id = ${taskId} AND first.id > ${after}`;
  const stored = sql`
    SELECT ${columns} FROM rowmill.task_events WHERE task_id = ${taskId} AND id > ${after} ORDER BY id LIMIT ${limit + 1}`;
  return readPage(ctx, {
    fields: getTableColumns(event),
    from: sql`(${after < 0 ? sql`${first} UNION ALL ` : undefined}(${stored})) AS event ORDER BY id`,
    order: sql`id`,
    limit,
  });
}
