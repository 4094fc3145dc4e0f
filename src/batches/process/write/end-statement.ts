import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../../context.ts";

/**
 * Cancels the running statement of a transaction when the signal aborts. Otherwise a statement that waits for a lock or
 * writes for long would delay the end of the job.
 * @param ctx outside the transaction: it cancels on another connection
 * @param knownPid the process of the server that runs the transaction, if the caller has read it
 */
export async function endStatementOnAbort(
  ctx: Context,
  tx: Tx,
  signal: AbortSignal,
  knownPid?: number,
): Promise<AsyncDisposable> {
  const pid = knownPid ?? (await readPid(tx));
  let cancelling: Promise<unknown> | undefined;
  const cancel = () => {
    cancelling = ctx.db
      .execute(sql`SELECT pg_cancel_backend(${pid}::int)`)
      .catch((error) => ctx.log.warn({ err: error }, "cannot cancel the statement of a stopped job"));
  };
  signal.addEventListener("abort", cancel, { once: true });
  return {
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", cancel);
      // A late cancel would hit the next statement of this connection.
      await cancelling;
    },
  };
}

async function readPid({ db }: Tx): Promise<number> {
  const { rows } = await db.execute<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
  return rows[0]?.pid ?? 0;
}
