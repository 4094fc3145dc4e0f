/**
 * Records what users and strangers can repeat as often as they like, such as deletions of their own tasks and failed
 * sign-ins. The first ones of an hour have entries of their own; the others are counted, and one entry has their number
 * when the hour has ended. So nobody can fill the disk, and nothing is lost if a process is killed.
 */
import { sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../context.ts";
import { HOUR_MS } from "../platform/durations.ts";
import { type AuditEntry, actorOf, addressOf, jsonOf, subjectIdOf } from "./record-audit.ts";

interface Repeated extends AuditEntry {
  /** Entries of an action with the same key are counted together. */
  readonly key: string | number;
  /** Whether all entries with the key have the same subject. */
  readonly isOneSubject?: boolean;
  /** Entries per key and hour that are not only counted. */
  readonly perHour: number;
}

/** Entries of one user per action and hour. */
const OWN_PER_HOUR = 100;

/** Records what users do to their own things. */
export function recordOwn(tx: Tx, entry: AuditEntry): Promise<void> {
  const key = tx.actor?.id ?? tx.commandLine ?? entry.ownerId ?? "";
  return recordRepeated(tx, { ...entry, key, perHour: OWN_PER_HOUR });
}

/** One statement, which waits for no other: it counts in a row that nobody else has locked. */
export async function recordRepeated(ctx: Context | Tx, repeated: Repeated): Promise<void> {
  const { action, subject, ownerId = null, details = {}, perHour, isOneSubject = false } = repeated;
  const { actorId, actorName, actorRole } = actorOf(ctx);
  const hour = new Date(Math.floor(ctx.now().getTime() / HOUR_MS) * HOUR_MS).toISOString();
  const key = `${action}/${repeated.key}/${hour}`;
  const subjectId = subjectIdOf(subject);
  const actor = sql`${actorId}::bigint, ${actorName}::text, ${actorRole}::text, ${action}::text, ${subject.type}::text`;
  await ctx.db.execute(sql`
    WITH free AS (
      SELECT id FROM rowmill.audit_repeats WHERE key = ${key} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    ), now AS (
      SELECT (coalesce(sum(recorded), 0) < ${perHour})::int AS recorded FROM rowmill.audit_repeats WHERE key = ${key}
    ), counted AS (
      UPDATE rowmill.audit_repeats AS repeats
      SET recorded = repeats.recorded + now.recorded, counted = repeats.counted + 1 - now.recorded
      FROM free, now WHERE repeats.id = free.id
    ), added AS (
      INSERT INTO rowmill.audit_repeats
        (key, recorded, counted, started_at, actor_id, actor_name, actor_role, action, subject_type, subject_id, owner_id)
      SELECT ${key}, recorded, 1 - recorded, ${hour}::timestamptz, ${actor}, ${isOneSubject ? subjectId : null}::text, ${ownerId}::bigint
      FROM now WHERE NOT EXISTS (SELECT FROM free)
    )
    INSERT INTO rowmill.audit_log
      (at, actor_id, actor_name, actor_role, action, subject_type, subject_id, owner_id, request_id, address, details)
    SELECT statement_timestamp(), ${actor}, ${subjectId}::text, ${ownerId}::bigint, ${ctx.requestId}::text, ${addressOf(ctx)}::text,
      ${jsonOf(details)}
    FROM now WHERE recorded = 1`);
}

/** Rows of ended hours per transaction. */
const PAGE = 1000;
/** For transactions that began before the end of the hour. */
const GRACE_MS = 60_000;

/**
 * Runs every minute: records the sums of the hours that have ended.
 * @returns the number of removed rows
 */
export async function recordRepeats(ctx: Context): Promise<number> {
  const startedBefore = new Date(ctx.now().getTime() - HOUR_MS - GRACE_MS).toISOString();
  for (let ended = 0; ; ) {
    const page = await inTransaction(ctx, async ({ db }) => {
      const { rowCount } = await db.execute(sql`
        WITH ended AS (
          DELETE FROM rowmill.audit_repeats WHERE id = ANY(ARRAY(
            SELECT id FROM rowmill.audit_repeats WHERE started_at < ${startedBefore}
            ORDER BY started_at LIMIT ${PAGE} FOR UPDATE SKIP LOCKED
          )) RETURNING *
        ), recorded AS (
          INSERT INTO rowmill.audit_log
            (at, actor_id, actor_name, actor_role, action, subject_type, subject_id, owner_id, details)
          SELECT statement_timestamp(), actor_id, actor_name, actor_role, action, subject_type, coalesce(subject_id, '*'), owner_id,
            json_build_object('repeated', sum(counted), 'from', started_at, 'to', started_at + interval '1 hour')
          FROM ended
          GROUP BY key, started_at, actor_id, actor_name, actor_role, action, subject_type, subject_id, owner_id
          HAVING sum(counted) > 0
        )
        SELECT FROM ended`);
      return rowCount ?? 0;
    });
    ended += page;
    if (page < PAGE) return ended;
  }
}
