import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { announceToAdmins } from "./announce-to-admins.ts";

export interface AdminAlert {
  /** Names the problem, such as `backup`: an alert with the same key is not repeated within an hour. */
  readonly key: string;
  readonly subject: string;
  readonly message: string;
}

/** Tells every admin about a problem. @returns false if they were alerted within the last hour */
export async function alertAdmins(tx: Tx, { key, subject, message }: AdminAlert): Promise<boolean> {
  const { rows } = await tx.db.execute<{ sequence: number }>(sql`
    INSERT INTO rowmill.admin_alerts AS alert (key, alerted_at) VALUES (${key}, statement_timestamp())
    ON CONFLICT (key) DO UPDATE SET alerted_at = excluded.alerted_at
      WHERE alert.alerted_at < statement_timestamp() - interval '1 hour'
    RETURNING floor(extract(epoch FROM alerted_at))::float8 AS sequence`);
  const [alert] = rows;
  if (!alert) return false;
  const data = { subject, message };
  await announceToAdmins(tx, { kind: "admin.alert", subjectId: key, sequence: alert.sequence, data });
  return true;
}
