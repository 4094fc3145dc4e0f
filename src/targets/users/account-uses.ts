import { sql } from "drizzle-orm";

const USES = [
  "sessions",
  "refresh_tokens",
  "batches",
  "books",
  "records",
  "files",
  "tasks",
  "schedules",
  "workflows",
  "webhooks",
  "api_tokens",
];

/** Whether nobody has logged in to the account, and it owns nothing. With LIMIT, each table is one look-up per account. */
export const isUnused = sql.join(
  USES.map(
    (table) =>
      sql`(SELECT true FROM rowmill.${sql.identifier(table)} WHERE user_id = users.id LIMIT 1) IS NULL`,
  ),
  sql` AND `,
);
