/** Roles of the database that may do less than the one that migrates. */
import { randomBytes } from "node:crypto";
import type { Context } from "../../src/context.ts";
import { databaseOn, openPool } from "../../src/platform/postgres/database.ts";
import type { Rowmill } from "./rowmill.ts";

/** The context of a role with these privileges on Rowmill's schema, and none on the database. */
export async function asRole(
  { ctx, config }: Rowmill,
  grants: (role: string) => string,
): Promise<Context & AsyncDisposable> {
  const role = `rowmill_log_${randomBytes(4).toString("hex")}`;
  // In the database, and one statement after the other: Citus then sends them to its nodes.
  for (const statement of `CREATE ROLE ${role} LOGIN; ${grants(role)}`.split("; "))
    await ctx.pool.query(statement);
  const url = new URL(config.databaseUrl);
  url.searchParams.set("options", `-c role=${role}`);
  const pool = openPool(url.href, 2, ctx.log);
  const end = async () => {
    await pool.end();
    // The role owns nothing. REASSIGN OWNED ends the server of Citus 13.2.2 with SIGSEGV.
    for (const statement of [`DROP OWNED BY ${role}`, `DROP ROLE ${role}`]) await ctx.pool.query(statement);
  };
  return { ...ctx, pool, db: databaseOn(pool), [Symbol.asyncDispose]: end };
}

export const readsAndWrites = (role: string) =>
  `GRANT USAGE ON SCHEMA rowmill TO ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowmill TO ${role}`;

export const readsWritesAndCalls = (role: string) =>
  `${readsAndWrites(role)}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA rowmill TO ${role}`;
