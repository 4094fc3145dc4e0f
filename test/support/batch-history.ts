/** Random histories of a batch: commands, deliveries, killed workers, later batches, programs of earlier versions. */
import { expect } from "vitest";
import { processChunk } from "../../src/batches/process/process-chunk.ts";
import { splitChunk } from "../../src/batches/process/split-chunk.ts";
import { inTransaction } from "../../src/context.ts";
import { Later } from "../../src/platform/queue/later.ts";
import { deliverChunk, deliverUndo, deliverWhole } from "./batches.ts";
import type { Client } from "./client.ts";
import { count } from "./count.ts";
import { chunksOf, importFile } from "./imports.ts";
import type { Random } from "./random.ts";
import type { Rowmill } from "./rowmill.ts";

const ROWS = 60;

export interface Options {
  readonly mode: string;
  readonly policy: string;
  readonly isDryRun: boolean;
}

export class BatchHistory {
  readonly #rowmill: Rowmill;
  readonly #user: Client;
  readonly #random: Random;
  readonly batch: string;
  /** Later batches, which update the records of this one. */
  readonly #later: string[] = [];

  private constructor(rowmill: Rowmill, user: Client, random: Random, batch: string) {
    this.#rowmill = rowmill;
    this.#user = user;
    this.#random = random;
    this.batch = batch;
  }

  static async start(
    rowmill: Rowmill,
    user: Client,
    random: Random,
    { mode, policy, isDryRun }: Options,
  ): Promise<BatchHistory> {
    const file = `title,author,description\n${Array.from({ length: ROWS }, () => `${cellsOf(random)}\n`).join("")}`;
    const path = `/api/v1/batches?target=books&mode=${mode}&policy=${policy}&dry_run=${isDryRun}&force=true`;
    const { body } = await user.upload(file, path);
    return new BatchHistory(rowmill, user, random, body.id);
  }

