/** The facts about a batch that a worker needs to process its rows. */
import { eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { users } from "../../../schema/accounts.ts";
import type { batches } from "../../../schema/batches.ts";
import { loadTargetOf } from "../../../targets/define/load-target.ts";
import {
  type Columns,
  type GroupTarget,
  isGroupTarget,
  type Target,
  type TargetBatch,
  type UploadFacts,
  type Values,
} from "../../../targets/target.ts";

/** The batch that rows belong to, and the target that they go to. */
export interface RowsInput {
  readonly batch: TargetBatch;
  readonly target: Target;
  /** The caller rolls back what a dry run writes. Targets that act outside the database are not called. */
  readonly isDryRun: boolean;
}

/** The input for all rows of a chunk. */
export interface ChunkInput extends RowsInput {
  readonly rowDelayMs: number;
}

/** The input for a target that takes rows in groups, one request per group. */
export interface GroupInput extends RowsInput {
  readonly target: GroupTarget<Columns, Values>;
}

export function isGroupInput(input: RowsInput): input is GroupInput {
  return isGroupTarget(input.target);
}

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

/** Loads the target of a batch, and the facts about the batch that its rows are processed with. */
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
