import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkTargetTables } from "../../src/cli/doctor-target-tables.ts";
import { printed } from "../support/printed.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const role = `rowmill_target_${randomBytes(6).toString("hex")}`;
const rowmill = useRowmill({ settings: { TARGET_TABLES: "crm.*,crm.deals", TARGET_ROLE: role } });

const folder = mkdtempSync(join(tmpdir(), "rowmill-sql-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await rowmill.ctx.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

function sqlFile(text: string): string {
  const file = join(folder, "file.sql");
  writeFileSync(file, text);
  return file;
}

const findings = async (more: object = {}) => {
  const tableTargets = { ...rowmill.config.tableTargets, ...more };
  const found = await checkTargetTables({ ...rowmill.config, tableTargets }, rowmill.ctx.db);
  return found.map(({ level, text }) => `${level}: ${text}`);
};

test("from SQL to grants, the doctor says what is missing", async () => {
  expect(
    await printed(
      rowmill,
      `sql ${sqlFile("CREATE SCHEMA crm; CREATE TABLE crm.leads (id serial PRIMARY KEY)")}`,
    ),
  ).toBe("CREATE\nCREATE");
  expect(await findings()).toEqual([
    expect.stringMatching(
      `^problem: Rowmill may not use the role ${role}\\. .* run: CREATE ROLE ${role} NOLOGIN; GRANT ${role} TO`,
    ),
    `warning: The role ${role} may not use all tables of TARGET_TABLES. Run those that it should use: ` +
      `GRANT USAGE ON SCHEMA crm TO ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON crm.leads TO ${role}; ` +
      `GRANT USAGE ON SEQUENCE crm.leads_id_seq TO ${role};`,
    "warning: TARGET_TABLES has crm.deals, but the database has no such table.",
  ]);
  expect(await printed(rowmill, "tables grant")).toContain(
    `GRANT SELECT, INSERT, UPDATE, DELETE ON crm.leads TO ${role};`,
  );
  expect(await printed(rowmill, "tables grant")).toBe("The role has everything that it needs.");
  const only = { allowed: [{ schema: "crm", table: "leads" }] };
  expect(await findings(only)).toEqual(["ok: Targets can write into 1 table (TARGET_TABLES)."]);
  expect(await findings({ allowed: [] })).toEqual([]);
});

test("a role with other rights, and strangers that may add code, are problems", async () => {
  const allowed = [{ schema: "crm", table: "leads" }];
  await rowmill.ctx.pool.query(
    `GRANT USAGE ON SCHEMA rowmill TO ${role}; GRANT CREATE ON SCHEMA crm TO PUBLIC`,
  );
  expect(await findings({ allowed })).toEqual([
    `problem: The role ${role} may do more than write into tables. Set TARGET_ROLE to a role without other rights.`,
    expect.stringMatching(
      /^problem: TARGET_TABLES: Every role may create functions and operators in the schema crm/,
    ),
  ]);
  await rowmill.ctx.pool.query(
    `REVOKE USAGE ON SCHEMA rowmill FROM ${role}; REVOKE CREATE ON SCHEMA crm FROM PUBLIC`,
  );
});

test("the error of a statement is printed, and nothing of the file is kept", async () => {
  const file = sqlFile("CREATE TABLE crm.half (id int); SELECT nothing");
  await expect(printed(rowmill, `sql ${file}`)).rejects.toThrow(
    'column "nothing" does not exist. Nothing was changed.',
  );
  const { rows } = await rowmill.ctx.pool.query("SELECT to_regclass('crm.half') AS half");
  expect(rows).toEqual([{ half: null }]);
});

test("rows of a query are printed", async () => {
  expect(await printed(rowmill, `sql ${sqlFile("SELECT 42 AS answer")}`)).toContain("42");
});
