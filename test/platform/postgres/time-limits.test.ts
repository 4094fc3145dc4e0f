import { expect, test } from "vitest";
import { liftTimeLimits } from "../../../src/platform/postgres/time-limits.ts";
import { onDatabase } from "../../support/databases.ts";
import { createDatabase } from "../../support/rowmill.ts";

/** Every limit that can end a statement or a transaction on this server. One for idle sessions has nothing to end meanwhile. */
const LIMITS = `SELECT name, setting FROM pg_settings
  WHERE name LIKE '%\\_timeout' AND category = 'Client Connection Defaults / Statement Behavior' AND name <> 'idle_session_timeout'
  ORDER BY name`;

test.each([
  { scope: "transaction", after: "60000" },
  { scope: "session", after: "0" },
] as const)(
  "no time limit of the role is left in a $scope that works without limits",
  async ({ scope, after }) => {
    await using database = await createDatabase();
    await onDatabase(database.url, async (client) => {
      const settings = async () => (await client.query<{ name: string; setting: string }>(LIMITS)).rows;
      const names = (await settings()).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(["lock_timeout", "statement_timeout"]));
      const all = (setting: string) => names.map((name) => ({ name, setting }));
      for (const name of names) await client.query(`SET ${name} = '60s'`);
      expect(await settings()).toEqual(all("60000"));
      await client.query("BEGIN");
      await liftTimeLimits(client, scope);
      expect(await settings()).toEqual(all("0"));
      await client.query("COMMIT");
      expect(await settings()).toEqual(all(after));
    });
  },
);
