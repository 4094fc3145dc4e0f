/** Compares the states of batches with those of the read before. */
import { sql } from "drizzle-orm";
import { BATCH_CHANNEL } from "../batches/batch-changes.ts";
import { hasEnded } from "../batches/state.ts";
import type { Context } from "../context.ts";
import type { BatchState } from "../schema/batches.ts";
import { ChangedIds } from "./changed-ids.ts";
import type { EventSource, LifeEvent, Read } from "./life-event.ts";
import { RecentMap } from "./recent-map.ts";

/** Uploads that begin are not published. Each read looks at the latest ones. */
const MAX_NEW = 100;
/** The batches whose states are remembered. A change of any other batch shows its state as an event. */
const MAX_KNOWN = 2000;

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly state: BatchState;
  readonly target: string;
  readonly userId: string;
  readonly totalRows: number;
  readonly run: number;
  readonly createdAt: string;
  readonly queuedAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface Known {
  readonly state: BatchState;
  readonly at: number;
}

export class BatchEvents implements EventSource {
  readonly kind = "batch";
  readonly #ctx: Context;
  readonly #changed: ChangedIds;
  readonly #known = new RecentMap<string, Known>(MAX_KNOWN);
  #since = 0;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#changed = new ChangedIds(ctx.listener, BATCH_CHANNEL);
  }

  async start(): Promise<void> {
    this.#since = this.#ctx.now().getTime();
    for (const { id, state } of await this.#find([], MAX_KNOWN / 2))
      this.#known.set(id, { state, at: this.#since });
  }

  async read(): Promise<Read> {
    const { ids, isIncomplete, dropped } = this.#changed.take();
    const open = isIncomplete ? [...this.#known].filter(([, { state }]) => !hasEnded(state)) : [];
    const rows = await this.#find([...ids, ...open.map(([id]) => id)], MAX_NEW);
    return { events: rows.flatMap((row) => this.#eventsOf(row)), unread: dropped };
  }

  close(): void {
    this.#changed.close();
  }

  async #find(ids: readonly string[], newest: number): Promise<Row[]> {
    const { rows } = await this.#ctx.db.execute<Row>(sql`
      SELECT id, state, target, user_id AS "userId", total_rows AS "totalRows", run, created_at AS "createdAt",
        queued_at AS "queuedAt", started_at AS "startedAt", finished_at AS "finishedAt"
      FROM rowmill.batches
      WHERE correction_of IS NULL AND id IN (
        SELECT id FROM unnest(${sql.param([...ids])}::uuid[]) AS changed (id)
        UNION (SELECT id FROM rowmill.batches ORDER BY id DESC LIMIT ${newest}))
      ORDER BY id`);
    return rows;
  }

  #eventsOf(row: Row): LifeEvent[] {
    const known = this.#known.get(row.id);
    const moments = newMoments(row, known, { since: this.#since, now: this.#ctx.now().getTime() });
    const at = moments.at(-1)?.at ?? known?.at ?? this.#since;
    this.#known.set(row.id, { state: row.state, at });
    return moments.map(({ state, at }) => ({
      kind: "batch",
      event: state,
      id: row.id,
      type: row.target,
      userId: Number(row.userId),
      worker: null,
      at: new Date(at),
      details: { total_rows: row.totalRows, run: row.run },
    }));
  }
}

/** The states since the last read. Those that a batch has passed through are known if it recorded their time. */
export function newMoments(
  { state, ...row }: Pick<Row, "state" | "createdAt" | "queuedAt" | "startedAt" | "finishedAt">,
  known: Known | undefined,
  { since, now }: { readonly since: number; readonly now: number },
): Known[] {
  if (known?.state === state) return [];
  const recorded: readonly (readonly [BatchState, string | null])[] = [
    ["receiving", row.createdAt],
    ["queued", row.queuedAt],
    ["processing", row.startedAt],
    [state, row.finishedAt],
  ];
  const after = known?.at ?? since;
  const moments = recorded
    .map(([passed, at]) => ({ state: passed, at: at === null ? 0 : new Date(at).getTime() }))
    .filter((moment) => moment.at > after && moment.state !== known?.state);
  return moments.at(-1)?.state === state ? moments : [...moments, { state, at: now }];
}
