import type pg from "pg";

/** `transaction_timeout` exists since PostgreSQL 17. */
const LIMITS = [
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "transaction_timeout",
];

/**
 * Lifts the time limits of the role, which are meant for requests and jobs: a migration or a backup may take hours.
 * @param scope a session must be our own, because a pooler would hand it to others without limits
 */
export async function liftTimeLimits(
  client: pg.ClientBase,
  scope: "transaction" | "session" = "transaction",
): Promise<void> {
  await client.query(
    `SELECT set_config(name, '0', ${scope === "transaction"}) FROM pg_settings WHERE name IN ('${LIMITS.join("', '")}')`,
  );
}
