/** Reads the targets that administrators have defined. */
import { and, asc, eq, isNull } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { targetDefinitions, targetVersions } from "../../schema/targets.ts";
import type { Definition } from "../definition/definition.ts";

export interface StoredDefinition {
  readonly name: string;
  readonly version: number;
  readonly definition: Definition;
  /** When the version was saved. */
  readonly savedAt: Date;
}

const isCurrent = and(
  eq(targetVersions.name, targetDefinitions.name),
  eq(targetVersions.version, targetDefinitions.version),
);

const columns = {
  name: targetVersions.name,
  version: targetVersions.version,
  definition: targetVersions.definition,
  savedAt: targetVersions.createdAt,
};

/** Definitions are checked before they are stored. */
function asStored<T extends { definition: unknown }>(row: T) {
  return { ...row, definition: row.definition as Definition };
}

/** The current versions of all targets that are not deleted: at most MAX_DEFINITIONS. */
export async function listDefinitions({ db }: Pick<Context, "db">): Promise<StoredDefinition[]> {
  const rows = await db
    .select(columns)
    .from(targetDefinitions)
    .innerJoin(targetVersions, isCurrent)
    .where(isNull(targetDefinitions.deletedAt))
    .orderBy(asc(targetDefinitions.name));
  return rows.map(asStored);
}

/** @returns null if there is no such target, or it is deleted */
export async function findDefinition(
  { db }: Pick<Context, "db">,
  name: string,
): Promise<StoredDefinition | null> {
  const [row] = await db
    .select(columns)
    .from(targetDefinitions)
    .innerJoin(targetVersions, isCurrent)
    .where(and(eq(targetDefinitions.name, name), isNull(targetDefinitions.deletedAt)));
  return row ? asStored(row) : null;
}

/** @throws DomainError `not_found` */
export async function getDefinition(ctx: Pick<Context, "db">, name: string): Promise<StoredDefinition> {
  const found = await findDefinition(ctx, name);
  if (!found) throw notFound("target");
  return found;
}

/** A version, also of a deleted target. @throws DomainError `not_found` */
export async function getVersion(
  { db }: Pick<Context, "db">,
  name: string,
  version: number,
): Promise<StoredDefinition> {
  const [row] = await db
    .select(columns)
    .from(targetVersions)
    .where(and(eq(targetVersions.name, name), eq(targetVersions.version, version)));
  if (!row) throw notFound("version of the target");
  return asStored(row);
}

/** Locks the name until the commit. @returns null if no target has ever had it */
export async function lockName(
  { db }: Tx,
  name: string,
): Promise<{ version: number; isDeleted: boolean } | null> {
  const [row] = await db
    .select({ version: targetDefinitions.version, deletedAt: targetDefinitions.deletedAt })
    .from(targetDefinitions)
    .where(eq(targetDefinitions.name, name))
    .for("update");
  return row ? { version: row.version, isDeleted: row.deletedAt !== null } : null;
}
