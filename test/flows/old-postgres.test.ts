/** A server that is too old: every program and command says so, instead of failing at a statement that the server does not know. */
import { expect, test } from "vitest";
import { run, unset } from "../support/commands.ts";
import { emptyDatabase, onDatabase, problemsOf } from "../support/databases.ts";
import { createDatabase } from "../support/rowmill.ts";

const TOO_OLD =
  /^rowmill: DATABASE_URL: the server is PostgreSQL 14\.11\. Rowmill needs PostgreSQL 15 or later\.$/m;

/** Lets a database of the tests' server name another version. */
async function pretendVersion(url: string, version: string): Promise<void> {
  await onDatabase(url, async (client) => {
    await client.query(`
      CREATE SCHEMA pretended;
      CREATE FUNCTION pretended.current_setting(name text) RETURNS text LANGUAGE sql STABLE AS
        $$ SELECT CASE name WHEN 'server_version' THEN '${version}' ELSE pg_catalog.current_setting(name) END $$`);
    await client.query(
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET search_path TO pretended, pg_catalog`,
    );
  });
}

test("nothing is migrated on a server before PostgreSQL 15, and no program starts on one", async () => {
  const empty = await emptyDatabase();
  await pretendVersion(empty, "14.11");
  await using migrated = await createDatabase();
  await pretendVersion(migrated.url, "14.11");
  const settings = { ...unset, JWT_SECRET: "x".repeat(32) };
  for (const [url, ...args] of [
    [empty, "src/cli.ts", "migrate"],
    [empty, "src/dev.ts"],
    [empty, "src/api.ts"],
    [migrated.url, "src/api.ts"],
    [migrated.url, "src/worker.ts"],
  ] as const) {
    const { code, output } = await run(process.execPath, args, { ...settings, DATABASE_URL: url }).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(TOO_OLD);
  }
  const schemas = await onDatabase(empty, (client) =>
    client.query("SELECT FROM pg_namespace WHERE nspname ~ '^rowmill'"),
  );
  expect(schemas.rowCount).toBe(0);
  expect(await problemsOf(migrated.url)).toContain("PostgreSQL 14.11 is too old. Use version 15 or later.");
});

test("the database of PostgreSQL 15 is not too old", async () => {
  const url = await emptyDatabase();
  await pretendVersion(url, "15.0 (Debian 15.0-1.pgdg120+1)");
  const { code, output } = await run(process.execPath, ["src/cli.ts", "migrate"], {
    ...unset,
    DATABASE_URL: url,
    JWT_SECRET: "x".repeat(32),
  }).ended;
  expect({ code, output }).toMatchObject({ code: 0 });
});
