/** Files as a client sends and gets them, and tasks that need or have made them. */
import { randomUUID } from "node:crypto";
import { eq, inArray } from "drizzle-orm";
import type { Static } from "typebox";
import type { FileView } from "../../src/files/views.ts";
import { fileChunks, files } from "../../src/schema/files.ts";
import { type TaskStatus, tasks } from "../../src/schema/tasks.ts";
import type { Answer, Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

export const FILES = "/api/v1/files";
export type StoredView = Static<typeof FileView>;

export function sendFile<T = StoredView>(
  user: Client,
  content: string | Uint8Array,
  { name = "notes.txt", path }: { name?: string; path?: string } = {},
): Promise<Answer<T>> {
  const fields = { ...(path === undefined ? {} : { path }), file: Buffer.from(content) };
  return user.form<T>("POST", FILES, fields, name);
}

/** The view of a file that was taken. */
export async function storedFile(
  user: Client,
  content: string | Uint8Array,
  options?: { name?: string; path?: string },
): Promise<StoredView> {
  const { status, body } = await sendFile(user, content, options);
  if (status !== 201) throw new Error(`the upload answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

export function getContent(user: Client, id: string, headers: Record<string, string> = {}) {
  return user.download(`${FILES}/${id}/content`, { authorization: `Bearer ${user.token}`, ...headers });
}

/** Counts files and their chunks in the database. */
export async function kept({ ctx }: Rowmill, userId?: number) {
  const where = userId === undefined ? undefined : eq(files.userId, userId);
  const found = await ctx.db.select({ id: files.id }).from(files).where(where);
  if (found.length === 0) return NOTHING;
  const ids = found.map(({ id }) => id);
  return { files: ids.length, chunks: await ctx.db.$count(fileChunks, inArray(fileChunks.fileId, ids)) };
}

export const NOTHING = { files: 0, chunks: 0 };

/** A task that nobody runs. */
export async function addTask(
  { ctx }: Rowmill,
  userId: number,
  status: TaskStatus,
  fileId: string | null = null,
): Promise<string> {
  const id = randomUUID();
  const now = new Date();
  const ended = status === "completed" || status === "failed";
  await ctx.db.insert(tasks).values({
    id,
    userId,
    status,
    fileId,
    type: "generic",
    queue: "default",
    params: {},
    metadata: {},
    maxRetries: 3,
    jobId: randomUUID(),
    completedAt: ended ? now : null,
    cancelledAt: status === "cancelled" ? now : null,
    errorCode: status === "failed" ? "failed" : null,
  });
  return id;
}

export async function setStatus({ ctx }: Rowmill, taskId: string, status: "completed" | "processing") {
  const completedAt = status === "completed" ? new Date() : null;
  await ctx.db.update(tasks).set({ status, completedAt }).where(eq(tasks.id, taskId));
}

/** The same context at another time. */
export function later({ ctx }: Rowmill, seconds: number) {
  return { ...ctx, now: () => new Date(Date.now() + seconds * 1000) };
}
