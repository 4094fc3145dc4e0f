import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import type { Definition } from "../definition/definition.ts";
import { isTableAllowed } from "../tables/access/allowed-tables.ts";
import { readAllowedTable } from "../tables/access/read-allowed-table.ts";
import { missingGrants } from "../tables/access/target-role.ts";
import { whyUnwritable } from "../tables/check/check-table.ts";
import { proposeDefinition } from "../tables/propose/propose-definition.ts";
import type { TableFacts } from "../tables/read/table-facts.ts";
import { tableName } from "../tables/read/texts.ts";

export interface TargetProposal {
  readonly name: string;
  readonly definition: Definition;
  readonly notes: readonly string[];
}

/**
 * Proposes a definition for a table. Nothing is saved.
 * @param qualified the table with its schema, such as `shop.customers`
 * @throws DomainError `invalid_input` if the table does not exist or is a view, if TARGET_TABLES does not allow it, or if no column
 * can be written
 */
export async function proposeTarget(ctx: Context, qualified: string): Promise<TargetProposal> {
  const [, schema, table] = /^([^.]+)\.([^.]+)$/.exec(qualified) ?? [];
  if (schema === undefined || table === undefined)
    throw invalidField("from_table", "must be a table with its schema, such as shop.customers.");
  const facts = await readAllowedTable(ctx, schema, table, "from_table");
  const unwritable = whyUnwritable(facts);
  if (unwritable) throw invalidField("from_table", unwritable);
  const proposal = proposeDefinition(facts, (other) => isTableAllowed(ctx.config, other));
  if (proposal.definition.columns.length === 0)
    throw invalidField("from_table", whyNoColumns(ctx, facts, proposal.notes));
  return { name: nameFor(table), ...proposal };
}

function whyNoColumns({ config }: Context, facts: TableFacts, notes: readonly string[]): string {
  const { role } = config.tableTargets;
  const grants = missingGrants(facts, role, { insert: true, update: true, delete: true });
  if (grants.length === 0) return `no column of ${tableName(facts)} can be imported. ${notes.join(" ")}`;
  return (
    `the role ${role} may not write into ${tableName(facts)}. ` +
    `Run \`npm run cli -- tables grant\`, or as the owner of the table: ${grants.join("; ")};`
  );
}

/** The name of a table as the name of a target. */
function nameFor(table: string): string {
  const name = table
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "_")
    .replace(/^[^a-z]+/, "");
  return name.slice(0, 60) || "target";
}
