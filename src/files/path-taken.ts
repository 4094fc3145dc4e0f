import { and, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { files } from "../schema/files.ts";

/** @throws DomainError `conflict` where a file of this user's has the path */
export async function requireFreePath(ctx: Context, userId: number, path: string): Promise<void> {
  const other = await fileAt(ctx, userId, path);
  if (other) throw taken(other.id);
}

/** The error for a path that turned out to be another file's. */
export async function pathTaken(
  ctx: Context,
  userId: number,
  path: string,
  cause: unknown,
): Promise<DomainError> {
  const other = await fileAt(ctx, userId, path);
  return taken(other?.id ?? "that was removed since", cause);
}

async function fileAt(ctx: Context, userId: number, path: string): Promise<{ id: string } | undefined> {
  const [file] = await ctx.db
    .select({ id: files.id })
    .from(files)
    .where(and(eq(files.userId, userId), eq(files.path, path)));
  return file;
}

function taken(id: string, cause?: unknown): DomainError {
  const message = `is the path of your file ${id}; choose another one, or delete that file first.`;
  return new DomainError("conflict", `path: ${message}`, { fieldErrors: { path: [message] }, cause });
}
