import type { Context } from "../../context.ts";
import { endpointTarget } from "../endpoints/endpoint-target.ts";
import { typedRecordsTarget } from "../records/typed-records.ts";
import { readTable } from "../tables/read/read-table.ts";
import { tableTarget } from "../tables/table-target.ts";
import type { Target } from "../target.ts";
import type { StoredDefinition } from "./queries.ts";

/** Makes the target that a definition describes, as the database is now. */
export async function compileDefinition(
  ctx: Context,
  { name, version, definition }: Pick<StoredDefinition, "name" | "version" | "definition">,
): Promise<Target> {
  const { destination } = definition;
  switch (destination.type) {
    case "table": {
      // Only a table without a key in the definition must be read for that.
      const table = definition.key ? null : await readTable(ctx, destination.schema, destination.table);
      const hasPrimaryKey = table?.keys.some(({ isPrimary }) => isPrimary) ?? false;
      return tableTarget({ ...definition, destination }, { name, version, hasPrimaryKey });
    }
    case "http":
      return endpointTarget({ ...definition, destination }, { name, version });
    case "records":
      return typedRecordsTarget(definition, { name, version });
  }
}
