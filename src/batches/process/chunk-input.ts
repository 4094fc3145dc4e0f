import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { users } from "../../schema/accounts.ts";
import type { batches } from "../../schema/batches.ts";
import { loadTargetOf } from "../../targets/define/load-target.ts";
import type { Target, UploadFacts } from "../../targets/target.ts";
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
    ...(isDryRun ? { isDryRun } : {}),
  };
  const target = await loadTargetOf(ctx, columns);
  const facts = target.defined && (await factsOf(ctx, target.defined, columns));
  return { batch: { ...batch, ...(facts ? { facts } : {}) }, target, rowDelayMs, isDryRun };
}

/** Most targets have no column with a fact about the owner, so most chunks do not read it. */
async function factsOf(
  { db }: Context,
  { definition }: NonNullable<Target["defined"]>,
  { userId, filename, createdAt }: BatchColumns,
): Promise<UploadFacts> {
  const facts = { filename, createdAt: new Date(createdAt) };
  if (!definition.columns.some(({ from }) => from === "user.username" || from === "user.email")) return facts;
  const [owner] = await db
    .select({ username: users.username, email: users.email })
    .from(users)
    .where(eq(users.id, Number(userId)));
  return { ...facts, ...owner };
}
