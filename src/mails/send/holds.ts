/** Pauses for a domain, or for all mail, that all workers keep. */
import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";
import { domainOf } from "../addresses.ts";

/** After each failure in turn, for a mail and for a domain: about a day together. */
export const RETRY_SECONDS = [60, 300, 1800, 7200, 21_600, 43_200] as const;

/** The key of our own mail server. */
const SERVER = "";
/** All mail waits for the server, so it is asked again at least this often. */
const MAX_SERVER_SECONDS = 1800;

export interface Hold {
  /** Seconds until mail may be sent. */
  readonly seconds: number;
  /** The answer that caused the hold. */
  readonly reply: string;
  /** Whether no mail may be sent at all. */
  readonly isServer: boolean;
}

/** @returns the hold of the server, if there is one, otherwise that of the domain; null: mail may be sent now */
export async function holdOf({ db }: Context, address: string): Promise<Hold | null> {
  const { rows } = await db.execute<Hold & Record<string, unknown>>(sql`
    SELECT extract(epoch FROM held_until - clock_timestamp())::float8 AS seconds, reply, domain = ${SERVER} AS "isServer"
    FROM rowmill.mail_holds WHERE domain IN (${SERVER}, ${domainOf(address)}) AND held_until > clock_timestamp()
    ORDER BY domain = ${SERVER} DESC LIMIT 1`);
  return rows[0] ?? null;
}

/**
 * Each hold in turn is longer, until a mail is accepted. Failures during a hold do not count: they began before it.
 * @returns the number of holds in turn; 0: a hold lasts already
 */
export async function hold(
  tx: Tx,
  of: { server: true } | { address: string },
  reply: string,
): Promise<number> {
  const isServer = "server" in of;
  const key = isServer ? SERVER : domainOf(of.address);
  const steps = RETRY_SECONDS.map((seconds) => (isServer ? Math.min(seconds, MAX_SERVER_SECONDS) : seconds));
  const until = (failures: ReturnType<typeof sql>) =>
    sql`clock_timestamp() + make_interval(secs => (${sql.param(steps)}::int[])[least(${failures}, ${steps.length})])`;
  const { rows } = await tx.db.execute<{ failures: number }>(sql`
    INSERT INTO rowmill.mail_holds AS held (domain, failures, held_until, reply)
    VALUES (${key}, 1, ${until(sql`1`)}, ${reply})
    ON CONFLICT (domain) DO UPDATE SET failures = held.failures + 1, held_until = ${until(sql`held.failures + 1`)}, reply = excluded.reply
      WHERE held.held_until < clock_timestamp()
    RETURNING failures`);
  return rows[0]?.failures ?? 0;
}

/** The server and the domain accept mail again. */
export async function endHolds(tx: Tx, address: string): Promise<void> {
  await tx.db.execute(sql`DELETE FROM rowmill.mail_holds WHERE domain IN (${SERVER}, ${domainOf(address)})`);
}
