/** Tables of an application that targets write into, and targets for them. */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, expect } from "vitest";
import type { Definition } from "../../src/targets/definition/definition.ts";
import type { Client } from "./client.ts";
import { useAdmin, useRowmill, useUser } from "./use-rowmill.ts";

/** Roles belong to the server, which suites share, so each suite has a role of its own. */
const STORE = `
CREATE SCHEMA store;
CREATE TABLE store.countries (id int PRIMARY KEY, iso2 text UNIQUE, name text);
INSERT INTO store.countries VALUES (1, 'DE', 'Germany'), (2, 'FR', 'France'), (3, 'GE', 'Georgia'), (4, 'US-GA', 'Georgia');
CREATE TYPE store.tier AS ENUM ('gold', 'silver');
CREATE TABLE store.customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  external_id varchar(10) NOT NULL UNIQUE,
  full_name text CHECK (full_name <> 'broken'),
  email text UNIQUE,
  tier store.tier NOT NULL DEFAULT 'silver',
  credit numeric(10, 2) DEFAULT 5,
  tags text[],
  settings jsonb,
  country_id int REFERENCES store.countries,
  note text
);
CREATE TABLE store.orders (
  id int PRIMARY KEY, customer_id bigint NOT NULL REFERENCES store.customers, reference text UNIQUE DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE store.events (id int, at date, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE store.events_26 PARTITION OF store.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE store.events_27 PARTITION OF store.events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE TABLE store.tenants (id int PRIMARY KEY, tenant text);
ALTER TABLE store.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON store.tenants USING (tenant = 'a') WITH CHECK (tenant = 'a');
CREATE TABLE store.prices (code numeric PRIMARY KEY, price numeric);
CREATE TABLE store.log (line text);
CREATE TABLE store.guarded (id int PRIMARY KEY, name text, changes int DEFAULT 0);
CREATE FUNCTION store.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.name = 'swallow' THEN RETURN NULL; END IF;
  IF NEW.name = 'refuse' THEN RAISE EXCEPTION 'No such name.'; END IF;
  NEW.name := trim(NEW.name);
  NEW.changes := coalesce(NEW.changes, 0) + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON store.guarded FOR EACH ROW EXECUTE FUNCTION store.guard();`;

const roleSql = (role: string) => `
DO $$ BEGIN CREATE ROLE ${role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA store TO ${role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA store TO ${role};`;

export const storeRole = () => `store_${randomBytes(4).toString("hex")}`;

export const storeSettings = (role: string) => ({ TARGET_TABLES: "store.*", TARGET_ROLE: role });

export async function createStore(pool: pg.Pool, role: string, moreSql = ""): Promise<void> {
  await pool.query(STORE + moreSql);
  await pool.query(roleSql(role));
}

export async function dropStoreRole(pool: pg.Pool, role: string): Promise<void> {
  await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
}

export type StoreTarget = Omit<Definition, "destination"> & { readonly table: string };

/** @returns the name */
export async function defineTarget(
  admin: Client,
  name: string,
  { table, ...rest }: StoreTarget,
): Promise<string> {
  const destination = { type: "table", schema: "store", table };
  const { status, body } = await admin.post("/api/v1/targets", { name, destination, ...rest });
  expect(status, JSON.stringify(body)).toBe(201);
  return name;
}

export function useStore({ worker = false, moreSql = "" } = {}) {
  const role = storeRole();
  const settings = storeSettings(role);
  const rowmill = useRowmill({ settings, worker });
  const admin = useAdmin(rowmill);
  const user = useUser(rowmill);
  const query = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await rowmill.ctx.pool.query(text, values)).rows;
  beforeAll(() => createStore(rowmill.ctx.pool, role, moreSql));
  afterAll(() => dropStoreRole(rowmill.ctx.pool, role));
  let counter = 0;
  /** @returns the name of a new target */
  const define = (definition: StoreTarget) => defineTarget(admin, `target-${++counter}`, definition);
  return { rowmill, admin, user, query, define, role };
}

export const MODES = {
  default: "insert",
  allowed: ["insert", "upsert", "update", "skip_existing"],
} as const satisfies Definition["mode"];

/** Customers by external id. */
export const customers = (change: Partial<Definition> = {}): StoreTarget => ({
  table: "customers",
  key: { columns: ["external_id"] },
  mode: { ...MODES, allowed: [...MODES.allowed] },
  columns: [
    { name: "external_id", type: "text", required: true },
    { name: "full_name", type: "text" },
    { name: "email", type: "text" },
    { name: "tier", type: "text" },
    { name: "credit", type: "decimal" },
    { name: "country", to: "country_id", type: "lookup", lookup: COUNTRY },
  ],
  ...change,
});

export const COUNTRY = {
  schema: "store",
  table: "countries",
  match: ["iso2", "name"],
  value: "id",
  ignore_case: true,
};

/** The outcome of each row, by row number. */
export async function resultsOf(user: Client, batchId: string) {
  const rows = await user.rows(batchId);
  return Object.fromEntries(rows.map(({ row, effect, error_code }) => [row, error_code ?? effect]));
}
