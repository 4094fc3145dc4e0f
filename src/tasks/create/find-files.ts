/** Finds the files that new tasks refer to. */
import { and, inArray } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { isShownTo } from "../../files/queries.ts";
import type { StoredFile } from "../../files/read-file.ts";
import { resolvePaths } from "../../files/resolve-path.ts";
import { joinPath } from "../../platform/http/schema-errors.ts";
import { files } from "../../schema/files.ts";

/** A file by its id or by its path. */
export interface FileReference {
  readonly fileId?: string;
  readonly filePath?: string;
}

export interface FoundFile {
  readonly fileId: string | null;
  readonly filePath: string;
  readonly fileName: string;
  readonly fileBytes: number;
}

/** The field that names the file, for errors. @param path the path of the task in the request, such as `tasks.3` */
export function fileFieldOf(reference: FileReference | undefined, path: string): string {
  return joinPath(path, reference?.fileId === undefined ? "file_path" : "file_id");
}

/**
 * Locks the files until the commit, so that none is deleted before its task refers to it.
 * @returns the file of each request, in their order; null for a request without a file
 * @throws DomainError `invalid_input` if a file does not exist or belongs to another user
 */
export async function findFiles(
  tx: Tx,
  userId: number,
  requests: readonly FileReference[],
  pathOf: (index: number) => string,
): Promise<(FoundFile | null)[]> {
  const fieldOf = (index: number) => fileFieldOf(requests[index], pathOf(index));
  const byPath = requests.flatMap(({ filePath }, index) =>
    filePath === undefined ? [] : [{ filePath, index }],
  );
  const resolved = await resolvePaths(
    tx,
    userId,
    byPath.map(({ filePath }) => filePath),
    (position) => fieldOf(byPath[position]?.index ?? 0),
  );
  const byIndex = new Map(byPath.map(({ index }, position) => [index, resolved[position]]));
  const stored = await lockFiles(tx, userId, [
    ...requests.flatMap(({ fileId }) => fileId ?? []),
    ...resolved.flatMap(({ fileId }) => fileId ?? []),
  ]);
  return requests.map(({ fileId }, index) => {
    const file = byIndex.get(index);
    const id = fileId?.toLowerCase() ?? file?.fileId;
    if (id === undefined) return null;
    if (id === null)
      return file ? { fileId: null, filePath: file.path, fileName: file.name, fileBytes: file.bytes } : null;
    const locked = stored.get(id);
    if (!locked)
      throw invalidField(
        fieldOf(index),
        "does not name one of your files. Upload it with POST /api/v1/files first.",
      );
    return { fileId: id, filePath: locked.path ?? "", fileName: locked.name, fileBytes: locked.bytes };
  });
}

async function lockFiles(tx: Tx, userId: number, ids: readonly string[]): Promise<Map<string, StoredFile>> {
  if (ids.length === 0) return new Map();
  const found = await tx.db
    .select()
    .from(files)
    .where(and(inArray(files.id, [...ids]), isShownTo(tx, userId)))
    .for("key share");
  return new Map(found.map((file) => [file.id, file]));
}
