/** Tables of an application in the database of Rowmill, and the roles that targets need. */
import { sql } from "drizzle-orm";
import type { Database } from "../../src/platform/postgres/database.ts";

/** Each suite has a role of its own: roles belong to the server, and suites share it. */
const shopTables = (role: string) => `
CREATE SCHEMA shop;
CREATE TYPE shop.tier AS ENUM ('gold', 'silver', 'bronze');
CREATE DOMAIN shop.phone AS varchar(20) CONSTRAINT phone_is_international CHECK (VALUE ~ '^\\+[0-9]+$');
CREATE DOMAIN shop.quantity AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0);
CREATE TABLE shop.countries (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  iso2 char(2) NOT NULL UNIQUE,
  name text NOT NULL UNIQUE,
  nickname text UNIQUE
);
INSERT INTO shop.countries (iso2, name) VALUES ('DE', 'Germany'), ('FR', 'France'), ('IT', 'Italy');
CREATE TABLE shop.customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  external_id varchar(40) NOT NULL,
  full_name text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 200),
  email text,
  tier shop.tier NOT NULL DEFAULT 'bronze',
  credit numeric(10, 2) NOT NULL DEFAULT 0 CONSTRAINT credit_is_positive CHECK (credit >= 0 AND credit <= 100000),
  discount numeric CHECK (discount > 0),
  born date CHECK (born BETWEEN '1900-01-01' AND CURRENT_DATE),
  phone shop.phone,
  language varchar(2) CHECK (language IN ('de', 'fr', 'it')),
  postcode text CHECK (postcode IS NULL OR postcode ~ '^[0-9]{4,5}$'),
  logins smallint DEFAULT 0,
  active boolean NOT NULL DEFAULT true,
  tags text[],
  scores int[],
  settings jsonb,
  avatar bytea,
  valid_in daterange,
  homepage uuid,
  updated_at timestamptz NOT NULL DEFAULT now(),
  country_id int REFERENCES shop.countries,
  search_name text GENERATED ALWAYS AS (upper(full_name)) STORED,
  CONSTRAINT gold_needs_email CHECK (tier <> 'gold' OR email IS NOT NULL),
  CONSTRAINT customers_external_id UNIQUE (external_id)
);
CREATE UNIQUE INDEX customers_email ON shop.customers (email) WHERE active;
CREATE UNIQUE INDEX customers_lower_name ON shop.customers (lower(full_name), external_id);
COMMENT ON TABLE shop.customers IS 'People who buy.';
COMMENT ON COLUMN shop.customers.full_name IS 'First and last name';
CREATE TABLE shop.orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number serial NOT NULL,
  customer_id bigint NOT NULL REFERENCES shop.customers,
  ship_to_id int REFERENCES shop.countries,
  quantity shop.quantity,
  placed_at timestamp NOT NULL DEFAULT now(),
  reference text CONSTRAINT orders_reference UNIQUE DEFERRABLE INITIALLY DEFERRED,
  during tsrange,
  CONSTRAINT orders_overlap EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE shop.events (
  id bigint NOT NULL, at date NOT NULL, kind text NOT NULL DEFAULT 'click', PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2026 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE shop.notes (id int PRIMARY KEY, body text NOT NULL, tenant text NOT NULL DEFAULT 'a');
ALTER TABLE shop.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_a ON shop.notes USING (tenant = 'a') WITH CHECK (tenant = 'a');
CREATE FUNCTION shop.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.name = 'swallow' THEN RETURN NULL; END IF;
  IF NEW.name = 'refuse' THEN RAISE EXCEPTION 'Guarded things have no such name.' USING HINT = 'Choose another name.'; END IF;
  RETURN NEW;
END $$;
CREATE TABLE shop.guarded (id int PRIMARY KEY, name text NOT NULL);
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON shop.guarded FOR EACH ROW EXECUTE FUNCTION shop.guard();
CREATE VIEW shop.names AS SELECT id, full_name FROM shop.customers;
CREATE MATERIALIZED VIEW shop.totals AS SELECT count(*) FROM shop.customers;
CREATE TABLE shop."Odd ""Name""" ("Id" int PRIMARY KEY, "select" text, "a b" int CHECK ("a b" >= 5));
CREATE ROLE ${role} NOLOGIN;
GRANT USAGE ON SCHEMA shop TO ${role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO ${role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO ${role};`;

/** @param role does not exist yet; drop it with `dropShopRole` */
export async function createShop(db: Database, role: string, moreSql = ""): Promise<void> {
  await db.execute(sql.raw(shopTables(role) + moreSql));
}

export async function dropShopRole(db: Database, role: string): Promise<void> {
  await db.execute(sql.raw(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
}
