import { sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { postgresError } from "../../../platform/postgres/database.ts";
import type { Definition } from "../../definition/definition.ts";
import { onCatalogs } from "../read/catalog-path.ts";
import { add, type Found } from "./found-problems.ts";

/** A name, in a schema or not, with sizes and as an array. It becomes a part of statements. */
const TYPE =
  /^([a-z_][a-z0-9_$]*|"[^"]+")(\.([a-z_][a-z0-9_$]*|"[^"]+"))?( [a-z]+){0,4}(\(\d{1,5}(, ?-?\d{1,5})?\))?(\[\])?$/i;

/** Checks the types that cells are cast to. Those that pass can stand in statements as they are. */
export async function checkDatabaseTypes(
  { db }: Context,
  { columns }: Definition,
  found: Found,
): Promise<void> {
  for (const [index, { database_type: type }] of columns.entries()) {
    if (type === undefined || (TYPE.test(type) && (await isType(db, type)))) continue;
    add(
      found,
      `columns.${index}.database_type`,
      `is no type of the database. Use one such as int4, numeric(10,2) or shop.tier.`,
    );
  }
}

/** PostgreSQL parses the text, and may refuse it with an error. */
async function isType(db: Context["db"], type: string): Promise<boolean> {
  try {
    return await onCatalogs(db, async (inner) => {
      const { rows } = await inner.execute<{ isKnown: boolean }>(
        sql`SELECT to_regtype(${type}) IS NOT NULL AS "isKnown"`,
      );
      return rows[0]?.isKnown ?? false;
    });
  } catch (error) {
    if (postgresError(error)) return false;
    throw error;
  }
}
