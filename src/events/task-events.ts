/**
 * Reads the history of tasks that have changed, by their ids. A reader of `task_events` by its own id would lose events that
 * are committed late: ids are drawn before the commit.
 */
import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { TaskEventType, TaskStatus } from "../schema/tasks.ts";
import { firstEventsOf } from "../tasks/history.ts";
import { hasEnded } from "../tasks/state.ts";
import { TASK_CHANNEL } from "../tasks/transitions.ts";
import { type Changed, ChangedIds } from "./changed-ids.ts";
import type { EventSource, LifeEvent, Read } from "./life-event.ts";
import { RecentMap } from "./recent-map.ts";
import { SeenIds } from "./seen-ids.ts";

/** New tasks are not published. Each read looks at the latest ones. */
const MAX_NEW = 1000;
/** A task that is committed later than this after its creation is found when it starts. */
const NEW_SECONDS = 30;
/** The latest events of a task that a read finds. */
const MAX_EVENTS = 8;
/** The open tasks that are read again while changes are not received. */
const MAX_OPEN = 1000;

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly number: string;
  readonly type: string;
  readonly userId: string;
  readonly queue: string;
  readonly status: TaskStatus;
  readonly code: string | null;
  /** Negative: the event is not stored. */
  readonly eventId: string | null;
  readonly event: TaskEventType;
  readonly at: Date;
}

export class TaskEvents implements EventSource {
  readonly kind = "task";
  readonly #ctx: Context;
  readonly #changed: ChangedIds;
  readonly #seen = new SeenIds();
  /** Of events that are not stored. Their ids come from the numbers of the tasks. */
  readonly #seenFirst = new SeenIds();
  readonly #open = new RecentMap<string, true>(MAX_OPEN);
  #since = new Date(0);
  #lastNumber = 0;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#changed = new ChangedIds(ctx.listener, TASK_CHANNEL);
  }

  async start(): Promise<void> {
    const { rows } = await this.#ctx.db.execute<{ now: string; number: string | null }>(
      sql`SELECT now()::text AS now, (SELECT max(number) FROM rowmill.tasks) AS number`,
    );
    this.#since = new Date(rows[0]?.now ?? 0);
    this.#lastNumber = Number(rows[0]?.number ?? 0);
  }

  read(): Promise<Read> {
    return this.#changed.take((changed) => this.#read(changed));
  }

  close(): void {
    this.#changed.close();
  }

  async #read({ ids, isIncomplete, dropped }: Changed): Promise<Read> {
    const rows = await this.#find(isIncomplete ? [...ids, ...this.#open.keys()] : ids, isIncomplete);
    for (const { id, status } of rows) {
      if (hasEnded(status)) this.#open.delete(id);
      else this.#open.set(id, true);
    }
    const fresh = rows.filter((row) => row.eventId !== null && this.#isNew(row));
    return { events: fresh.map(eventOf), unread: dropped + this.#countUnread(rows) };
  }

  #isNew({ eventId, number }: Row): boolean {
    const isStored = !eventId?.startsWith("-");
    const seen = isStored ? this.#seen : this.#seenFirst;
    // Two events per task, with the ids -2 and -1. The first ones of all tasks become 1 and 2: no id below 1 counts as new.
    const id = isStored ? (eventId ?? "") : String(2 * Number(number) + Number(eventId) + 1);
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  }

  async #find(ids: readonly string[], isIncomplete: boolean): Promise<Row[]> {
    const columns = sql`id, number, type, user_id, queue, status, error_code, created_by, created_at`;
    const since = sql`${this.#since.toISOString()}::timestamptz`;
    const running = sql`UNION (SELECT ${columns} FROM rowmill.tasks WHERE status = 'processing' LIMIT ${MAX_OPEN})`;
    const { rows } = await this.#ctx.db.execute<Row>(sql`
      SELECT changed.id, number, changed.type, user_id AS "userId", queue, status, error_code AS code,
        event.id AS "eventId", event.type AS event, event.created_at AS at
      FROM (
        SELECT ${columns} FROM rowmill.tasks WHERE id = ANY(${sql.param([...ids])}::uuid[])
        UNION (
          SELECT ${columns} FROM rowmill.tasks
          WHERE number > ${this.#lastNumber - MAX_NEW} AND created_at > now() - make_interval(secs => ${NEW_SECONDS})
          ORDER BY number DESC LIMIT ${MAX_NEW}
        )
        ${isIncomplete ? running : undefined}
      ) AS changed
      LEFT JOIN LATERAL (
        SELECT id, type, created_at FROM (
          (
            SELECT id, type, created_at FROM rowmill.task_events
            WHERE task_id = changed.id AND type <> 'progress' AND created_at >= ${since}
            ORDER BY id DESC LIMIT ${MAX_EVENTS}
          )
          UNION ALL SELECT id, type, created_at FROM (${firstEventsOf(sql`changed`)}) AS first WHERE created_at >= ${since}
        ) AS known
        ORDER BY id DESC LIMIT ${MAX_EVENTS}
      ) AS event ON true
      ORDER BY max(event.created_at) OVER (PARTITION BY changed.id ORDER BY event.id), event.id, number`);
    return rows;
  }

  /** Tasks that were created together can be more than a read finds. Their events follow when they start. */
  #countUnread(rows: readonly Row[]): number {
    const known = this.#lastNumber;
    const fresh = new Set(rows.map(({ number }) => Number(number)).filter((number) => number > known));
    this.#lastNumber = Math.max(known, ...fresh);
    return fresh.size < MAX_NEW ? 0 : this.#lastNumber - known - fresh.size;
  }
}

function eventOf({ id, number, type, userId, queue, code, event, at }: Row): LifeEvent {
  return {
    kind: "task",
    event,
    id,
    type,
    userId: Number(userId),
    worker: null,
    at: new Date(at),
    details: { number: Number(number), queue, ...(event === "failed" ? { error_code: code } : {}) },
  };
}
