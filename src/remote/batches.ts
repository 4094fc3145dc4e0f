import type { Values } from "../cli/arguments.ts";
import { oneLine, type Row } from "../cli/table.ts";
import type { Batch } from "../client/index.ts";
import { command, flag, limitOf, oneOf, type Session, text } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followBatch, requireFolder } from "./follow.ts";
import { showList } from "./lists.ts";
import { print, printJson, type Terminal } from "./terminal.ts";

const list = { limit: { ...text, default: "20" }, json: flag } as const;
const control = { watch: flag, "fail-on-errors": flag, out: text, json: flag } as const;
const ROW_STATUSES = ["pending", "processing", "success", "failed", "unprocessed", "undone"] as const;

export const batchCommands = [
  command({
    name: "batches",
    usage: "[--limit 20] [--json]",
    summary: "List your uploads, newest first.",
    options: list,
    async run({ terminal, connect }, { limit, json }) {
      const client = await connect();
      const batches = client.list("/api/v1/batches", { signal: terminal.interrupted });
      await showList(terminal, batches, {
        limit: limitOf(limit),
        json,
        rowOf: ({ id, number, target, filename, state, counts, created_at }): Row => ({
          number,
          id,
          target,
          state,
          rows: counts.total,
          success: counts.success,
          failed: counts.failed,
          created: created_at,
          file: filename,
        }),
      });
    },
  }),

  command({
    name: "watch",
    usage: "ID [--fail-on-errors] [--out failed.csv] [--json]",
    summary: "Follow a batch to its end, and show the outcome.",
    takes: ["ID"],
    options: { "fail-on-errors": flag, out: text, json: flag },
    async run({ terminal, connect }, { json, out, "fail-on-errors": failOnErrors }, [id = ""]) {
      await requireFolder(out);
      return followBatch(terminal, await connect(), id, { json, failOnErrors, out });
    },
  }),

  command({
    name: "rows",
    usage: "ID [--status failed] [--limit 20] [--json]",
    summary: "List the rows of a batch, in the order of the file.",
    details: `Statuses: ${ROW_STATUSES.join(", ")}.`,
    takes: ["ID"],
    options: { ...list, status: text },
    async run({ terminal, connect }, { limit, json, status }, [batch_id = ""]) {
      const query = status === undefined ? {} : { status: oneOf("--status", ROW_STATUSES, status) };
      const client = await connect();
      const rows = client.list("/api/v1/batches/{batch_id}/rows", {
        path: { batch_id },
        query,
        signal: terminal.interrupted,
      });
      await showList(terminal, rows, {
        limit: limitOf(limit),
        json,
        rowOf: ({ row, status, record_id, record_key, effect, error_message, fields }): Row => ({
          row,
          status,
          record: record_id ?? (record_key && Object.values(record_key).join(" ")),
          effect,
          error: error_message,
          cells: Object.values(fields).join(" | ").slice(0, 60),
        }),
      });
    },
  }),

  command({
    name: "errors",
    usage: "ID [--json]",
    summary: "Show the errors of a batch in groups, the most frequent first.",
    takes: ["ID"],
    options: { json: flag },
    async run({ terminal, connect }, { json }, [batch_id = ""]) {
      const client = await connect();
      const signal = terminal.interrupted;
      const errors = await client.get("/api/v1/batches/{batch_id}/errors", { path: { batch_id }, signal });
      if (json) return printJson(terminal, errors);
      await print(terminal, `${errors.failed} ${errors.failed === 1 ? "row" : "rows"} failed.`);
      for (const { count, message, rows } of errors.groups) {
        const more = count > rows.length ? ", ..." : "";
        await print(
          terminal,
          `${String(count).padStart(7)}  ${oneLine(message)}  (rows ${rows.join(", ")}${more})`,
        );
      }
    },
  }),

  command({
    name: "retry",
    usage: "ID [--unprocessed] [--watch] [--fail-on-errors] [--out failed.csv] [--json]",
    summary: "Run the failed rows of a batch again; with --unprocessed, also those without a result.",
    takes: ["ID"],
    options: { ...control, unprocessed: flag },
    async run(session, values, [batch_id = ""]) {
      const client = await session.connect();
      const body = values.unprocessed ? { unprocessed: true } : {};
      const path = { batch_id };
      return after(session, values, await client.post("/api/v1/batches/{batch_id}/retry", { path, body }));
    },
  }),

  restart("commit", "Import the rows of a dry run."),
  restart("undo", "Revert the records that a batch has written."),
  restart("resume", "Go on with a paused batch."),
  stop("pause", "Stop taking rows of a batch until it is resumed."),
  stop("cancel", "End a batch. Rows that are imported stay imported."),
];

/** After it, the batch runs. */
function restart(name: "commit" | "undo" | "resume", summary: string) {
  return command({
    name,
    usage: "ID [--watch] [--fail-on-errors] [--out failed.csv] [--json]",
    summary,
    takes: ["ID"],
    options: control,
    async run(session, values, [batch_id = ""]) {
      const client = await session.connect();
      const path = { batch_id };
      return after(session, values, await client.post(`/api/v1/batches/{batch_id}/${name}`, { path }));
    },
  });
}

function stop(name: "pause" | "cancel", summary: string) {
  return command({
    name,
    usage: "ID [--json]",
    summary,
    takes: ["ID"],
    options: { json: flag },
    async run({ terminal, connect }, { json }, [batch_id = ""]) {
      const client = await connect();
      const path = { batch_id };
      await showState(terminal, json, await client.post(`/api/v1/batches/{batch_id}/${name}`, { path }));
    },
  });
}

async function after(
  { terminal, connect }: Session,
  { json, watch, out, "fail-on-errors": failOnErrors }: Values<typeof control>,
  batch: Batch,
): Promise<ExitCode> {
  if (watch || failOnErrors || out !== undefined) {
    return followBatch(terminal, await connect(), batch.id, { json, failOnErrors, out });
  }
  await showState(terminal, json, batch);
  return EXIT.done;
}

function showState(terminal: Terminal, json: boolean, batch: Batch): Promise<void> {
  return json ? printJson(terminal, batch) : print(terminal, `Batch ${batch.number} is ${batch.state}.`);
}
