import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import { MustPause, Permanent } from "../../../src/errors.ts";
import { withTargetRole } from "../../../src/targets/tables/access/with-role.ts";
import { readTable } from "../../../src/targets/tables/read/read-table.ts";
import { explainWriteError } from "../../../src/targets/tables/write/explain-write-error.ts";
import { useShop } from "../../support/use-shop.ts";

const { rowmill, role } = useShop();

/** Inserts one row of texts, and returns the explanation of the error. */
async function refusal(
  table: string,
  values: Record<string, string | null>,
  names: Record<string, string> = {},
) {
  const facts = await readTable(rowmill.ctx, "shop", table);
  if (!facts) throw new Error(`no table ${table}`);
  const columns = Object.keys(values);
  const list = sql.join(
    columns.map((name) => sql.identifier(name)),
    sql`, `,
  );
  const cells = sql.join(
    columns.map((name) => {
      const type = facts.columns.find((column) => column.name === name)?.type ?? "text";
      return sql`${values[name] ?? null}::text::${sql.raw(type.replace(/\(.*\)$/, ""))}`;
    }),
    sql`, `,
  );
  const insert = sql`INSERT INTO shop.${sql.identifier(table)} (${list}) VALUES (${cells})`;
  const error: unknown = await inTransaction(rowmill.ctx, (tx) =>
    withTargetRole(tx, "shop", () => tx.db.execute(insert)),
  ).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const known = new Map(Object.entries(names));
  const renamed = Object.fromEntries(columns.map((name) => [known.get(name) ?? name, values[name]]));
  return {
    error,
    facts,
    explained: explainWriteError(error, {
      facts,
      names: new Map(facts.columns.map(({ name }) => [name, known.get(name) ?? name])),
      values: renamed,
    }),
  };
}

const said = async (...args: Parameters<typeof refusal>) => {
  const { explained } = await refusal(...args);
  if (!(explained instanceof Permanent)) throw explained;
  const { code, column, message } = explained;
  return { code, column, message };
};

const customer = { external_id: "DE1", full_name: "Ada" };

describe("the row is at fault", () => {
  test("a duplicate names the columns of the index and their values", async () => {
    await rowmill.ctx.pool.query(
      "INSERT INTO shop.customers (external_id, full_name, email) VALUES ('DE7', 'Grace', 'a@example.com')",
    );
    expect(await said("customers", { ...customer, external_id: "DE7" }, { external_id: "number" })).toEqual({
      code: "duplicate",
      column: "number",
      message: 'number "DE7": another record has the same (customers_external_id).',
    });
    // A partial index is not a key, and is enforced all the same.
    expect(await said("customers", { ...customer, email: "a@example.com" })).toEqual({
      code: "duplicate",
      column: "email",
      message: 'email "a@example.com": another record has the same (customers_email).',
    });
  });

  test("a duplicate in a partition names the columns, although its index has another name", async () => {
    await rowmill.ctx.pool.query("INSERT INTO shop.events (id, at) VALUES (1, '2026-01-01')");
    expect(await said("events", { id: "1", at: "2026-01-01" })).toEqual({
      code: "duplicate",
      column: null,
      message: 'id "1", at "2026-01-01": another record has the same (events_2026_pkey).',
    });
  });

  test("a missing reference names the column of the file and the other table", async () => {
    expect(await said("customers", { ...customer, country_id: "99" }, { country_id: "country" })).toEqual({
      code: "missing_reference",
      column: "country",
      message: 'country "99": no such record in shop.countries (customers_country_id_fkey).',
    });
  });

  test("a missing value names its column, also if its domain needs it", async () => {
    expect(await said("customers", { ...customer, full_name: null })).toEqual({
      code: "required",
      column: "full_name",
      message: "full_name must have a value.",
    });
    expect(await said("orders", { customer_id: "1", quantity: null })).toMatchObject({
      code: "required",
      column: "quantity",
      message: "quantity must have a value.",
    });
  });

  test("a broken rule is shown, of the table, of several columns and of a domain", async () => {
    expect(await said("customers", { ...customer, credit: "-5" })).toEqual({
      code: "rule_broken",
      column: "credit",
      message: 'credit "-5": breaks the rule credit_is_positive: (credit >= 0) AND (credit <= 100000).',
    });
    expect(await said("customers", { ...customer, tier: "gold", email: null })).toEqual({
      code: "rule_broken",
      column: null,
      message:
        "email null, tier \"gold\": breaks the rule gold_needs_email: (tier <> 'gold'::shop.tier) OR (email IS NOT NULL).",
    });
    expect(await said("customers", { ...customer, phone: "0123" })).toEqual({
      code: "rule_broken",
      column: "phone",
      message: `phone "0123": breaks the rule phone_is_international of the type phone: VALUE ~ '^\\+[0-9]+$'.`,
    });
  });

  test("a row without a partition names the partition key", async () => {
    expect(await said("events", { id: "1", at: "2031-05-05" })).toEqual({
      code: "no_partition",
      column: "at",
      message: 'at "2031-05-05": shop.events has no partition for it.',
    });
  });

  test("a conflict with an exclusion constraint names its columns", async () => {
    await rowmill.ctx.pool.query(
      `INSERT INTO shop.customers (external_id, full_name) VALUES ('DE8', 'Joan');
      INSERT INTO shop.orders (customer_id, during) SELECT id, '[2026-01-01,2026-02-01)' FROM shop.customers WHERE external_id = 'DE8'`,
    );
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT id::text FROM shop.customers WHERE external_id = 'DE8'",
    );
    expect(await said("orders", { customer_id: rows[0].id, during: "[2026-01-05,2026-01-06)" })).toEqual({
      code: "conflict",
      column: "during",
      message: 'during "[2026-01-05,2026-01-06)": conflicts with another record (orders_overlap).',
    });
  });

  test.each([
    [{ external_id: "x".repeat(41) }, "external_id", "value too long for type character varying(40)"],
    [{ born: "2026-02-30" }, "born", 'date/time field value out of range: "2026-02-30"'],
    [{ tier: "iron" }, "tier", 'invalid input value for enum tier: "iron"'],
    [{ logins: "70000" }, "logins", 'value "70000" is out of range for type smallint'],
    [{ credit: "123456789.5" }, "credit", "numeric field overflow"],
    [{ homepage: "no uuid" }, "homepage", 'invalid input syntax for type uuid: "no uuid"'],
  ])("a value that does not fit its type names its column: %s", async (values, column, reason) => {
    const { code, ...found } = await said("customers", { ...customer, ...values });
    expect([code, found.column]).toEqual(["invalid", column]);
    expect(found.message).toMatch(/^\w+ "/);
    expect(found.message).toContain(reason);
  });

  test("a trigger refuses a row with its own words and its hint", async () => {
    expect(await said("guarded", { id: "1", name: "refuse" })).toEqual({
      code: "refused_by_trigger",
      column: null,
      message: "Guarded things have no such name. Choose another name.",
    });
  });

  test("a policy refuses a row, and the batch goes on", async () => {
    expect(await said("notes", { id: "1", body: "x", tenant: "b" })).toEqual({
      code: "forbidden_by_policy",
      column: null,
      message: "A row-level security policy of shop.notes does not allow this row.",
    });
  });

  test("an error of several rows stays as it is, so that they are tried in halves", async () => {
    const { error, facts } = await refusal("customers", { ...customer, credit: "-5" });
    expect(explainWriteError(error, { facts, names: new Map() })).toBe(error);
  });
});

