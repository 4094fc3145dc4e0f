/** The mappings that users have sent with their uploads, to propose them again for files with the same columns. */
import { createHash } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { rememberedMappings } from "../schema/targets.ts";
import type { RequestedMapping } from "./match-header.ts";

/** Mappings per user. The one that was used least recently is forgotten first. */
export const MAX_REMEMBERED = 200;
/** Longer mappings are not remembered, so that a user takes up 3 MB at most. */
const MAX_MAPPING_BYTES = 16_384;

export interface Remembered {
  readonly mapping: RequestedMapping;
  /** Other options of that upload. */
  readonly options: Readonly<Record<string, string>>;
  readonly usedAt: Date;
}

/** Call it in the transaction that accepts the upload. @param header the column names of the file, made unique */
export async function rememberMapping(
  tx: Tx,
  userId: number,
  target: string,
  header: readonly string[],
  { mapping, options }: Pick<Remembered, "mapping" | "options">,
): Promise<void> {
  if (Buffer.byteLength(JSON.stringify(mapping)) > MAX_MAPPING_BYTES) return;
  const values = { mapping: { ...mapping }, options: { ...options }, usedAt: tx.now() };
  await tx.db
    .insert(rememberedMappings)
    .values({ userId, target, headerHash: hashOf(header), ...values })
    .onConflictDoUpdate({
      target: [rememberedMappings.userId, rememberedMappings.target, rememberedMappings.headerHash],
      set: values,
    });
  await tx.db.execute(sql`
    DELETE FROM rowmill.remembered_mappings WHERE user_id = ${userId} AND used_at < (
      SELECT used_at FROM rowmill.remembered_mappings WHERE user_id = ${userId}
      ORDER BY used_at DESC OFFSET ${MAX_REMEMBERED - 1} LIMIT 1
    )`);
}

/** @returns null if the user has sent no mapping for these columns, in any order */
export async function findRemembered(
  { db }: Pick<Context, "db">,
  userId: number,
  target: string,
  header: readonly string[],
): Promise<Remembered | null> {
  const { mapping, options, usedAt } = rememberedMappings;
  const [found] = await db
    .select({ mapping, options, usedAt })
    .from(rememberedMappings)
    .where(
      and(
        eq(rememberedMappings.userId, userId),
        eq(rememberedMappings.target, target),
        eq(rememberedMappings.headerHash, hashOf(header)),
      ),
    );
  return found ?? null;
}

function hashOf(header: readonly string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(header.toSorted())).digest();
}
