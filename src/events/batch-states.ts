import { sql } from "drizzle-orm";
import { BATCH_CHANNEL } from "../batches/batch-changes.ts";
import { hasEnded } from "../batches/state.ts";
import type { BatchState } from "../schema/batches.ts";
import type { Stateful, StateRow } from "./state-events.ts";

interface BatchRow extends StateRow {
  readonly state: BatchState;
  readonly totalRows: number;
  readonly run: number;
  readonly createdAt: string;
  readonly queuedAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export const batchStates: Stateful<BatchRow> = {
  kind: "batch",
  channel: BATCH_CHANNEL,
  select: (ids, newest) => sql`
    SELECT id, state, target AS type, user_id AS "userId", total_rows AS "totalRows", run, created_at AS "createdAt",
      queued_at AS "queuedAt", started_at AS "startedAt", finished_at AS "finishedAt"
    FROM rowmill.batches
    WHERE correction_of IS NULL AND id = ANY(ARRAY(
      SELECT id FROM unnest(${sql.param([...ids])}::uuid[]) AS changed (id)
      UNION (SELECT id FROM rowmill.batches ORDER BY id DESC LIMIT ${newest})))
    ORDER BY id`,
  recorded: ({ state, createdAt, queuedAt, startedAt, finishedAt }) => [
    ["receiving", createdAt],
    ["queued", queuedAt],
    ["processing", startedAt],
    [state, finishedAt],
  ],
  hasEnded,
  details: ({ totalRows, run }) => ({ total_rows: totalRows, run }),
};