describe("no row can succeed", () => {
  const paused = async (...args: Parameters<typeof refusal>) => {
    const { explained } = await refusal(...args);
    expect(explained).toBeInstanceOf(MustPause);
    return explained instanceof MustPause ? explained.message : "";
  };

  test("a missing privilege pauses the batch", async () => {
    await rowmill.ctx.pool.query(`CREATE TABLE shop.closed (id int)`);
    expect(await paused("closed", { id: "1" })).toBe(
      "PostgreSQL refuses to write into shop.closed: permission denied for table closed. " +
        "An administrator must correct the table, its privileges or the target. Then resume the batch.",
    );
  });

  test("a missing privilege of a trigger pauses the batch, and the reason names the trigger", async () => {
    await rowmill.ctx.pool.query(`
      CREATE TABLE shop.journal (id int);
      CREATE FUNCTION shop.write_journal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO shop.journal VALUES (NEW.id); RETURN NEW; END $$;
      CREATE TABLE shop.journaled (id int); GRANT ALL ON shop.journaled TO ${role};
      CREATE TRIGGER t AFTER INSERT ON shop.journaled FOR EACH ROW EXECUTE FUNCTION shop.write_journal()`);
    expect(await paused("journaled", { id: "1" })).toMatch(/permission denied for table journal \(.*\)/);
  });

  test("a column that was dropped pauses the batch", async () => {
    expect(await paused("countries", { iso2: "ES", gone: "x" })).toMatch(/column "gone" .* does not exist/);
  });

  test("a column that PostgreSQL fills in itself pauses the batch", async () => {
    expect(await paused("customers", { ...customer, id: "5" })).toMatch(/cannot insert a non-DEFAULT value/);
  });

  test("the bug of a trigger that depends on the row fails only the row", async () => {
    await rowmill.ctx.pool.query(`
      CREATE FUNCTION shop.buggy() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.id = 1 THEN PERFORM nothing FROM shop.countries; END IF; RETURN NEW; END $$;
      CREATE TABLE shop.bugs (id int); GRANT ALL ON shop.bugs TO ${role};
      CREATE TRIGGER t BEFORE INSERT ON shop.bugs FOR EACH ROW EXECUTE FUNCTION shop.buggy()`);
    expect(await said("bugs", { id: "1" })).toMatchObject({ code: "database_42703", column: null });
  });
});
