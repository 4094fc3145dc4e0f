import type { batches } from "../schema/batches.ts";
import { targetNamed } from "../targets/registry.ts";
import type { RowsTask } from "./process-rows.ts";

type Described = Pick<
  typeof batches.$inferSelect,
  "id" | "target" | "mode" | "header" | "mapping" | "rowDelayMs"
> & { readonly userId: number | string };

export interface BatchTask extends RowsTask {
  readonly rowDelayMs: number;
}

/** What working on a batch's rows needs to know of it. */
export function taskOf({ id, userId, target, mode, header, mapping, rowDelayMs }: Described): BatchTask {
  const batch = { id, userId: Number(userId), mode, header };
  return { batch, target: targetNamed(target), mapping, rowDelayMs };
}
