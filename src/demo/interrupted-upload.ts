import { setTimeout as sleep } from "node:timers/promises";
import { receiveUpload } from "../batches/receive/receive-upload.ts";
import type { Context } from "../context.ts";
import { csv } from "./seed-batches.ts";

/**
 * Starts an upload that never ends, and resolves once `isStored` returns true: when its only segment is stored, so that
 * nothing is being written. The process must then exit: the batch stays in `receiving` until the reconciler finds it, as
 * after a crash of the API.
 */
export async function interruptUpload(
  ctx: Context,
  userId: number,
  isStored: () => Promise<boolean>,
): Promise<void> {
  const failed = receiveUpload(ctx, {
    userId,
    role: "user",
    filename: "receiving.csv",
    options: {
      target: "books",
      mode: "append",
      policy: "partial",
      dry_run: false,
      force: true,
      header: true,
      skip_blank_rows: true,
      tables: "first",
    },
    file: endless(),
    declaredBytes: 0,
    finish: async () => {},
  }).then(() => true);
  while (!(await isStored())) await Promise.race([failed, sleep(100)]);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  // More than one segment, less than two: the rest is kept for a segment that never comes.
  yield Buffer.from(csv("receiving", 20_000));
  await new Promise(() => {});
}
