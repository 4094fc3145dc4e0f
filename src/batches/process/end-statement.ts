import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";

/**
 * Ends the statement that a transaction is in as soon as the signal aborts: one that waits for a lock, or writes for
 * long, would not see it before it is done.
 * @param ctx outside of that transaction
 */
export async function endStatementOnAbort(
  ctx: Context,
  tx: Tx,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { rows } = await tx.db.execute<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
  const pid = rows[0]?.pid ?? 0;
  let ending: Promise<unknown> | undefined;
  const end = () => {
    ending = ctx.db
      .execute(sql`SELECT pg_cancel_backend(${pid})`)
      .catch((error) =>
        ctx.log.warn({ err: error }, "could not end the statement of rows that are given up"),
      );
  };
  signal.addEventListener("abort", end, { once: true });
  return {
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", end);
      // So that it can't meet a later statement.
      await ending;
    },
  };
}
