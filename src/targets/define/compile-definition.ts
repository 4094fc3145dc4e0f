import type { Context } from "../../context.ts";
import { endpointTarget } from "../endpoints/endpoint-target.ts";
import { typedRecordsTarget } from "../records/typed-records.ts";
import { readTable } from "../tables/read-table.ts";
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
      const table = await readTable(ctx, destination.schema, destination.table);
      return tableTarget({ ...definition, destination }, { name, version, table });
    }
    case "http":
      return endpointTarget({ ...definition, destination }, { name, version });
    case "records":
      return typedRecordsTarget(definition, { name, version });
  }
}
