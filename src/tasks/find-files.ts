/** The files that tasks are to work on. */
import { and, eq, inArray, isNull, or } from "drizzle-orm";
import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { joinPath } from "../platform/schema-errors.ts";
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
  tx: Context,
  userId: number,
  requests: readonly GivenFile[],
  pathOf: (index: number) => string,
): Promise<(FoundFile | null)[]> {
  const ids = requests.flatMap(({ fileId }) => fileId ?? []);
  const paths = requests.flatMap(({ filePath }) => filePath ?? []);
  if (ids.length + paths.length === 0) return requests.map(() => null);
  const found = await tx.db
    .select()
    .from(files)
    .where(
      and(
        eq(files.userId, userId),
        isNull(files.receivingAt),
        or(inArray(files.id, ids), inArray(files.path, paths)),
      ),
    )
    // A file that is being deleted is there no more, and none is until the task refers to it.
    .for("key share");
  const byId = new Map(found.map((file) => [file.id, file]));
  const byPath = new Map(found.map((file) => [file.path, file]));
  return requests.map((request, index) => {
    const { fileId, filePath } = request;
    if (fileId === undefined && filePath === undefined) return null;
    const file = fileId === undefined ? byPath.get(filePath ?? "") : byId.get(fileId.toLowerCase());
    if (file) {
      return { fileId: file.id, filePath: file.path ?? "", fileName: file.name, fileBytes: file.bytes };
    }
    throw invalidField(
      fileFieldOf(request, pathOf(index)),
      "there is no such file of yours; upload it to /api/v1/files first.",
    );
  });
}
