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

/** The hold of the server, or of the domain of an address. */
export const isHoldOf = (address: string) => sql`domain IN (${SERVER}, ${domainOf(address)})`;

/** Reasons not to send a mail now. */
export interface Hindrances {
  /** null: the address gets such mail. */
  readonly suppression: { readonly scope: "all" | "bulk_message"; readonly reply: string | null } | null;
  /** The hold of the server, if there is one, otherwise that of the domain; null: mail may be sent now. */
  readonly hold: Hold | null;
}

/** @param scopes the suppressions that count */
export async function findHindrances(
  { db }: Context,
  address: string,
  scopes: readonly ("all" | "bulk_message")[],
): Promise<Hindrances> {
  const { rows } = await db.execute<Hindrances & Record<string, unknown>>(sql`
    SELECT (
      SELECT json_build_object('scope', scope, 'reply', reply) FROM rowmill.mail_suppressions
      WHERE address = ${address.toLowerCase()} AND scope = ANY(${sql.param([...scopes])}::rowmill.suppression_scope[])
      ORDER BY scope LIMIT 1
    ) AS suppression, (
      SELECT json_build_object('seconds', extract(epoch FROM held_until - clock_timestamp()), 'reply', reply, 'isServer', domain = ${SERVER})
      FROM rowmill.mail_holds WHERE ${isHoldOf(address)} AND held_until > clock_timestamp()
      ORDER BY domain = ${SERVER} DESC LIMIT 1
    ) AS hold`);
  return rows[0] ?? { suppression: null, hold: null };
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
