import type { Context } from "../../context.ts";
import type { batches } from "../../schema/batches.ts";
import { loadTargetOf } from "../../targets/define/load-target.ts";
import type { RowsInput } from "./process-rows.ts";

type BatchColumns = Pick<
  typeof batches.$inferSelect,
  | "id"
  | "target"
  | "targetVersion"
  | "mode"
  | "header"
  | "mapping"
  | "params"
  | "locale"
  | "filename"
  | "rowDelayMs"
  | "isDryRun"
> & { readonly userId: number | string; readonly createdAt: Date | string };

export interface ChunkInput extends RowsInput {
  readonly rowDelayMs: number;
}

/** The facts about a batch that processing its rows needs. */
export async function chunkInputOf(ctx: Context, columns: BatchColumns): Promise<ChunkInput> {
  const { id, userId, mode, header, mapping, params, locale, rowDelayMs, isDryRun } = columns;
  const batch = {
    ...{ id, userId: Number(userId), mode, header, mapping },
    ...(params ? { params } : {}),
    ...(locale ? { locale } : {}),
    facts: { filename: columns.filename, createdAt: new Date(columns.createdAt) },
  };
  return { batch, target: await loadTargetOf(ctx, columns), rowDelayMs, isDryRun };
}
