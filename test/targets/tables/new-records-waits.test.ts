/** Sets of new records wait for memory and locks without being in the way of others. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { ChunkWork } from "../../../src/batches/batch-jobs.ts";
import { processChunk } from "../../../src/batches/process/process-chunk.ts";
import { hasMemory, takeMemory } from "../../../src/batches/process/read/read-open-rows.ts";
import { inTransaction } from "../../../src/context.ts";
import { Later } from "../../../src/platform/queue/later.ts";
import { deliverChunk } from "../../support/batches.ts";
import { countWaiting } from "../../support/count.ts";
import { receive } from "../../support/imports.ts";
import { MODES, resultsOf, useStore } from "../../support/store.ts";
import { until } from "../../support/until.ts";

const GATE = 4712;
const moreSql = `
CREATE TABLE store.gated (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, v text);
CREATE FUNCTION store.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NULL; END $$;
CREATE TRIGGER gate AFTER INSERT ON store.gated FOR EACH STATEMENT EXECUTE FUNCTION store.wait_at_gate();
CREATE TABLE store.shared (id int PRIMARY KEY, v text);`;

const { rowmill, user, query, define } = useStore({ moreSql });
const mode = { ...MODES, allowed: [...MODES.allowed] };
const target = (table: string) =>
  define({
    table,
    key: { columns: ["id"] },
    mode,
    columns: [
      { name: "id", type: "integer" },
      { name: "v", type: "text" },
    ],
  });

/** More than a process has. */
const ALL_MEMORY = 2 ** 30;

async function closeGate() {
  const client = await rowmill.ctx.pool.connect();
  await client.query("SELECT pg_advisory_lock($1)", [GATE]);
  const open = () => client.query("SELECT pg_advisory_unlock_all()");
  return {
    open,
    async [Symbol.asyncDispose]() {
      await open();
      client.release();
    },
  };
}

test("a chunk that has written a set does not wait for the memory for its other rows", async () => {
  const batch = await receive(user, "id,v\n1,a\nx,b\n3,c\n", "insert", await target("gated"));
  await using gate = await closeGate();
  const delivered = deliverChunk(rowmill.ctx, batch);
  await until("the set waits", async () => (await countWaiting(rowmill.ctx.pool, `objid = ${GATE}`)) > 0);
  const memory = takeMemory(ALL_MEMORY);
  await gate.open();
  let settled: unknown;
  {
    using _ = await memory;
    const ids = () => query("SELECT id FROM store.gated");
    await until("the records are committed", async () => (await ids()).length === 2, 5000);
    settled = await delivered;
  }
  if (!(settled instanceof Later)) throw new Error("The chunk has no other rows.");
  await deliverChunk(rowmill.ctx, batch, 2, settled.payload as ChunkWork);
  expect(await resultsOf(user, batch)).toEqual({ 2: "created", 3: "invalid_number", 4: "created" });
  expect((await user.batch(batch)).body.state).toBe("completed_with_errors");
});

test("a chunk that is stopped while it waits for memory writes no set", async () => {
  const batch = await receive(user, "id,v\n11,a\n12,b\n", "insert", await target("gated"));
  const worker = new AbortController();
  const key = { batchId: batch, firstRow: 2 };
  const delivery = { id: randomUUID(), payload: key, attempt: 1, signal: worker.signal };
  const numbers = () => query("SELECT last_value FROM store.gated_n_seq");
  const before = await numbers();
  let delivered: Promise<unknown>;
  {
    using _ = await takeMemory(ALL_MEMORY);
    delivered = inTransaction(rowmill.ctx, (tx) => processChunk(rowmill.ctx, tx, key, delivery));
    await until("the chunk waits for memory", async () => !hasMemory(0));
    worker.abort(new Error("The worker stops."));
  }
  await expect(delivered).rejects.toThrow("The worker stops.");
  expect(await numbers()).toEqual(before);
});

test("a set of upsert holds no new records while it waits for an existing one", async () => {
  await query("INSERT INTO store.shared VALUES (5, 'old')");
  const batch = await receive(user, "id,v\n1,new\n5,new\n", "upsert", await target("shared"));
  const application = await rowmill.ctx.pool.connect();
  try {
    await application.query("BEGIN; UPDATE store.shared SET v = 'application' WHERE id = 5");
    const delivered = deliverChunk(rowmill.ctx, batch);
    await until(
      "the chunk waits for the record",
      async () => {
        const [waiting] = await query<{ query: string }>(
          `SELECT query FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE '%INSERT INTO%'`,
        );
        return waiting !== undefined;
      },
      3000,
    );
    await application.query("INSERT INTO store.shared VALUES (1, 'application'); COMMIT");
    await delivered;
  } finally {
    await application.query("ROLLBACK");
    application.release();
  }
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated", 3: "updated" });
});
