import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Context } from "../../src/context.ts";
import { DomainError } from "../../src/errors.ts";
import { openTaskFile } from "../../src/files/open-file.ts";
import { type ResolvedFile, resolvePaths } from "../../src/files/resolve-path.ts";
import { storeStream } from "../../src/files/store-stream.ts";
import { addTask, setStatus, storedFile } from "../support/files.ts";
import { atEnd } from "../support/rowmill.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const folder = mkdtempSync(join(tmpdir(), "rowmill-files-"));
const root = join(folder, "root");
const outside = join(folder, "outside.txt");

afterAll(() => rmSync(folder, { recursive: true }));
const rowmill = useRowmill({ settings: { FILES_ROOT: root } });
const user = useUser(rowmill);
beforeAll(() => {
  mkdirSync(join(root, "sub"), { recursive: true });
  mkdirSync(join(folder, "root-2"));
  writeFileSync(join(folder, "root-2", "near.txt"), "near");
  writeFileSync(outside, "secret");
  writeFileSync(join(root, "a.txt"), "inside");
  writeFileSync(join(root, "sub", "日本 ä.csv"), "a,b\n1,2\n");
  writeFileSync(join(root, "empty"), "");
  symlinkSync(outside, join(root, "link-out"));
  symlinkSync(folder, join(root, "up"));
  symlinkSync(join(root, "a.txt"), join(root, "link-in"));
  symlinkSync(join(root, "loop"), join(root, "loop"));
  symlinkSync(join(folder, "nothing"), join(root, "link-nowhere"));
  execFileSync("mkfifo", [join(root, "pipe")]);
});

async function resolvePath(ctx: Context, userId: number, path: string): Promise<ResolvedFile | undefined> {
  const [file] = await resolvePaths(ctx, userId, [path], () => "file_path");
  return file;
}

const resolve = (path: string) => resolvePath(rowmill.ctx, user.userId, path);

async function refusal(promise: Promise<unknown>): Promise<DomainError> {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(error instanceof DomainError)) throw new Error(`not refused: ${error}`);
  expect(error.code).toBe("invalid_input");
  return error;
}

