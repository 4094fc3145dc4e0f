/** The role of the API and the workers in the embedded database: it reads and writes rows, and cannot change tables. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { AUDIT_LOG } from "../../schema/audit.ts";
import { rowmill } from "../../schema/columns.ts";
import { grantsToRun } from "./schemas.ts";

export const APP_ROLE = "rowmill_app";

/**
 * Grants the role what it needs in the migrated database, with a new password at each start.
 * @param databaseUrl of the role that has migrated
 * @returns the URL with which the programs connect
 */
export async function provideAppRole(databaseUrl: string): Promise<string> {
  const password = randomBytes(24).toString("hex");
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [APP_ROLE]);
    if (!rowCount) await client.query(`CREATE ROLE ${APP_ROLE} LOGIN`);
    await client.query(`ALTER ROLE ${APP_ROLE} PASSWORD '${password}'`);
    await client.query(`SET ROLE ${APP_ROLE}`);
    // A role sees the tables of a schema only after it may use the schema: first USAGE, then the rest.
    for (let pass = 0; pass < 2; pass++) {
      const grants = await grantsToRun(client);
      await client.query(`RESET ROLE; ${grants.join(" ")} SET ROLE ${APP_ROLE}`);
    }
    await client.query(
      `RESET ROLE; REVOKE UPDATE, DELETE ON ${rowmill.schemaName}.${AUDIT_LOG} FROM ${APP_ROLE}`,
    );
  } finally {
    await client.end();
  }
  const url = new URL(databaseUrl);
  url.username = APP_ROLE;
  url.password = password;
  return url.href;
}
