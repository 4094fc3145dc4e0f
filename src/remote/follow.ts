/** Follows a batch to its end, and says how it ended. */
import { constants, createWriteStream } from "node:fs";
import { access, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { oneLine } from "../cli/table.ts";
import type { Batch, RowmillClient } from "../client/index.ts";
import { ConfigError } from "../errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { batchLine, ProgressLine } from "./progress.ts";
import { note, print, printJson, type Terminal } from "./terminal.ts";

export interface FollowOptions {
  readonly json: boolean;
  /** Exit with 2 if rows failed. */
  readonly failOnErrors: boolean;
  /** The file for failed rows. */
  readonly out: string | undefined;
}

const SHOWN_FAILURES = 10;

/** Call it before the work that `--out` saves. @throws ConfigError if the folder of the file cannot be written */
export async function requireFolder(out: string | undefined): Promise<void> {
  if (out === undefined) return;
  const folder = dirname(resolve(out));
  await access(folder, constants.W_OK).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`--out: the folder ${folder} cannot be written: ${cause.message}`, { cause });
  });
}

export async function followBatch(
  terminal: Terminal,
  client: RowmillClient,
  id: string,
  options: FollowOptions,
): Promise<ExitCode> {
  const batch = await untilEnded(terminal, client, id);
  if (options.out !== undefined && batch.counts.failed > 0) {
    await saveFailedRows(terminal, client, id, options.out);
    note(
      terminal,
      `${batch.counts.failed} failed rows are in ${options.out}. Correct them, then send them back:`,
    );
    note(terminal, `  rowmill correct ${id} ${options.out}`);
  }
  if (options.json) await printJson(terminal, batch);
  else await describe(terminal, client, batch);
  const isBroken = batch.state === "failed" || batch.state === "cancelled";
  return isBroken || (options.failOnErrors && batch.counts.failed > 0) ? EXIT.failures : EXIT.done;
}

async function untilEnded(terminal: Terminal, client: RowmillClient, id: string): Promise<Batch> {
  using line = new ProgressLine(terminal);
  let saidReason: string | null = null;
  try {
    return await client.waitForBatch(id, {
      signal: terminal.interrupted,
      onChange: (batch) => {
        if (batch.state === "paused" && batch.reason !== saidReason) {
          saidReason = batch.reason;
          line[Symbol.dispose]();
          note(terminal, `The batch is paused. ${batch.reason ?? ""}`.trimEnd());
          note(terminal, `  Resume it: rowmill resume ${id}`);
        }
        line.show(batchLine(batch));
      },
    });
  } catch (error) {
    line[Symbol.dispose]();
    if (terminal.interrupted.aborted) {
      note(terminal, "The batch goes on without this command.");
      note(terminal, `  Follow it: rowmill watch ${id}`);
      note(terminal, `  Cancel it: rowmill cancel ${id}`);
    }
    throw error;
  }
}

/** The file appears when it is complete. */
async function saveFailedRows(
  terminal: Terminal,
  client: RowmillClient,
  id: string,
  file: string,
): Promise<void> {
  const { body } = await client.download("/api/v1/batches/{batch_id}/results/{file}.{format}", {
    path: { batch_id: id, file: "failed", format: "csv" },
    signal: terminal.interrupted,
  });
  if (!body) throw new Error("The answer has no body.");
  const partial = `${file}.part`;
  try {
    await pipeline(Readable.fromWeb(body), createWriteStream(partial));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function describe(terminal: Terminal, client: RowmillClient, batch: Batch): Promise<void> {
  const { id, number, state, counts, reason } = batch;
  // A dry run writes nothing, so its good rows are still pending.
  const summary =
    state === "validated"
      ? `${rows(counts.total - counts.failed)} would succeed, ${counts.failed} would fail`
      : `${rows(counts.success)} succeeded, ${counts.failed} failed`;
  await print(terminal, `Batch ${number} is ${state}: ${summary}.`);
  if (reason !== null) await print(terminal, `  ${oneLine(reason)}`);
  if (counts.failed > 0) {
    let shown = 0;
    const query = { status: "failed", limit: SHOWN_FAILURES } as const;
    const failures = client.list("/api/v1/batches/{batch_id}/rows", { path: { batch_id: id }, query });
    for await (const row of failures) {
      await print(terminal, `  row ${String(row.row).padStart(5)}  ${oneLine(row.error_message ?? "")}`);
      if (++shown === SHOWN_FAILURES) break;
    }
    if (counts.failed > shown)
      await print(terminal, `  ... and ${counts.failed - shown} more: rowmill errors ${id}`);
  }
  if (state === "validated")
    await print(terminal, `Nothing is written yet. To import the rows: rowmill commit ${id}`);
}

function rows(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}
