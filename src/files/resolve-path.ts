/** Resolves the `file_path` of a task: an uploaded file with that path, or a file below FILES_ROOT. */
import { and, sql } from "drizzle-orm";
import pLimit from "p-limit";
import type { Context } from "../context.ts";
import { DomainError, type FieldErrors } from "../errors.ts";
import { files } from "../schema/files.ts";
import { findBelow } from "./files-root.ts";
import { pathProblem } from "./names.ts";
import { isShownTo } from "./queries.ts";

export interface ResolvedFile {
  /** null: the file is below FILES_ROOT. */
  readonly fileId: string | null;
  /** As in the request. */
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
}

const CONCURRENT_LOOKUPS = 8;
/** Reported in one answer. */
const MAX_PROBLEMS = 100;

/**
 * @param fieldOf the name of the field with the path at `index`, for errors
 * @returns the files in the order of the paths
 * @throws DomainError `invalid_input` that names each wrong path
 */
export async function resolvePaths(
  ctx: Context,
  userId: number,
  paths: readonly string[],
  fieldOf = (index: number) => `file_paths.${index}`,
): Promise<ResolvedFile[]> {
  const uploaded = await findUploaded(ctx, userId, paths);
  const limit = pLimit(CONCURRENT_LOOKUPS);
  const found = await limit.map(paths, (path) => uploaded.get(path) ?? findInRoot(ctx, path));
  const problems = found.flatMap((file, index) =>
    typeof file === "string" ? [{ field: fieldOf(index), message: file }] : [],
  );
  const [first] = problems;
  if (first) {
    const reported = problems.slice(0, MAX_PROBLEMS).map(({ field, message }) => [field, [message]]);
    const fieldErrors: FieldErrors = Object.fromEntries(reported);
    throw new DomainError("invalid_input", `${first.field}: ${first.message}`, { fieldErrors });
  }
  return found.filter((file) => typeof file !== "string");
}

async function findUploaded(
  ctx: Context,
  userId: number,
  paths: readonly string[],
): Promise<Map<string | null, ResolvedFile>> {
  const valid = [...new Set(paths)].filter((path) => pathProblem(path) === null);
  if (valid.length === 0) return new Map();
  const found = await ctx.db
    .select({ fileId: files.id, path: files.path, name: files.name, bytes: files.bytes })
    .from(files)
    .where(and(isShownTo(ctx, userId), sql`${files.path} = ANY(${sql.param(valid)}::text[])`));
  return new Map(found.map((file) => [file.path, { ...file, path: file.path ?? "" }]));
}

/** @returns the file, or the error message for its path */
async function findInRoot(ctx: Context, path: string): Promise<ResolvedFile | string> {
  const problem = pathProblem(path);
  if (problem) return problem;
  const root = ctx.config.filesRoot;
  const below = root ? await findBelow(root, path) : null;
  if (!below) return unknownPath(root);
  return { fileId: null, path, name: path.slice(path.lastIndexOf("/") + 1), bytes: below.bytes };
}

/** Does not reveal whether a file exists outside FILES_ROOT. */
function unknownPath(root: string): string {
  return root
    ? "names neither one of your files nor a file below FILES_ROOT. Upload it with POST /api/v1/files and this `path`."
    : "does not name one of your files. Upload it with POST /api/v1/files and this `path`, or have the operator set " +
        "FILES_ROOT to the folder with the file.";
}
