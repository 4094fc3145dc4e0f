import { count, eq, isNull, sql } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError, invalidField, notFound } from "../../errors.ts";
import { targetDefinitions, targetVersions } from "../../schema/targets.ts";
import type { Definition } from "../definition/definition.ts";
import { builtInTargets, findBuiltIn } from "../registry.ts";
import { checkDefinition } from "./check-definition.ts";
import { lockName, type StoredDefinition } from "./queries.ts";

/** Lists of targets have all of them. */
const MAX_DEFINITIONS = 500;

export interface SavedDefinition extends StoredDefinition {
  /** Facts about the destination that the administrator should know. */
  readonly notes: readonly string[];
}

/** @throws DomainError `invalid_input`, `too_large`; `conflict` if the name is taken or there are too many targets */
export async function createTarget(
  ctx: Context,
  name: string,
  definition: Definition,
): Promise<SavedDefinition> {
  requireFreeName(name);
  const notes = await checkDefinition(ctx, definition);
  return inTransaction(ctx, async (tx) => {
    const former = await lockName(tx, name);
    if (former && !former.isDeleted) throw taken(name);
    await requireRoom(tx);
    const version = (former?.version ?? 0) + 1;
    const [row] = await tx.db
      .insert(targetDefinitions)
      .values({ name, version })
      .onConflictDoUpdate({
        target: targetDefinitions.name,
        set: { version, deletedAt: null, createdAt: tx.now(), updatedAt: tx.now() },
        // Another request has created the name since it was looked up.
        ...(former ? {} : { setWhere: sql`false` }),
      })
      .returning({ name: targetDefinitions.name });
    if (!row) throw taken(name);
    const saved = await storeVersion(tx, name, version, definition);
    const details = { version, destination: definition.destination.type };
    await recordAudit(tx, { action: "target.created", subject: { type: "target", id: name }, details });
    return { ...saved, notes };
  });
}

/**
 * Saves a new version. Batches that have started keep theirs.
 * @param expected the version that the change is based on; null: any
 * @throws DomainError `not_found`, `invalid_input`, `too_large`; `conflict` if there is a later version
 */
export async function updateTarget(
  ctx: Context,
  name: string,
  definition: Definition,
  expected: number | null,
): Promise<SavedDefinition> {
  const notes = await checkDefinition(ctx, definition);
  return inTransaction(ctx, async (tx) => {
    const former = await lockName(tx, name);
    if (!former || former.isDeleted) throw notFound("target");
    if (expected !== null && former.version !== expected) {
      const message = `The target has version ${former.version} now. Read it, and send your change with that version.`;
      throw new DomainError("conflict", message);
    }
    const version = former.version + 1;
    await tx.db
      .update(targetDefinitions)
      .set({ version, updatedAt: tx.now() })
      .where(eq(targetDefinitions.name, name));
    const saved = await storeVersion(tx, name, version, definition);
    const details = { from: former.version, to: version, destination: definition.destination.type };
    await recordAudit(tx, { action: "target.updated", subject: { type: "target", id: name }, details });
    return { ...saved, notes };
  });
}

async function storeVersion(
  tx: Tx,
  name: string,
  version: number,
  definition: Definition,
): Promise<StoredDefinition> {
  const savedAt = tx.now();
  await tx.db
    .insert(targetVersions)
    .values({ name, version, definition, createdAt: savedAt, createdBy: tx.actor?.id ?? null });
  return { name, version, definition, savedAt, savedBy: tx.actor?.username ?? null };
}

function requireFreeName(name: string): void {
  if (!findBuiltIn(name)) return;
  const names = builtInTargets.map((target) => target.name).join(", ");
  throw invalidField("name", `must not be the name of a built-in target: ${names}.`);
}

function taken(name: string): DomainError {
  return new DomainError("conflict", `There is a target "${name}" already. Use PUT to save a new version.`);
}

async function requireRoom({ db }: Tx): Promise<void> {
  const [found] = await db
    .select({ targets: count() })
    .from(targetDefinitions)
    .where(isNull(targetDefinitions.deletedAt));
  if ((found?.targets ?? 0) < MAX_DEFINITIONS) return;
  throw new DomainError(
    "conflict",
    `There are ${MAX_DEFINITIONS} targets already. Delete one of them first.`,
  );
}
