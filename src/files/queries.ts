import { and, desc, eq, exists, isNull, lt, or, type SQL } from "drizzle-orm";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { files } from "../schema/files.ts";
import { tasks } from "../schema/tasks.ts";
import { defaultPath } from "./names.ts";
import type { StoredFile } from "./read-file.ts";

export const ShownOrigin = Type.Enum(["upload", "result"], {
  description: "upload: sent to `/api/v1/files`. result: made by a task.",
});
export type ShownOrigin = Static<typeof ShownOrigin>;

export const FileView = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    name: Type.String(),
    path: Type.String({ description: "What a task's `file_path` calls it." }),
    media_type: Type.String({ description: "Told by its content." }),
    bytes: Type.Integer(),
    sha256: Type.String({ description: "Of its content, in hex." }),
    origin: ShownOrigin,
    task_id: Type.Union([Type.String({ format: "uuid" }), Type.Null()], {
      description: "The task that made it.",
    }),
    created_at: Type.String({ format: "date-time" }),
  },
  { $id: "File" },
);

export function viewFile(file: StoredFile): Static<typeof FileView> {
  return {
    id: file.id,
    name: file.name,
    path: file.path ?? defaultPath(file.id, file.name),
    media_type: file.mediaType,
    bytes: file.bytes,
    sha256: file.sha256.toString("hex"),
    origin: file.origin === "result" ? "result" : "upload",
    task_id: file.taskId,
    created_at: file.createdAt.toISOString(),
  };
}

/** Pictures are shown with their books, and what a task made once it has completed. */
export function isShownTo(ctx: Context, userId: number, origin?: ShownOrigin): SQL | undefined {
  const completed = ctx.db
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(eq(tasks.id, files.taskId), eq(tasks.status, "completed")));
  const isUpload = origin === "result" ? undefined : eq(files.origin, "upload");
  const isResult = origin === "upload" ? undefined : and(eq(files.origin, "result"), exists(completed));
  return and(eq(files.userId, userId), isNull(files.receivingAt), or(isUpload, isResult));
}

/** Newest first, from before the one whose id is `before`. */
export function listFiles(
  ctx: Context,
  userId: number,
  { origin, before, limit }: { origin: ShownOrigin | undefined; before: string | null; limit: number },
): Promise<StoredFile[]> {
  return ctx.db
    .select()
    .from(files)
    .where(and(isShownTo(ctx, userId, origin), before === null ? undefined : lt(files.id, before)))
    .orderBy(desc(files.id))
    .limit(limit);
}

/** @throws DomainError `not_found`, also where the file is somebody else's */
export async function getFile(ctx: Context, userId: number, id: string): Promise<StoredFile> {
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(and(eq(files.id, id), isShownTo(ctx, userId)));
  if (!file) throw notFound("file");
  return file;
}
