import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findUntrusted } from "../../../src/targets/tables/access/find-untrusted.ts";
import { useShop } from "../../support/use-shop.ts";

const { rowmill, role } = useShop();
const mallory = `mallory_${role}`;
const friend = `friend_${role}`;

beforeAll(async () => {
  await rowmill.ctx.pool.query(`
    CREATE ROLE ${mallory}; CREATE ROLE ${friend};
    GRANT USAGE ON SCHEMA shop TO ${mallory};
    CREATE FUNCTION shop.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RETURN NEW; END $$;
    CREATE FUNCTION shop.evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
    CREATE FUNCTION shop.evil_equals(int, int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
    CREATE FUNCTION shop.evil_cast(text) RETURNS shop.tier IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    ALTER FUNCTION shop.evil_trigger OWNER TO ${mallory}; ALTER FUNCTION shop.evil OWNER TO ${mallory};
    ALTER FUNCTION shop.evil_equals OWNER TO ${mallory}; ALTER FUNCTION shop.evil_cast OWNER TO ${mallory};
    CREATE OPERATOR shop.=== (LEFTARG = int, RIGHTARG = int, PROCEDURE = shop.evil_equals);
    CREATE DOMAIN shop.evil_domain AS int; ALTER DOMAIN shop.evil_domain OWNER TO ${mallory};
    CREATE DOMAIN shop.checked_domain AS int CHECK (shop.evil(VALUE) > 0)`);
});

afterAll(async () => {
  await rowmill.ctx.pool.query(
    `DROP OWNED BY ${mallory}, ${friend} CASCADE; DROP ROLE ${mallory}, ${friend}`,
  );
});

const TRIGGER = "FOR EACH ROW EXECUTE FUNCTION shop.evil_trigger()";

async function untrusted(table: string, trusted: string[] = []): Promise<string[]> {
  const tableTargets = { ...rowmill.config.tableTargets, trustedOwners: trusted };
  const ctx = { ...rowmill.ctx, config: { ...rowmill.config, tableTargets } };
  const found = await findUntrusted(ctx, [{ schema: "shop", table }]);
  return found.map((each) => `${each.role === mallory ? "mallory" : each.role}: ${each.object}`);
}

test("tables of superusers with their own code are trusted", async () => {
  for (const table of ["customers", "orders", "guarded", "notes", "events"])
    expect(await untrusted(table)).toEqual([]);
});

