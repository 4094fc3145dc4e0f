import type { batches } from "../../schema/batches.ts";
import { targetNamed } from "../../targets/registry.ts";
import type { RowsInput } from "./process-rows.ts";

type Described = Pick<
  typeof batches.$inferSelect,
  "id" | "target" | "mode" | "header" | "mapping" | "rowDelayMs" | "isDryRun"
> & { readonly userId: number | string };

export interface ChunkInput extends RowsInput {
  readonly rowDelayMs: number;
}

/** What working on a batch's rows needs to know of it. */
export function chunkInputOf({ target, rowDelayMs, isDryRun, ...described }: Described): ChunkInput {
  const { id, userId, mode, header, mapping } = described;
  const batch = { id, userId: Number(userId), mode, header, mapping };
  return { batch, target: targetNamed(target), rowDelayMs, isDryRun };
}
