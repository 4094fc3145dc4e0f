import { randomBytes } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openBelow } from "../../src/files/files-root.ts";
import { openTaskFile } from "../../src/files/open-file.ts";
import { FILES, storedFile } from "../support/files.ts";
import { picture } from "../support/pictures.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const MiB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), "rowmill-open-"));
const content = randomBytes(5 * MiB + 77);

afterAll(() => rmSync(folder, { recursive: true }));
const rowmill = useRowmill({ settings: { FILES_ROOT: folder } });
const user = useUser(rowmill);

async function openStored(bytes: Uint8Array, name = "a.bin") {
  const file = await storedFile(user, bytes, { name });
  const opened = await openTaskFile(rowmill.ctx, {
    userId: user.userId,
    fileId: file.id,
    path: file.path,
    name,
  });
  return { opened, id: file.id };
}

async function openBeside(bytes: Uint8Array, name = "a.bin") {
  writeFileSync(join(folder, name), bytes);
  const opened = await openTaskFile(rowmill.ctx, { userId: user.userId, fileId: null, path: name, name });
  return { opened, id: name };
}

describe.each([
  ["a stored file", openStored],
  ["a file below FILES_ROOT", openBeside],
])("%s", (_, open) => {
  test("an opened file is read in whole and in part", async () => {
    await using file = (await open(content)).opened;
    expect(file).toMatchObject({
      name: "a.bin",
      bytes: content.length,
      mediaType: "application/octet-stream",
    });
    const chunks: Buffer[] = [];
    for await (const chunk of file.chunks()) chunks.push(chunk);
    expect(chunks.every(({ length }) => length <= MiB)).toBe(true);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    for (const [start, end] of [
      [0, 0],
      [0, 10],
      [MiB - 3, MiB + 3],
      [17, content.length],
      [content.length - 1, content.length],
      [content.length, content.length],
    ] as const)
      expect([start, (await file.read(start, end)).equals(content.subarray(start, end))]).toEqual([
        start,
        true,
      ]);
    for (const [start, end] of [
      [-1, 5],
      [5, 4],
      [0, content.length + 1],
    ] as const)
      await expect(file.read(start, end)).rejects.toThrow(RangeError);
  });

  test("an opened file may be empty", async () => {
    await using file = (await open(Buffer.alloc(0), "none.csv")).opened;
    expect([file.bytes, file.mediaType, (await file.read(0, 0)).length]).toEqual([0, "text/csv", 0]);
    for await (const chunk of file.chunks()) expect(chunk).toBe("never");
  });

  test("the type of an opened file comes from its content", async () => {
    await using png = (await open(await picture("png"), "x.csv")).opened;
    expect(png.mediaType).toBe("image/png");
    // A character lies across the end of the first mebibyte.
    await using text = (await open(Buffer.from(`a${"é".repeat(MiB)}`), "x.md")).opened;
    expect(text.mediaType).toBe("text/markdown");
  });
});

describe("a file that goes", () => {
  test("a deleted file fails permanently, before and during reading", async () => {
    const { opened, id } = await openStored(content);
    await using file = opened;
    const chunks = file.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    expect((await user.delete(`${FILES}/${id}`)).status).toBe(204);
    await expect(chunks.next()).rejects.toMatchObject({ name: "Permanent", code: "file_missing" });
    await expect(file.read(3 * MiB, 4 * MiB)).rejects.toMatchObject({ code: "file_missing" });
    const again = openTaskFile(rowmill.ctx, { userId: user.userId, fileId: id, path: "", name: "" });
    await expect(again).rejects.toMatchObject({ name: "Permanent", code: "file_missing" });
  });

  test("another user's file fails permanently", async () => {
    const { id } = await openStored(content);
    const other = await rowmill.newUser();
    const opened = openTaskFile(rowmill.ctx, { userId: other.userId, fileId: id, path: "", name: "" });
    await expect(opened).rejects.toMatchObject({ code: "file_missing" });
  });

  test("a file that shrinks on disk fails permanently", async () => {
    const { opened } = await openBeside(content, "shrinks");
    await using file = opened;
    truncateSync(join(folder, "shrinks"), 10);
    await expect(file.read(0, 20)).rejects.toMatchObject({ name: "Permanent", code: "file_changed" });
  });
});

test("a file on disk is closed with its handle", async () => {
  const { opened } = await openBeside(content, "closed");
  await opened[Symbol.asyncDispose]();
  await expect(opened.read(0, 1)).rejects.toThrow("closed");
});

test("a folder swapped for a link while a file is opened leads nowhere outside", async () => {
  const secret = mkdtempSync(join(tmpdir(), "rowmill-secret-"));
  const inside = mkdtempSync(join(folder, "inside-"));
  const path = join(inside, "x.txt");
  writeFileSync(join(secret, "x.txt"), "secret");
  writeFileSync(path, "inside");
  let isSwapping = true;
  const swapping = (async () => {
    while (isSwapping) {
      renameSync(inside, `${inside}-aside`);
      symlinkSync(secret, inside);
      await new Promise(setImmediate);
      rmSync(inside);
      renameSync(`${inside}-aside`, inside);
      await new Promise(setImmediate);
    }
  })();
  const seen = new Set<string>();
  for (let attempt = 0; attempt < 300; attempt++) {
    const handle = await openBelow(folder, path);
    seen.add(handle ? await handle.readFile("utf8") : "nothing");
    await handle?.close();
  }
  isSwapping = false;
  await swapping;
  rmSync(secret, { recursive: true });
  expect([...seen].filter((text) => text !== "inside" && text !== "nothing")).toEqual([]);
});