describe("a path", () => {
  test("a path names an uploaded file first", async () => {
    const file = await storedFile(user, "uploaded", { path: "a.txt", name: "mine.txt" });
    expect(await resolve("a.txt")).toEqual({ fileId: file.id, path: "a.txt", name: "mine.txt", bytes: 8 });
    const other = await rowmill.newUser();
    expect(await resolvePath(rowmill.ctx, other.userId, "a.txt")).toMatchObject({ fileId: null, bytes: 6 });
    await user.delete(`/api/v1/files/${file.id}`);
    expect(await resolve("a.txt")).toMatchObject({ fileId: null });
  });

  test("a path may be the default path of an uploaded file", async () => {
    const file = await storedFile(user, "x");
    expect(await resolve(file.path)).toMatchObject({ fileId: file.id });
    const other = await rowmill.newUser();
    await refusal(resolvePath(rowmill.ctx, other.userId, file.path));
  });

  test("a path may name the result of a completed task", async () => {
    const taskId = await addTask(rowmill, user.userId, "processing");
    const facts = {
      userId: user.userId,
      name: "o.txt",
      mediaType: "text/plain",
      origin: "result",
      taskId,
    } as const;
    const { id } = await storeStream(rowmill.ctx, facts, Buffer.from("made"));
    await refusal(resolve(`/files/${id}/o.txt`));
    await setStatus(rowmill, taskId, "completed");
    expect(await resolve(`/files/${id}/o.txt`)).toMatchObject({ fileId: id, bytes: 4 });
  });

  test.each([
    ["a.txt", "a.txt", 6],
    ["sub/日本 ä.csv", "日本 ä.csv", 8],
    [join(root, "a.txt"), "a.txt", 6],
    ["link-in", "link-in", 6],
    ["up/root/a.txt", "a.txt", 6],
    ["empty", "empty", 0],
  ])("a path may name a file below FILES_ROOT: %s", async (path, name, bytes) => {
    expect(await resolve(path)).toEqual({ fileId: null, path, name, bytes });
  });

  test.each([
    ["upwards", "../outside.txt"],
    ["upwards from below", "sub/../../outside.txt"],
    ["upwards and in again", "../root/a.txt"],
    ["to a file outside", outside],
    ["to a file of the system", "/etc/passwd"],
    ["to a folder whose name only begins the same", join(folder, "root-2", "near.txt")],
    ["through a link to a file outside", "link-out"],
    ["through a link to a folder outside", "up/outside.txt"],
    ["through a link that leads nowhere", "link-nowhere"],
    ["through a link that leads to itself", "loop"],
    ["to FILES_ROOT itself", root],
    ["to a folder", "sub"],
    ["to a folder, as one", "sub/"],
    ["to a pipe", "pipe"],
    ["to a device", "/dev/zero"],
    ["to nothing", "nothing.txt"],
    ["to something in a file", "a.txt/b"],
    ["to a name that is too long", "x".repeat(300)],
    ["anywhere with a NUL", "a.txt\0.jpg"],
    ["anywhere with a lone surrogate", "a\ud800.txt"],
    ["nowhere at all", ""],
    ["to a process's own files", "/proc/self/environ"],
    ["to an encoded one", "..%2foutside.txt"],
  ])("a path that leads %s is refused", async (_, path) => {
    const error = await refusal(resolve(path));
    expect(Object.keys(error.fieldErrors)).toEqual(["file_path"]);
    await expect(
      openTaskFile(rowmill.ctx, { userId: user.userId, fileId: null, path, name: "x" }),
    ).rejects.toMatchObject({ code: "file_missing" });
  });

  test("a path to a socket is refused", async () => {
    const server = createServer().listen(join(root, "socket"));
    atEnd(async () => server.close());
    await refusal(resolve("socket"));
  });

  test("a path outside FILES_ROOT is refused with one message whether the file exists", async () => {
    const paths = [
      outside,
      join(folder, "no.txt"),
      "link-out",
      "link-nowhere",
      "up/outside.txt",
      "up/no.txt",
      "no",
    ];
    const messages = await Promise.all(paths.map(async (path) => (await refusal(resolve(path))).message));
    expect(new Set(messages).size).toBe(1);
    expect(messages[0]).toContain("POST /api/v1/files");
  });

  test("without FILES_ROOT a path names only uploaded files", async () => {
    const ctx = { ...rowmill.ctx, config: { ...rowmill.config, filesRoot: "" } };
    for (const path of ["a.txt", join(root, "a.txt"), "package.json"]) {
      const { message } = await refusal(resolvePath(ctx, user.userId, path));
      expect(message).toContain("FILES_ROOT");
    }
    const open = openTaskFile(ctx, { userId: user.userId, fileId: null, path: "a.txt", name: "a.txt" });
    await expect(open).rejects.toMatchObject({ code: "file_missing" });
  });

  test("a missing FILES_ROOT does not fail uploaded paths", async () => {
    const ctx = { ...rowmill.ctx, config: { ...rowmill.config, filesRoot: join(folder, "gone") } };
    await refusal(resolvePath(ctx, user.userId, "a.txt"));
  });
});

describe("many paths", () => {
  test("many paths are resolved in order, also if one repeats", async () => {
    const file = await storedFile(user, "x", { path: "/many/1" });
    const found = await resolvePaths(rowmill.ctx, user.userId, ["a.txt", "/many/1", "a.txt", "/many/1"]);
    expect(found.map(({ fileId }) => fileId)).toEqual([null, file.id, null, file.id]);
    expect(await resolvePaths(rowmill.ctx, user.userId, [])).toEqual([]);
  });

  test("the refusal of many paths names each wrong one", async () => {
    const paths = ["a.txt", "no", "../x", "a.txt", outside];
    const { fieldErrors, message } = await refusal(resolvePaths(rowmill.ctx, user.userId, paths));
    expect(Object.keys(fieldErrors)).toEqual(["file_paths.1", "file_paths.2", "file_paths.4"]);
    expect(message).toMatch(/^file_paths\.1: /);
  });
});
