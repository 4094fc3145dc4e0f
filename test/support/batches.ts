/** What tests of batches do again and again: deliver a chunk as a worker does, hold its write open, send commands. */
import { randomUUID } from "node:crypto";
import { processChunk } from "../../src/batches/process/process-chunk.ts";
import { processWhole } from "../../src/batches/process/process-whole.ts";
import { reverseRows } from "../../src/batches/process/reverse-rows.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { type Context, inTransaction, type OpenContext } from "../../src/context.ts";
import type { Delivery } from "../../src/platform/queue/queue.ts";
import type { Answer, Client, Problem } from "./client.ts";
import { until } from "./until.ts";

export function delivery(payload: object): Delivery {
  return { id: randomUUID(), payload, attempt: 1, signal: new AbortController().signal };
}

/** Delivers the chunk that begins at `firstRow`, as a worker does. */
export function deliverChunk(ctx: Context, batchId: string, firstRow = 2): Promise<object | undefined> {
  const key = { batchId, firstRow };
  return inTransaction(ctx, (tx) => processChunk(ctx, tx, key, delivery(key)));
}

/** Delivers the one job of an atomic batch or a dry run. */
export function deliverWhole(ctx: Context, batchId: string): Promise<object | undefined> {
  return inTransaction(ctx, (tx) => processWhole(ctx, tx, batchId, delivery({ batchId })));
}

/** Delivers the job that undoes a batch. */
export function deliverUndo(ctx: Context, batchId: string): Promise<object | undefined> {
  return reverseRows(ctx, batchId, delivery({ batchId }));
}

/** Sends a command that must be accepted. @returns the batch as the answer shows it */
export async function command(
  user: Client,
  batchId: string,
  name: string,
  body?: object,
): Promise<BatchView> {
  const answer = await user.post<BatchView>(`/api/v1/batches/${batchId}/${name}`, body);
  if (answer.status >= 300)
    throw new Error(`${name} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Sends a command that must be refused. */
export function refused(
  user: Client,
  batchId: string,
  name: string,
  body?: object,
): Promise<Answer<Problem>> {
  return user.post<Problem>(`/api/v1/batches/${batchId}/${name}`, body);
}

/** The batch once it is as `isSo` says. */
export function untilBatch(
  user: Client,
  batchId: string,
  what: string,
  isSo: (batch: BatchView) => boolean,
  timeoutMs?: number,
): Promise<BatchView> {
  const probe = async () => {
    const { body } = await user.batch(batchId);
    return isSo(body) ? body : null;
  };
  return until(`the batch ${what}`, probe, timeoutMs);
}

/** Jobs of a name that a worker has in hand. */
export async function jobsInHand({ pool }: OpenContext, name = "batch.process-chunk"): Promise<number> {
  const { rows } = await pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE name = $1 AND state = 'active'",
    [name],
  );
  return rows[0].count;
}

/** Jobs of a name that a worker has in hand or will take. */
export async function jobsLeft({ pool }: OpenContext, name = "batch.process-chunk"): Promise<number> {
  const { rows } = await pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE name = $1 AND state IN ('created', 'retry', 'active')",
    [name],
  );
  return rows[0].count;
}

export interface Gate extends AsyncDisposable {
  /** Once so many statements wait at it. */
  reached(statements?: number): Promise<void>;
  /** How many wait at it now. */
  waiting(): Promise<number>;
  open(): Promise<void>;
}

/** Where a chunk is held: as it writes a book of the title `gate`, or as it stores its rows' results. */
const GATES = {
  write: `CREATE TRIGGER gate BEFORE INSERT ON rowmill.books FOR EACH ROW WHEN (NEW.title = 'gate') EXECUTE FUNCTION rowmill.wait_at_gate()`,
  settle:
    "CREATE TRIGGER gate BEFORE INSERT ON rowmill.row_results FOR EACH STATEMENT EXECUTE FUNCTION rowmill.wait_at_gate()",
};

/** From now on chunks stay in the middle of a statement until the gate is opened. */
export async function closeGate({ pool }: OpenContext, at: keyof typeof GATES = "write"): Promise<Gate> {
  await pool.query(
    `CREATE FUNCTION rowmill.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_advisory_xact_lock_shared(4711);
      RETURN NEW;
    END $$;
    ${GATES[at]}`,
  );
  const holder = await pool.connect();
  await holder.query("SELECT pg_advisory_lock(4711)");
  let isOpen = false;
  const waiting = async () => {
    const { rows } = await pool.query(
      `SELECT count(*)::int AS count FROM pg_locks
      WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return rows[0].count as number;
  };
  const open = async () => {
    if (isOpen) return;
    isOpen = true;
    await holder.query("SELECT pg_advisory_unlock(4711)");
    holder.release();
  };
  return {
    waiting,
    open,
    reached: async (statements = 1) => {
      await until(`${statements} statements wait at the gate`, async () => (await waiting()) >= statements);
    },
    [Symbol.asyncDispose]: open,
  };
}

/** How often it was enqueued that a batch has ended. */
export async function finishedJobs({ pool }: OpenContext, batchId: string): Promise<number> {
  const { rows } = await pool.query(
    "SELECT count(*)::int AS count FROM rowmill_queue.job WHERE name = 'batch.finished' AND data->>'batchId' = $1",
    [batchId],
  );
  return rows[0].count;
}

/** All the counts of a batch but its total: those named, and no row in any other. */
export const counts = (own: object) => ({
  pending: 0,
  processing: 0,
  success: 0,
  failed: 0,
  unprocessed: 0,
  undone: 0,
  ...own,
});
