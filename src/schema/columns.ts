/** The schema of all tables, and column types that several tables share. */
import { type SQL, sql } from "drizzle-orm";
import { type AnyPgColumn, bigint, customType, pgSchema, timestamp } from "drizzle-orm/pg-core";

/** Raw SQL must name the schema as well: no statement may depend on the search_path. */
export const rowmill = pgSchema("rowmill");

/** The schema of pg-boss's tables. */
export const QUEUE_SCHEMA = "rowmill_queue";

export const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
export const moment = (name: string) => timestamp(name, { withTimezone: true });
export const identity = (name: string) => bigint(name, { mode: "number" }).generatedByDefaultAsIdentity();

/** The column is set while `state` has one of these values, and otherwise null. */
export function isSetOnlyIn<State extends string>(column: SQL, state: SQL, ...values: readonly State[]): SQL {
  const listed = sql.join(
    values.map((value) => sql.raw(`'${value}'`)),
    sql`, `,
  );
  return sql`(${column} IS NOT NULL) = (${state} IN (${listed}))`;
}

/** A column as an index has it that serves only certain lists (docs/decisions/0076-lists-choose-their-index.md). */
export const inLists = (column: AnyPgColumn): SQL => sql`(${column} + 0)`;
