import type { Context } from "../../../context.ts";
import type { FieldErrors } from "../../../errors.ts";
import type { Definition } from "../../definition/definition.ts";
import { findUntrusted } from "../access/find-untrusted.ts";
import { readTargetRole } from "../access/target-role.ts";
import { lookupTables } from "./check-table.ts";
import { checkLookups } from "./check-table-lookups.ts";

/** Checks the lookups of a definition whose rows do not go into a table. @returns the errors by field */
export async function checkLookupTables(ctx: Context, definition: Definition): Promise<FieldErrors> {
  const index = definition.columns.findIndex(({ lookup }) => lookup !== undefined);
  if (index === -1) return {};
  const errors = await checkLookups(ctx, definition, { columns: [] });
  if (errors.size > 0) return Object.fromEntries(errors);
  const field = `columns.${index}.lookup.table`;
  const { canSet, statements } = await readTargetRole(ctx);
  if (!canSet) {
    const message = `Rowmill may not use the role of TARGET_ROLE. As an administrator of the database, run: ${statements.join("; ")};`;
    return { [field]: [message] };
  }
  const untrusted = await findUntrusted(ctx, lookupTables(ctx, definition));
  return untrusted.length > 0 ? { [field]: untrusted.map(({ text }) => text) } : {};
}