  /** Does the next thing. Programs of 0.12.0 do every third one. */
  async step(): Promise<void> {
    if (this.#random.below(3) === 0) await asOlderProgram(this.#rowmill, this.batch, () => this.#change());
    else await this.#change();
  }

  /** Commands that the state of the batch may refuse. */
  async #change(): Promise<void> {
    const random = this.#random;
    const { ctx } = this.#rowmill;
    const post = (command: string, body?: object) =>
      this.#user.post(`/api/v1/batches/${this.batch}/${command}`, body);
    const chunks = await chunksOf(this.#rowmill, this.batch);
    const { rows: failed } = await ctx.pool.query<{ row: number }>(
      "SELECT row_number AS row FROM rowmill.row_results WHERE batch_id = $1 AND status = 'failed'",
      [this.batch],
    );
    const chosen = failed.map(({ row }) => row).filter(() => random.below(3) === 0);
    switch (random.below(16)) {
      case 0:
        return void (await post("retry", { unprocessed: true }));
      case 1:
      case 2:
        return void (await post("retry", { rows: chosen, unprocessed: true }));
      case 3: {
        for (const row of chosen)
          await this.#user.patch(`/api/v1/batches/${this.batch}/rows/${row}`, {
            fields: { title: random.pick(["", "Title 1", `Edited ${random.below(1e6)}`]), author: "Author" },
          });
        return void (await post("retry", { rows: chosen, unprocessed: true }));
      }
      case 4:
        return void (await post(random.pick(["cancel", "pause"])));
      case 5:
        return void (await post(random.pick(["resume", "commit"])));
      case 6: {
        await post("undo");
        return void (await deliverUndo(ctx, this.batch));
      }
      case 7:
        return splitChunk(ctx, { batchId: this.batch, firstRow: random.pick(chunks) }, "crashed");
      case 8:
        return this.#killDelivery(random.pick(chunks));
      case 9:
        return this.#changeRecords();
      default: {
        await this.#deliverWhole();
        const order = random.below(2) === 0 ? chunks : chunks.toReversed();
        const wanted = order.filter(() => random.below(2) === 0);
        // The last two at the same time, as two workers would.
        for (const firstRow of wanted.slice(0, -2)) await this.#deliver(firstRow);
        await Promise.all(wanted.slice(-2).map((firstRow) => this.#deliver(firstRow)));
      }
    }
  }

  /** A later batch updates records of this one, so that an undo keeps them; or it is undone itself. */
  async #changeRecords(): Promise<void> {
    const undone = this.#random.below(2) === 0 ? this.#later.pop() : undefined;
    if (undone !== undefined) {
      await this.#user.post(`/api/v1/batches/${undone}/undo`);
      return void (await deliverUndo(this.#rowmill.ctx, undone));
    }
    const rows = Array.from(
      { length: 30 },
      (_, at) => `Title ${at},Author,Later ${this.#random.below(100)}\n`,
    );
    const file = `title,author,description\n${rows.join("")}`;
    this.#later.push(await importFile(this.#rowmill, this.#user, file, "upsert"));
  }

  async #isWhole(): Promise<boolean> {
    const condition = "id = $1 AND (is_dry_run OR policy = 'atomic')";
    const { pool } = this.#rowmill.ctx;
    return (await count(pool, `SELECT count(*) FROM rowmill.batches WHERE ${condition}`, [this.batch])) > 0;
  }

  async #deliverWhole(): Promise<void> {
    if (await this.#isWhole()) await deliverWhole(this.#rowmill.ctx, this.batch);
  }

  async #deliver(firstRow: number): Promise<void> {
    if (!(await this.#isWhole())) await deliverTurns(this.#rowmill, this.batch, firstRow);
  }

  /** The worker dies before the commit. */
  async #killDelivery(firstRow: number): Promise<void> {
    if (!(await this.#isWhole())) await killDelivery(this.#rowmill, this.batch, firstRow);
  }
}

function cellsOf(random: Random): string {
  const title = random.pick(["", `Title ${random.below(30)}`, "x".repeat(501), `Title ${random.below(1e6)}`]);
  const author = random.pick(["", "Author", "Author", "Author", "y".repeat(301)]);
  return `${title},${author},`;
}

/** Delivers the job of a chunk until it does not continue. */
export async function deliverTurns({ ctx }: Rowmill, batch: string, firstRow: number): Promise<void> {
  let settled = await deliverChunk(ctx, batch, firstRow);
  while (settled instanceof Later)
    settled = await deliverChunk(ctx, batch, firstRow, settled.payload as never);
}

export async function killDelivery({ ctx }: Rowmill, batch: string, firstRow: number): Promise<void> {
  const delivery = { id: batch, payload: {}, attempt: 1, signal: new AbortController().signal };
  const killed = inTransaction(ctx, async (tx) => {
    await processChunk(ctx, tx, { batchId: batch, firstRow }, delivery);
    throw new Error("killed");
  });
  await expect(killed).rejects.toThrow("killed");
}

/**
 * Does it as programs of 0.12.0 would: they change the same tables in the same way, and leave what the end of a batch keeps as it is.
 * Programs of 0.11.0 leave the causes of chunks as they are, too.
 */
export async function asOlderProgram(
  { ctx: { pool } }: Rowmill,
  batch: string,
  step: () => Promise<void>,
): Promise<void> {
  await pool.query(
    "CREATE TABLE rowmill.causes_before AS SELECT * FROM rowmill.chunk_causes WHERE batch_id = $1",
    [batch],
  );
  const { rows } = await pool.query<{ totals: string | null }>(
    "SELECT totals::text FROM rowmill.batches WHERE id = $1",
    [batch],
  );
  await step();
  await pool.query("UPDATE rowmill.batches SET totals = $2 WHERE id = $1", [batch, rows[0]?.totals]);
  await pool.query("DELETE FROM rowmill.chunk_causes WHERE batch_id = $1", [batch]);
  await pool.query("INSERT INTO rowmill.chunk_causes SELECT * FROM rowmill.causes_before");
  await pool.query("DROP TABLE rowmill.causes_before");
}
