import type { Context } from "../context.ts";
import { ChunkedFile } from "../files/chunked-file.ts";
import { readChunks } from "../files/read-file.ts";
import { removeFiles } from "../files/remove-files.ts";
import type { Destination } from "./destination.ts";

export const MEDIA_TYPE = "application/gzip";

/** A backup in the database. Its origin hides it from the routes of files, and from other backups. */
export async function openStoredBackup(ctx: Context, userId: number, name: string): Promise<Destination> {
  await using stack = new AsyncDisposableStack();
  const file = stack.use(await ChunkedFile.open(ctx, { userId, name, origin: "backup" }));
  let isKept = false;
  stack.defer(async () => {
    if (!isKept) await removeFiles(ctx, [file.id]);
  });
  const opened = stack.move();
  return {
    append: (bytes) => file.append(bytes),
    async *read() {
      yield* readChunks(ctx, await file.finish({ mediaType: MEDIA_TYPE }));
    },
    async keep() {
      isKept = true;
      return { path: null, fileId: file.id };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
