/** The files that tasks are to work on. */
import { and, inArray } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { isShownTo } from "../../files/queries.ts";
import type { StoredFile } from "../../files/read-file.ts";
import { resolvePaths } from "../../files/resolve-path.ts";
import { joinPath } from "../../platform/http/schema-errors.ts";
import { files } from "../../schema/files.ts";

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

/** Where the client has named the file, or would have. @param path of the object that it sent */
export function fileFieldOf(given: GivenFile | undefined, path: string): string {
  return joinPath(path, given?.fileId === undefined ? "file_path" : "file_id");
}

/**
 * In a transaction, so that they are there when it commits.
 * @returns a file for each request, in their order; null where it names none
 * @throws DomainError `invalid_input` where there is no such file
 */
export async function findFiles(
  tx: Tx,
  userId: number,
  requests: readonly GivenFile[],
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
  const ofPath = new Map(byPath.map(({ index }, position) => [index, resolved[position]]));
  const stored = await holdFiles(tx, userId, [
    ...requests.flatMap(({ fileId }) => fileId ?? []),
    ...resolved.flatMap(({ fileId }) => fileId ?? []),
  ]);
  return requests.map(({ fileId }, index) => {
    const file = ofPath.get(index);
    const id = fileId?.toLowerCase() ?? file?.fileId;
    if (id === undefined) return null;
    if (id === null)
      return file ? { fileId: null, filePath: file.path, fileName: file.name, fileBytes: file.bytes } : null;
    const held = stored.get(id);
    if (!held)
      throw invalidField(fieldOf(index), "is no file of yours; send it to POST /api/v1/files first.");
    return { fileId: id, filePath: held.path ?? "", fileName: held.name, fileBytes: held.bytes };
  });
}

/** A file that is being deleted is there no more, and none is until the task refers to it. */
async function holdFiles(tx: Tx, userId: number, ids: readonly string[]): Promise<Map<string, StoredFile>> {
  if (ids.length === 0) return new Map();
  const found = await tx.db
    .select()
    .from(files)
    .where(and(inArray(files.id, [...ids]), isShownTo(tx, userId)))
    .for("key share");
  return new Map(found.map((file) => [file.id, file]));
}
