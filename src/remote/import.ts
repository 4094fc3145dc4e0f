import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import type { BatchOptions, UploadSource } from "../client/index.ts";
import { openFile } from "../client/node.ts";
import { ConfigError } from "../errors.ts";
import { command, flag, type Session, text } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { followBatch, requireFolder } from "./follow.ts";
import { ProgressLine, uploadLine } from "./progress.ts";
import { note, print, printJson, type Terminal } from "./terminal.ts";

/** `max_errors` is the option `--max-errors`. */
type Dashed<Name extends string> = Name extends `${infer A}_${infer B}` ? `${A}-${Dashed<B>}` : Name;

/** All options of an upload. The server checks their values. */
const uploadOptions = {
  target: text,
  mode: text,
  policy: text,
  "max-errors": text,
  "rows-per-second": text,
  mapping: text,
  params: text,
  locale: text,
  sheet: text,
  encoding: text,
  delimiter: text,
  quote: text,
  escape: text,
  header: text,
  "header-rows": text,
  columns: text,
  "skip-lines": text,
  "skip-blank-rows": text,
  tables: text,
  "row-delay-ms": text,
  "dry-run": flag,
  force: flag,
} as const satisfies Record<Dashed<keyof BatchOptions>, typeof text | typeof flag>;

const ownOptions = {
  name: text,
  watch: flag,
  "fail-on-errors": flag,
  out: text,
  json: flag,
} as const;

export const importCommands = [
  command({
    name: "import",
    usage: "FILE|- [--target books] [--dry-run] [--watch] [--fail-on-errors] [--out failed.csv] [--json]",
    summary: "Upload a CSV file or an Excel workbook. - is standard input.",
    details: `--watch            wait until every row is processed, and show the outcome
--fail-on-errors   wait, and exit with 2 if rows failed
--out FILE         wait, and save the failed rows in FILE
--dry-run          check every row and write nothing; \`rowmill commit ID\` imports the rows
--force            import a file that was uploaded before
--name NAME        the name of the file, for standard input
--json             print the batch as JSON

All other options of an upload, with a value:
${valueOptions(uploadOptions)}
The guide "Uploads" describes them.`,
    takes: ["FILE"],
    options: { ...uploadOptions, ...ownOptions },
    async run({ terminal, connect }: Session, values, [file = ""]) {
      const { name, watch, json, out, "fail-on-errors": failOnErrors, ...options } = values;
      const client = await connect();
      await requireFolder(out);
      const source = await sourceOf(terminal, file, name);
      const batch = await uploading(terminal, NOT_IMPORTED, (controls) =>
        client.uploadBatch(source, { ...fieldsOf(options), ...nameOf(file, name), ...controls }),
      );
      const title = `Batch ${batch.number} (${batch.id})`;
      note(
        terminal,
        batch.replayed
          ? `${title}: you uploaded this file at ${batch.created_at}. To import it again, add --force.`
          : `${title}: ${batch.counts.total} rows are stored and queued.`,
      );
      if (watch || failOnErrors || out !== undefined) {
        return followBatch(terminal, client, batch.id, { json, failOnErrors, out });
      }
      if (json) await printJson(terminal, batch);
      else await print(terminal, batch.id);
      note(terminal, `Follow it: rowmill watch ${batch.id}`);
      return EXIT.done;
    },
  }),

  command({
    name: "correct",
    usage: "ID FILE [--watch] [--fail-on-errors] [--out failed.csv] [--json]",
    summary: "Send corrected rows of a batch back. Only these rows run again.",
    takes: ["ID", "FILE"],
    options: ownOptions,
    async run({ terminal, connect }, values, [id = "", file = ""]) {
      const { name, watch, json, out, "fail-on-errors": failOnErrors } = values;
      const client = await connect();
      await requireFolder(out);
      const source = await sourceOf(terminal, file, name);
      const answer = await uploading(terminal, notCorrected(id), (controls) =>
        client.correctBatch(id, source, { ...nameOf(file, name), ...controls }),
      );
      note(terminal, `${answer.corrected} rows were corrected, and ${answer.retried} run again.`);
      if (watch || failOnErrors || out !== undefined) {
        return followBatch(terminal, client, id, { json, failOnErrors, out });
      }
      if (json) await printJson(terminal, answer);
      return EXIT.done;
    },
  }),
];

const NOT_IMPORTED =
  "Interrupted. Nothing is imported, unless the whole file had arrived.\n  Look: rowmill batches";

const notCorrected = (id: string) =>
  `Interrupted. Nothing is corrected, unless the whole file had arrived.\n  Look: rowmill rows ${id}`;

function valueOptions(options: Readonly<Record<string, typeof text | typeof flag>>): string {
  const names = Object.keys(options).filter((name) => options[name] === text);
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += 6) lines.push(names.slice(at, at + 6).join(" --"));
  return lines.map((line) => `  --${line}`).join("\n");
}

/** @throws ConfigError if the file cannot be read */
async function sourceOf({ stdin }: Terminal, file: string, name: string | undefined): Promise<UploadSource> {
  if (file === "-") return Readable.toWeb(stdin) as ReadableStream<Uint8Array>;
  return openSource(file, name).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read: ${cause.message}`, { cause });
  });
}

async function openSource(file: string, name: string | undefined): Promise<UploadSource> {
  // A pipe, as in `rowmill import <(zcat books.csv.gz)`.
  if ((await stat(file)).isFIFO())
    return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
  return openFile(file, name);
}

function nameOf(file: string, name: string | undefined): { filename?: string } {
  return file === "-" ? { filename: name ?? "stdin.csv" } : {};
}

/** `--max-errors` is the field `max_errors`. */
function fieldsOf(options: Readonly<Record<string, string | boolean | undefined>>): BatchOptions {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined && value !== false)
      .map(([name, value]) => [name.replaceAll("-", "_"), value]),
  );
}

async function uploading<T>(
  terminal: Terminal,
  ifInterrupted: string,
  upload: (controls: {
    signal: AbortSignal;
    onProgress: (progress: Parameters<typeof uploadLine>[0]) => void;
  }) => Promise<T>,
): Promise<T> {
  using line = new ProgressLine(terminal);
  try {
    return await upload({
      signal: terminal.interrupted,
      onProgress: (progress) => line.show(uploadLine(progress)),
    });
  } catch (error) {
    line[Symbol.dispose]();
    if (terminal.interrupted.aborted) note(terminal, ifInterrupted);
    throw error;
  }
}
