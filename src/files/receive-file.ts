import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { ChunkedFile } from "./chunked-file.ts";
import { nameOf, pathProblem } from "./names.ts";
import { requireFreePath } from "./path-taken.ts";
import { requireRoom } from "./quota.ts";
import type { StoredFile } from "./read-file.ts";
import { Sniffer } from "./sniff.ts";

export interface FileUpload {
  readonly userId: number;
  /** As the client sent it; may be empty. */
  readonly filename: string;
  /** How its owner wants to call it in `file_path`. */
  readonly path: string | undefined;
  /** How many bytes it has at least, as far as that is known before it is read. */
  readonly declaredBytes: number;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves when the request has nothing more to it; throws where the file was cut off or another follows. */
  readonly finish: () => Promise<void>;
}

/**
 * Stores a file as it comes: all of it, or nothing is left.
 * @throws DomainError with what is wrong with its path, or QuotaExceeded
 */
export async function receiveFile(ctx: Context, upload: FileUpload): Promise<StoredFile> {
  const { userId, path } = upload;
  if (path !== undefined) {
    const problem = pathProblem(path);
    if (problem) throw invalidField("path", problem);
    await requireFreePath(ctx, userId, path);
  }
  await requireRoom(ctx, userId, upload.declaredBytes);
  const name = nameOf(upload.filename || (path ?? ""));
  const sniffer = new Sniffer();
  await using stored = await ChunkedFile.open(ctx, { userId, name, origin: "upload" });
  for await (const bytes of upload.file) {
    sniffer.update(bytes);
    await stored.append(bytes);
  }
  await upload.finish();
  return await stored.finish({ mediaType: await sniffer.mediaType(name), path });
}
