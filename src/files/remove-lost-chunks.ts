import { and, asc, eq, gt, inArray } from "drizzle-orm";
import type { Context } from "../context.ts";
import { fileChunks, files } from "../schema/files.ts";

const PAGE = 1000;

/**
 * Removes the bytes of files that do not exist. Programs of version 0.9.0 leave them if they delete a file during an upgrade,
 * because they rely on a foreign key. A file is always stored before its first chunk.
 * @returns the number of files whose bytes were removed
 */
export async function removeLostChunks({ db }: Context): Promise<number> {
  let removed = 0;
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const isNext = and(gt(fileChunks.fileId, after), eq(fileChunks.position, 0));
    const page = await db
      .select({ id: fileChunks.fileId })
      .from(fileChunks)
      .where(isNext)
      .orderBy(asc(fileChunks.fileId))
      .limit(PAGE);
    const ids = page.map(({ id }) => id);
    const last = ids.at(-1);
    if (last === undefined) return removed;
    const found = await db.select({ id: files.id }).from(files).where(inArray(files.id, ids));
    const existing = new Set(found.map(({ id }) => id));
    const lost = ids.filter((id) => !existing.has(id));
    if (lost.length > 0) await db.delete(fileChunks).where(inArray(fileChunks.fileId, lost));
    removed += lost.length;
    after = last;
  }
}
