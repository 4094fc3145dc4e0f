import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { ChunkedFile } from "../../src/files/chunked-file.ts";
import { removeDeadFiles } from "../../src/files/remove-files.ts";
import { removeLostChunks } from "../../src/files/remove-lost-chunks.ts";
import { removeUnusedFiles } from "../../src/files/remove-unused-files.ts";
import { storeStream } from "../../src/files/store-stream.ts";
import { handlers } from "../../src/handlers.ts";
import { files } from "../../src/schema/files.ts";
import { tasks } from "../../src/schema/tasks.ts";
import { addTask, kept, later, NOTHING, storedFile } from "../support/files.ts";
import { picture } from "../support/pictures.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const DAY_SECONDS = 86_400;

const rowmill = useRowmill({ settings: { RETENTION_DAYS: "7" } });

const idsOf = async (userId: number) => {
  const found = await rowmill.ctx.db.select({ id: files.id }).from(files).where(eq(files.userId, userId));
  return found.map(({ id }) => id).sort();
};

test("upkeep removes the upload of a dead process after two minutes", async () => {
  const user = await rowmill.newUser();
  const whole = await storedFile(user, "whole");
  const file = await ChunkedFile.open(rowmill.ctx, { userId: user.userId, name: "x", origin: "upload" });
  await file.append(Buffer.alloc(2 ** 21));
  expect(await removeDeadFiles(later(rowmill, 110))).toBe(0);
  expect(await removeDeadFiles(later(rowmill, 130))).toBe(1);
  expect(await idsOf(user.userId)).toEqual([whole.id]);
  await file[Symbol.asyncDispose]();
});

test("upkeep removes an upload after RETENTION_DAYS unless a task uses it", async () => {
  const user = await rowmill.newUser();
  const [unused, ended, needed] = [
    await storedFile(user, "unused"),
    await storedFile(user, "of a task that has ended"),
    await storedFile(user, "needed"),
  ];
  const endedTask = await addTask(rowmill, user.userId, "failed", ended.id);
  await addTask(rowmill, user.userId, "pending", needed.id);
  expect(await removeUnusedFiles(later(rowmill, 6 * DAY_SECONDS))).toBe(0);
  await removeUnusedFiles(later(rowmill, 8 * DAY_SECONDS));
  expect(await idsOf(user.userId)).not.toContain(unused.id);
  expect(await idsOf(user.userId)).toEqual([ended.id, needed.id].sort());
  await rowmill.ctx.db.delete(tasks).where(eq(tasks.id, endedTask));
  await removeUnusedFiles(later(rowmill, 8 * DAY_SECONDS));
  expect(await idsOf(user.userId)).toEqual([needed.id]);
});

test("a result lives as long as its task, and a picture as long as its book", async () => {
  const user = await rowmill.newUser();
  const fields = { title: "Emma", author: "Jane Austen", picture: await picture() };
  await user.form("POST", "/api/v1/books", fields);
  const pictures = await idsOf(user.userId);
  const taskId = await addTask(rowmill, user.userId, "completed");
  const facts = {
    userId: user.userId,
    name: "x",
    mediaType: "text/plain",
    origin: "result",
    taskId,
  } as const;
  const { id } = await storeStream(rowmill.ctx, facts, Buffer.from("x"));
  await removeUnusedFiles(later(rowmill, 100 * DAY_SECONDS));
  expect(await idsOf(user.userId)).toEqual([...pictures, id].sort());
  await rowmill.ctx.db.delete(tasks).where(eq(tasks.id, taskId));
  expect(await removeUnusedFiles(rowmill.ctx)).toBe(1);
  expect(await idsOf(user.userId)).toEqual(pictures);
});

test("upkeep removes the bytes of a file that a program of version 0.9.0 has deleted", async () => {
  const user = await rowmill.newUser();
  const bytes = Buffer.alloc(2 ** 20 + 1);
  const deleted = await storedFile(user, bytes);
  const stored = await storedFile(user, bytes);
  await rowmill.ctx.db.delete(files).where(eq(files.id, deleted.id));
  expect(await removeLostChunks(rowmill.ctx)).toBe(1);
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT file_id AS id, count(*)::int AS chunks FROM rowmill.file_chunks WHERE file_id = ANY($1) GROUP BY 1",
    [[deleted.id, stored.id]],
  );
  expect(rows).toEqual([{ id: stored.id, chunks: 2 }]);
});

test("file upkeep runs daily and every minute", async () => {
  const user = await rowmill.newUser();
  const owner = { userId: user.userId, name: "x", origin: "upload" } as const;
  await storedFile(user, "x");
  const dying = await ChunkedFile.open(rowmill.ctx, owner);
  const input = { payload: {}, delivery: { signal: new AbortController().signal } };
  const ctx = later(rowmill, 30 * DAY_SECONDS);
  const job = { ...input, tx: ctx } as never;
  expect(await handlers.reconcile(ctx, job)).toMatchObject({ filesRemoved: 1 });
  await handlers.clean(ctx, job);
  expect(await kept(rowmill, user.userId)).toEqual(NOTHING);
  await dying[Symbol.asyncDispose]();
});
