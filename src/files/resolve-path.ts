/** What a task's `file_path` means: a file that was uploaded under it, or one below FILES_ROOT. */
import { and, sql } from "drizzle-orm";
import pLimit from "p-limit";
import type { Context } from "../context.ts";
import { DomainError, type FieldErrors } from "../errors.ts";
import { files } from "../schema/files.ts";
import { findBelow } from "./files-root.ts";
import { pathProblem } from "./names.ts";
import { isShownTo } from "./queries.ts";

export interface ResolvedFile {
  /** null: it lies below FILES_ROOT. */
  readonly fileId: string | null;
  /** As it was given. */
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
}

/** Looked at side by side. */
const LOOKS = 8;
/** Told of in one answer. */
const MAX_PROBLEMS = 100;

/**
 * The files of many paths, in their order.
 * @throws DomainError `invalid_input` that names each path which is wrong
 */
export async function resolvePaths(
  ctx: Context,
  userId: number,
  paths: readonly string[],
  fieldOf = (index: number) => `file_paths.${index}`,
): Promise<ResolvedFile[]> {
  const uploaded = await findUploaded(ctx, userId, paths);
  const limit = pLimit(LOOKS);
  const found = await limit.map(paths, (path) => uploaded.get(path) ?? findInRoot(ctx, path));
  const problems = found.flatMap((file, index) =>
    typeof file === "string" ? [{ field: fieldOf(index), message: file }] : [],
  );
  const [first] = problems;
  if (first) {
    const told = problems.slice(0, MAX_PROBLEMS).map(({ field, message }) => [field, [message]]);
    const fieldErrors: FieldErrors = Object.fromEntries(told);
    throw new DomainError("invalid_input", `${first.field}: ${first.message}`, { fieldErrors });
  }
  return found.filter((file) => typeof file !== "string");
}

async function findUploaded(
  ctx: Context,
  userId: number,
  paths: readonly string[],
): Promise<Map<string | null, ResolvedFile>> {
  const possible = [...new Set(paths)].filter((path) => pathProblem(path) === null);
  if (possible.length === 0) return new Map();
  const found = await ctx.db
    .select({ fileId: files.id, path: files.path, name: files.name, bytes: files.bytes })
    .from(files)
    .where(and(isShownTo(ctx, userId), sql`${files.path} = ANY(${sql.param(possible)}::text[])`));
  return new Map(found.map((file) => [file.path, { ...file, path: file.path ?? "" }]));
}

/** @returns what is wrong with the path, where there is no such file */
async function findInRoot(ctx: Context, path: string): Promise<ResolvedFile | string> {
  const problem = pathProblem(path);
  if (problem) return problem;
  const root = ctx.config.filesRoot;
  const below = root ? await findBelow(root, path) : null;
  if (!below) return unknown(root);
  return { fileId: null, path, name: path.slice(path.lastIndexOf("/") + 1), bytes: below.bytes };
}

/** The same whether there is a file outside or none. */
function unknown(root: string): string {
  return root
    ? "is no file that you have uploaded, nor one below FILES_ROOT. Send it to POST /api/v1/files, with this as its `path`."
    : "is no file that you have uploaded. Send it to POST /api/v1/files, with this as its `path`; or let the operator " +
        "set FILES_ROOT to the folder that it is in.";
}
