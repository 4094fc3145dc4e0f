import type { batches } from "../../schema/batches.ts";
import { targetNamed } from "../../targets/registry.ts";
import type { RowsInput } from "./process-rows.ts";

type BatchColumns = Pick<
  typeof batches.$inferSelect,
  "id" | "target" | "mode" | "header" | "mapping" | "params" | "rowDelayMs" | "isDryRun"
> & { readonly userId: number | string };

export interface ChunkInput extends RowsInput {
  readonly rowDelayMs: number;
}

/** The facts about a batch that processing its rows needs. */
export function chunkInputOf({ target, rowDelayMs, isDryRun, ...columns }: BatchColumns): ChunkInput {
  const { id, userId, mode, header, mapping, params } = columns;
  const batch = { id, userId: Number(userId), mode, header, mapping, ...(params ? { params } : {}) };
  return { batch, target: targetNamed(target), rowDelayMs, isDryRun };
}
