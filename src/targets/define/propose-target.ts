import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import type { Definition } from "../definition/definition.ts";
import { isTableAllowed } from "../tables/allowed-tables.ts";
import { proposeDefinition } from "../tables/propose-definition.ts";
import { readAllowedTable } from "../tables/read-allowed-table.ts";

export interface TargetProposal {
  readonly name: string;
  readonly definition: Definition;
  readonly notes: readonly string[];
}

/**
 * Proposes a definition for a table. Nothing is saved.
 * @param qualified the table with its schema, such as `shop.customers`
 * @throws DomainError `invalid_input` if the table does not exist or TARGET_TABLES does not allow it
 */
export async function proposeTarget(ctx: Context, qualified: string): Promise<TargetProposal> {
  const [, schema, table] = /^([^.]+)\.([^.]+)$/.exec(qualified) ?? [];
  if (schema === undefined || table === undefined)
    throw invalidField("from_table", "must be a table with its schema, such as shop.customers.");
  const facts = await readAllowedTable(ctx, schema, table, "from_table");
  return { name: nameFor(table), ...proposeDefinition(facts, (other) => isTableAllowed(ctx.config, other)) };
}

/** The name of a table as the name of a target. */
function nameFor(table: string): string {
  const name = table
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "_")
    .replace(/^[^a-z]+/, "");
  return name.slice(0, 60) || "target";
}
