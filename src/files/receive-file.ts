import type { Context } from "../context.ts";
import { invalidField } from "../errors.ts";
import { ChunkedFile } from "./chunked-file.ts";
import { nameOf, pathProblem } from "./names.ts";
import { requireFreePath } from "./path-taken.ts";
import type { StoredFile } from "./read-file.ts";
import { Sniffer } from "./sniff.ts";

export interface FileUpload {
  readonly userId: number;
  /** As the client sent it; may be empty. */
  readonly filename: string;
  /** Absent: the default path. */
  readonly path: string | undefined;
  /** The minimum size, as far as it is known before the file is read. */
  readonly declaredBytes: number;
  /** The maximum size; 0: unknown. */
  readonly maxBytes: number;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves at the end of the request. Throws if the file was cut off or another file follows. */
  readonly finish: () => Promise<void>;
}

/**
 * Stores a file while it arrives. If anything fails, no part of it remains.
 * @throws DomainError `invalid_input` for an invalid path; `conflict` if another file has the path; QuotaExceeded
 */
export async function receiveFile(ctx: Context, upload: FileUpload): Promise<StoredFile> {
  const { userId, path } = upload;
  if (path !== undefined) {
    const problem = pathProblem(path);
    if (problem) throw invalidField("path", problem);
    await requireFreePath(ctx, userId, path);
  }
  const { declaredBytes, maxBytes } = upload;
  const name = nameOf(upload.filename || (path ?? ""));
  const sniffer = new Sniffer();
  await using stored = await ChunkedFile.open(ctx, {
    userId,
    name,
    origin: "upload",
    declaredBytes,
    maxBytes,
  });
  for await (const bytes of upload.file) {
    sniffer.update(bytes);
    await stored.append(bytes);
  }
  await upload.finish();
  return await stored.finish({ mediaType: await sniffer.mediaType(name), path });
}
