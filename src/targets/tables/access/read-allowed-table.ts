import type { Context } from "../../../context.ts";
import { invalidField } from "../../../errors.ts";
import { readTable } from "../read/read-table.ts";
import type { TableFacts } from "../read/table-facts.ts";
import { tableName } from "../read/texts.ts";
import { whyTableRefused } from "./allowed-tables.ts";

/**
 * Does not reveal whether a table exists that TARGET_TABLES does not allow.
 * @param field of the input that names the table
 * @throws DomainError `invalid_input`
 */
export async function readAllowedTable(
  ctx: Pick<Context, "db" | "config">,
  schema: string,
  table: string,
  field: string,
): Promise<TableFacts> {
  const refused = whyTableRefused(ctx.config, { schema, table });
  if (refused) throw invalidField(field, refused);
  const facts = await readTable(ctx, schema, table);
  if (facts) return facts;
  throw invalidField(field, `the database has no table ${tableName({ schema, table })}.`);
}
