/** Uploads whose bytes and timing a test decides, and what they leave in the database. */
import type { Client, Problem } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";
import { until } from "./until.ts";

export const UPLOAD = "/api/v1/batches?target=books";
export const BOUNDARY = "----rowmill-test";
export const MULTIPART = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
export const END = `\r\n--${BOUNDARY}--\r\n`;

export const partHead = (disposition = 'name="file"; filename="test.csv"') =>
  `--${BOUNDARY}\r\ncontent-disposition: form-data; ${disposition}\r\ncontent-type: text/csv\r\n\r\n`;

/** Sends a body as it is, of known length. */
export function sendRaw<T = Problem>(
  user: Client,
  body: string | Buffer,
  headers: Record<string, string> = MULTIPART,
  path = UPLOAD,
) {
  return user.send<T>("POST", path, { headers, body: new Uint8Array(Buffer.from(body)) });
}

/** Sends a body of unknown length, as it comes. */
export function sendStream<T = Problem>(user: Client, body: () => AsyncGenerator<string>) {
  async function* bytes() {
    for await (const text of body()) yield new Uint8Array(Buffer.from(text));
  }
  return user.send<T>("POST", UPLOAD, {
    headers: MULTIPART,
    body: ReadableStream.from(bytes()),
    duplex: "half",
  });
}

/** Counts batches and their rows in the database. A refusal leaves nothing. */
export async function kept({ ctx }: Rowmill) {
  const { rows } = await ctx.pool.query<Record<"batches" | "rows" | "chunks" | "results" | "jobs", number>>(`
    SELECT (SELECT count(*)::int FROM rowmill.batches) AS batches, (SELECT count(*)::int FROM rowmill.batch_rows) AS rows,
      (SELECT count(*)::int FROM rowmill.chunks) AS chunks, (SELECT count(*)::int FROM rowmill.row_results) AS results,
      (SELECT count(*)::int FROM rowmill_queue.job) AS jobs`);
  return rows[0];
}

export const NOTHING = { batches: 0, rows: 0, chunks: 0, results: 0, jobs: 0 };

/** Counts connections that are idle in a transaction, and connections that are taken from the pool. */
async function heldConnections({ ctx }: Rowmill) {
  const { rows } = await ctx.pool.query<{ idle: number }>(
    "SELECT count(*)::int AS idle FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
  );
  return { inTransaction: rows[0]?.idle, checkedOut: ctx.pool.totalCount - ctx.pool.idleCount };
}

export const holdsNothing = (rowmill: Rowmill) =>
  until("no upload holds a connection", async () => {
    const { inTransaction, checkedOut } = await heldConnections(rowmill);
    return inTransaction === 0 && checkedOut === 0;
  });

export const line = (index: number) => `Title ${index},Author ${index},"Description, of book ${index}"\n`;
export const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => line(from + index)).join("");
export const HEADER = "title,author,description\n";
/** Over 64 KiB of them, which are looked at before there is a batch. */
export const FIRST_LINES = 2500;
