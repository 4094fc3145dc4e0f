/** Checks a definition before it is saved: what its JSON Schema cannot say. */
import type { Context } from "../../context.ts";
import { DomainError, type FieldErrors } from "../../errors.ts";
import { throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { checkColumns } from "../columns/check-columns.ts";
import { type Definition, MAX_DEFINITION_BYTES } from "../definition/definition.ts";
import { checkEndpoint } from "../endpoints/check-endpoint.ts";
import { checkLookupTables } from "../tables/check/check-lookup-tables.ts";
import { checkTableDestination } from "../tables/check/check-table.ts";

/**
 * @returns facts about the destination that the administrator should know
 * @throws DomainError `invalid_input` with the path of each wrong field, `too_large`
 */
export async function checkDefinition(ctx: Context, definition: Definition): Promise<readonly string[]> {
  const bytes = Buffer.byteLength(JSON.stringify(definition));
  if (bytes > MAX_DEFINITION_BYTES) {
    const message = `The definition has ${bytes} bytes. At most ${MAX_DEFINITION_BYTES} are allowed.`;
    throw new DomainError("too_large", message);
  }
  requireStorable(definition, "body");
  throwFieldErrors({ ...checkModes(definition), ...checkColumns(definition) });
  const { errors, notes } = await checkDestination(ctx, definition);
  throwFieldErrors(errors);
  return notes;
}

interface Checked {
  readonly errors: FieldErrors;
  readonly notes: readonly string[];
}

async function checkDestination(ctx: Context, definition: Definition): Promise<Checked> {
  switch (definition.destination.type) {
    case "table":
      return checkTableDestination(ctx, definition);
    case "http":
      return checkEndpoint(ctx, definition);
    case "records":
      return { errors: await checkLookupTables(ctx, definition), notes: [] };
  }
}

/** The modes that each kind of destination has; the first is the default. */
const MODES = {
  table: ["insert", "upsert", "update", "skip_existing"],
  http: ["insert", "upsert", "update", "skip_existing"],
  records: ["insert"],
} as const;

function checkModes({ mode, key, destination }: Definition): FieldErrors {
  if (!mode) return {};
  const errors: FieldErrors = {};
  const possible: readonly string[] = MODES[destination.type];
  for (const [index, name] of mode.allowed.entries()) {
    if (!possible.includes(name))
      errors[`mode.allowed.${index}`] = [
        `The destination ${destination.type} does not support ${name}. Use ${possible.join(", ")}.`,
      ];
    else if (name !== "insert" && !key)
      errors[`mode.allowed.${index}`] = [`${name} needs a key. Add \`key\`, or allow only insert.`];
  }
  return errors;
}
