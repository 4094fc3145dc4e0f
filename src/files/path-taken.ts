import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { files } from "../schema/files.ts";

/** @throws DomainError `conflict` if a file of this user has the path */
export async function requireFreePath(ctx: Context, userId: number, path: string): Promise<void> {
  const other = await fileAt(ctx, userId, path);
  if (other) throw taken(other.id);
}

/** @returns the error for a write that failed because another file has the path */
export async function pathTaken(
  ctx: Context,
  userId: number,
  path: string,
  cause: unknown,
): Promise<DomainError> {
  const other = await fileAt(ctx, userId, path);
  return taken(other?.id, cause);
}

async function fileAt(ctx: Context, userId: number, path: string): Promise<{ id: string } | undefined> {
  const [file] = await ctx.db
    .select({ id: files.id })
    .from(files)
    .where(and(eq(files.userId, userId), eq(files.path, path)));
  return file;
}

function taken(id: string | undefined, cause?: unknown): DomainError {
  const owner = id === undefined ? "another file" : `your file ${id}`;
  const message = `is already the path of ${owner}. Choose another path, or delete that file first.`;
  return new DomainError("conflict", `path: ${message}`, { fieldErrors: { path: [message] }, cause });
}
