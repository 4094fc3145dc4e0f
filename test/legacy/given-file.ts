import { eq } from "drizzle-orm";
import { inTransaction } from "../../src/context.ts";
import { storeFile } from "../../src/files/store-file.ts";
import { uuidV7 } from "../../src/platform/uuid.ts";
import { files } from "../../src/schema/files.ts";
import type { Client } from "../support/client.ts";
import type { Rowmill } from "../support/rowmill.ts";

/** Has the user own a file of this path. */
export async function giveFile(
  { ctx }: Rowmill,
  { userId }: Client,
  path: string,
  bytes: Buffer,
): Promise<void> {
  const id = uuidV7(ctx.now());
  const name = path.split("/").at(-1) ?? path;
  await inTransaction(ctx, async (tx) => {
    await storeFile(tx, { id, userId, name, mediaType: "application/octet-stream", bytes });
    await tx.db.update(files).set({ path, origin: "upload" }).where(eq(files.id, id));
  });
}
