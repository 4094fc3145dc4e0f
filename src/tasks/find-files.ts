/** The files that tasks are to work on. */
import { and, eq, inArray, isNull, or } from "drizzle-orm";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { files } from "../schema/files.ts";

/** By id, or by the path that its owner calls it by. */
export interface GivenFile {
  readonly fileId?: string;
  readonly filePath?: string;
}

export interface FoundFile {
  readonly fileId: string | null;
  readonly filePath: string;
  readonly fileName: string;
  readonly fileBytes: number;
}

/**
 * @returns a file for each request, in their order; null where it names none
 * @throws DomainError `invalid_input` where there is no such file
 */
export async function findFiles(
  ctx: Context,
  userId: number,
  requests: readonly GivenFile[],
  pathOf: (index: number) => string,
): Promise<(FoundFile | null)[]> {
  const ids = requests.flatMap(({ fileId }) => fileId ?? []);
  const paths = requests.flatMap(({ filePath }) => filePath ?? []);
  if (ids.length + paths.length === 0) return requests.map(() => null);
  const found = await ctx.db
    .select()
    .from(files)
    .where(
      and(
        eq(files.userId, userId),
        isNull(files.receivingAt),
        or(inArray(files.id, ids), inArray(files.path, paths)),
      ),
    );
  return requests.map(({ fileId, filePath }, index) => {
    if (fileId === undefined && filePath === undefined) return null;
    const file = found.find(({ id, path }) => id === fileId || path === filePath);
    const field = [pathOf(index), fileId === undefined ? "file_path" : "file_id"].filter(Boolean).join(".");
    if (!file) throw invalidField(field, "there is no such file of yours; upload it to /api/v1/files first.");
    return { fileId: file.id, filePath: file.path ?? "", fileName: file.name, fileBytes: file.bytes };
  });
}
