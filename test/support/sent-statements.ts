/**
 * Writes each statement that this process sends to PostgreSQL into a file, once. Loaded by the helpers that start Rowmill, and by the
 * programs that tests start (`node --import`). At the end of a run, the statements of all processes are checked: check-statements.ts.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import pg from "pg";

/** The variable that names the folder for the statements of a run. */
export const FOLDER = "SENT_STATEMENTS";

export interface Statement {
  readonly text: string;
  /** For each parameter, the number of the first one with the same value. */
  readonly equal: readonly number[];
}

export interface SentStatement extends Statement {
  /** The file that sent it, such as `src/migrate.ts`. Null: a connection sent it later, when nobody can see any more who asked for it. */
  readonly origin: string | null;
}

interface Sender {
  readonly name: string;
  readonly prototype: { query: (this: object, ...given: unknown[]) => unknown };
}

const checkout = resolve(import.meta.dirname, "../..") + sep;
const folder = process.env[FOLDER];
const known = new Set<string>();

if (folder) {
  const file = join(folder, `${process.pid}.jsonl`);
  // Code calls the query of a pool, which calls that of a connection, often later.
  for (const { name, prototype } of [pg.Client, pg.Pool] as unknown as Sender[]) {
    const send = prototype.query;
    prototype.query = function (this: object, ...given: unknown[]) {
      const statement = statementOf(given);
      // A program can outlive the run.
      if (statement && isNew(name, statement) && existsSync(folder))
        appendFileSync(file, lineOf({ ...statement, origin: originOf() }));
      return send.apply(this, given);
    };
  }
}

const lineOf = (statement: SentStatement) => `${JSON.stringify(statement)}\n`;

/** @param given the parameters of `query`: a text, or an object with one, and values */
export function statementOf(given: readonly unknown[]): Statement | null {
  const [query, separate] = given as [string | { text?: string; values?: unknown[] } | undefined, unknown];
  const text = typeof query === "string" ? query : query?.text;
  if (!text) return null;
  const values = Array.isArray(separate) ? separate : (typeof query === "object" && query.values) || [];
  const first = new Map<unknown, number>();
  const equal = values.map((value, index) => {
    if (!first.has(value)) first.set(value, index + 1);
    return first.get(value) ?? 0;
  });
  return { text, equal };
}

/** Keeps no text: tests measure the memory of programs. */
function isNew(sender: string, { text, equal }: Statement): boolean {
  const key = createHash("md5").update(`${sender} ${equal} ${text}`).digest("base64");
  return known.size < known.add(key).size;
}

/** The helpers that record statements pass on what others send. */
function originOf(): string | null {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 60;
  const frames = new Error().stack?.split("\n") ?? [];
  Error.stackTraceLimit = stackTraceLimit;
  const own = frames
    .filter((frame) => frame.includes(checkout) && !frame.includes("node_modules"))
    .map((frame) => frame.slice(frame.indexOf(checkout) + checkout.length).replace(/:.*/, ""));
  return own.find((file) => !file.endsWith("-statements.ts")) ?? null;
}
