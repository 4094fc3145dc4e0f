import { type SQL, sql } from "drizzle-orm";
import { transitions } from "./state.ts";

/** Takes the edge `start`, where the batch has not begun: a statement by itself, or a part of a larger one. */
export function startBatch(batchId: string): SQL {
  const { from, to } = transitions.start;
  return sql`UPDATE batches SET state = ${to}, started_at = coalesce(started_at, statement_timestamp()) WHERE id = ${batchId} AND state = ${from[0]}`;
}