test.each([
  ["the table", "CREATE TABLE shop.t0 (id int); ALTER TABLE shop.t0 OWNER TO MALLORY", "table shop.t0"],
  [
    "a trigger",
    `CREATE TABLE shop.t1 (id int); CREATE TRIGGER t BEFORE INSERT ON shop.t1 ${TRIGGER}`,
    "function shop.evil_trigger()",
  ],
  ["a default", "CREATE TABLE shop.t2 (id int DEFAULT shop.evil(1))", "function shop.evil(integer)"],
  ["a check", "CREATE TABLE shop.t3 (id int CHECK (shop.evil(id) > 0))", "function shop.evil(integer)"],
  [
    "a generated column",
    "CREATE TABLE shop.t4 (id int, x int GENERATED ALWAYS AS (shop.evil(id)) STORED)",
    "function shop.evil(integer)",
  ],
  [
    "a policy",
    "CREATE TABLE shop.t5 (id int); CREATE POLICY p ON shop.t5 USING (shop.evil(id) = 1)",
    "function shop.evil(integer)",
  ],
  [
    "a rule",
    "CREATE TABLE shop.t6 (id int); CREATE RULE r AS ON INSERT TO shop.t6 DO ALSO SELECT shop.evil(1)",
    "function shop.evil(integer)",
  ],
  [
    "an index",
    "CREATE TABLE shop.t7 (id int); CREATE INDEX ON shop.t7 (shop.evil(id))",
    "function shop.evil(integer)",
  ],
  [
    "a partition key",
    "CREATE TABLE shop.t8 (id int) PARTITION BY LIST (shop.evil(id))",
    "function shop.evil(integer)",
  ],
  [
    "an operator",
    "CREATE TABLE shop.t9 (id int CHECK (id OPERATOR(shop.===) 1))",
    "function shop.evil_equals(integer,integer)",
  ],
  ["a domain", "CREATE TABLE shop.t10 (ids shop.evil_domain[])", "type shop.evil_domain"],
  ["the check of a domain", "CREATE TABLE shop.t11 (id shop.checked_domain)", "function shop.evil(integer)"],
  [
    "a partition",
    "CREATE TABLE shop.t12 (id int) PARTITION BY LIST (id); CREATE TABLE shop.t12_1 PARTITION OF shop.t12 DEFAULT; ALTER TABLE shop.t12_1 OWNER TO MALLORY",
    "table shop.t12_1",
  ],
  [
    "a trigger of a partition",
    `CREATE TABLE shop.t13 (id int) PARTITION BY LIST (id); CREATE TABLE shop.t13_1 PARTITION OF shop.t13 DEFAULT; CREATE TRIGGER t BEFORE INSERT ON shop.t13_1 ${TRIGGER}`,
    "function shop.evil_trigger()",
  ],
  [
    "a child",
    "CREATE TABLE shop.t14 (id int); CREATE TABLE shop.t14_1 () INHERITS (shop.t14); ALTER TABLE shop.t14_1 OWNER TO MALLORY",
    "table shop.t14_1",
  ],
  [
    "a table that follows deletes",
    "CREATE TABLE shop.t15 (id int PRIMARY KEY); CREATE TABLE shop.t15_1 (id int REFERENCES shop.t15 ON DELETE CASCADE); ALTER TABLE shop.t15_1 OWNER TO MALLORY",
    "table shop.t15_1",
  ],
  [
    "the privilege to add triggers",
    "CREATE TABLE shop.t16 (id int); GRANT TRIGGER ON shop.t16 TO MALLORY",
    "table shop.t16",
  ],
  [
    "the privilege to refer to the table",
    "CREATE TABLE shop.t17 (id int); GRANT REFERENCES ON shop.t17 TO MALLORY",
    "table shop.t17",
  ],
  [
    "the privilege to refer to a column",
    "CREATE TABLE shop.t18 (id int); GRANT REFERENCES (id) ON shop.t18 TO MALLORY",
    "table shop.t18",
  ],
])("%s of a stranger is found, and trusted if its owner is", async (_, statements, object) => {
  await rowmill.ctx.pool.query(statements.replaceAll("MALLORY", mallory));
  const table = /t\d+/.exec(statements)?.[0] ?? "";
  expect(await untrusted(table)).toEqual([`mallory: ${object}`]);
  expect(await untrusted(table, [mallory])).toEqual([]);
});

test("a cast to the type of a column is found", async () => {
  await rowmill.ctx.pool.query(
    "CREATE CAST (text AS shop.tier) WITH FUNCTION shop.evil_cast(text) AS ASSIGNMENT",
  );
  expect(await untrusted("customers")).toEqual(["mallory: function shop.evil_cast(text)"]);
  await rowmill.ctx.pool.query("DROP CAST (text AS shop.tier)");
});

describe("the schema", () => {
  test("a role that may create functions in the schema is found, and PUBLIC as every role", async () => {
    await rowmill.ctx.pool.query(`GRANT CREATE ON SCHEMA shop TO ${mallory}, PUBLIC`);
    expect(await untrusted("countries")).toEqual(["PUBLIC: schema shop", "mallory: schema shop"]);
    const [all, one] = await findUntrusted(rowmill.ctx, [{ schema: "shop", table: "countries" }]);
    expect(all?.text).toBe(
      "Every role may create functions and operators in the schema shop: run `REVOKE CREATE ON SCHEMA shop FROM PUBLIC`.",
    );
    expect(one?.text).toContain(
      `or add ${mallory} to TARGET_TRUSTED_OWNERS if it may do everything that Rowmill may do.`,
    );
    await rowmill.ctx.pool.query(`REVOKE CREATE ON SCHEMA shop FROM ${mallory}, PUBLIC`);
  });

  test("the owner of a schema could replace the table, and is found", async () => {
    await rowmill.ctx.pool.query(
      `CREATE SCHEMA lent; CREATE TABLE lent.things (id int); ALTER SCHEMA lent OWNER TO ${friend}`,
    );
    const [found] = await findUntrusted(rowmill.ctx, [{ schema: "lent", table: "things" }]);
    expect(found?.text).toBe(
      `${friend} owns the schema lent. Give it to a trusted role (ALTER ... OWNER TO), or add ${friend} to TARGET_TRUSTED_OWNERS if it may do everything that Rowmill may do.`,
    );
  });

  test("the schema public belongs to the owner of the database", async () => {
    await rowmill.ctx.pool.query("CREATE TABLE public.things (id int)");
    expect(await findUntrusted(rowmill.ctx, [{ schema: "public", table: "things" }])).toEqual([]);
  });
});
