import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { ChunkedFile } from "../../src/files/chunked-file.ts";
import { readChunks } from "../../src/files/read-file.ts";
import { removeDeadFiles, removeTaskFiles } from "../../src/files/remove-files.ts";
import { storeStream } from "../../src/files/store-stream.ts";
import { addTask, kept, later, NOTHING } from "../support/files.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const MiB = 2 ** 20;
const BINARY = { mediaType: "application/octet-stream" };

const rowmill = useRowmill();
const user = useUser(rowmill);

const open = (name = "out.bin") =>
  ChunkedFile.open(rowmill.ctx, { userId: user.userId, name, origin: "upload" });

async function contentOf(file: { id: string; bytes: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(rowmill.ctx, file)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("bytes in any order", () => {
  type Writes = [position: number, length: number][];
  test.each<[string, Writes]>([
    ["one after the other", [0, 1, 2, 3, 4, 5, 6].map((index) => [index * 500_000, 500_000])],
    ["in one piece over several chunks", [[0, 3 * MiB + 5]]],
    ["nothing", []],
    [
      "a header that is patched at the end",
      [
        [0, 40],
        [40, 3 * MiB],
        [8, 16],
      ],
    ],
    [
      "a patch across two chunks",
      [
        [0, 3 * MiB],
        [MiB - 10, 20],
      ],
    ],
    [
      "the end first",
      [
        [3 * MiB + 10, 100],
        [0, 3 * MiB + 10],
      ],
    ],
    [
      "with a hole, which is zeros",
      [
        [0, 10],
        [4 * MiB, 10],
      ],
    ],
    [
      "back and on again",
      [
        [0, MiB + 100],
        [5, 5],
        [MiB + 100, 2 * MiB],
        [7, 1],
        [3 * MiB + 200, 50],
      ],
    ],
    [
      "to and fro in the last chunk",
      [
        [0, 10],
        [100, 10],
        [50, 10],
        [0, 1],
        [109, 20],
      ],
    ],
    [
      "a whole chunk again",
      [
        [0, 2 * MiB],
        [MiB, MiB],
      ],
    ],
    [
      "the last byte again",
      [
        [0, 2 * MiB + 1],
        [0, 1],
        [2 * MiB, 1],
      ],
    ],
  ])("bytes written %s are read back equal", async (_, writes) => {
    const expected = Buffer.alloc(Math.max(0, ...writes.map(([position, length]) => position + length)));
    await using file = await open();
    for (const [position, length] of writes) {
      const bytes = randomBytes(length);
      bytes.copy(expected, position);
      await file.write(position, bytes);
    }
    expect(file.bytes).toBe(expected.length);
    const stored = await file.finish(BINARY);
    expect(stored.bytes).toBe(expected.length);
    expect(stored.sha256).toEqual(createHash("sha256").update(expected).digest());
    expect((await contentOf(stored)).equals(expected)).toBe(true);
  });
});

describe("a stream", () => {
  const facts = () => ({ userId: user.userId, name: "../made.txt", origin: "upload", ...BINARY }) as const;

  test.each<[string, () => Readable | Uint8Array]>([
    ["bytes in memory", () => Buffer.from("made by a task")],
    ["a stream of bytes", () => Readable.from([Buffer.from("made by "), Buffer.from("a task")])],
    ["a stream of text", () => Readable.from(["made by ", "a task"])],
  ])("a stream is stored whole from %s", async (_, source) => {
    const stored = await storeStream(rowmill.ctx, facts(), source());
    expect(stored).toMatchObject({ name: "made.txt", path: `/files/${stored.id}/made.txt`, bytes: 14 });
    expect((await contentOf(stored)).toString()).toBe("made by a task");
  });

  test("a stream that fails leaves no file", async () => {
    const before = await kept(rowmill);
    async function* failing() {
      yield randomBytes(2 * MiB);
      throw new Error("the disk is full");
    }
    await expect(storeStream(rowmill.ctx, facts(), Readable.from(failing()))).rejects.toThrow("disk is full");
    expect(await kept(rowmill)).toEqual(before);
  });
});

describe("a file that is being stored", () => {
  test("a file that is not finished is removed", async () => {
    const own = await rowmill.newUser();
    {
      const owner = { userId: own.userId, name: "x", origin: "upload" } as const;
      await using file = await ChunkedFile.open(rowmill.ctx, owner);
      await file.write(0, Buffer.alloc(2 * MiB));
      expect((await kept(rowmill, own.userId)).files).toBe(1);
    }
    expect(await kept(rowmill, own.userId)).toEqual(NOTHING);
  });

  test("a file that upkeep removed accepts no more bytes", async () => {
    await using file = await open();
    await file.append(Buffer.alloc(MiB + 1));
    expect(await removeDeadFiles(later(rowmill, 121))).toBe(1);
    await expect(file.append(Buffer.alloc(2 * MiB))).rejects.toMatchObject({ code: "conflict" });
    await expect(file.finish(BINARY)).rejects.toMatchObject({ code: "conflict" });
  });

  test("an unfinished file is removed with the other files of its task", async () => {
    const own = await rowmill.newUser();
    const taskId = await addTask(rowmill, own.userId, "processing");
    const owner = { userId: own.userId, name: "x", origin: "result", taskId } as const;
    await storeStream(rowmill.ctx, { ...owner, ...BINARY }, Buffer.from("x"));
    await using file = await ChunkedFile.open(rowmill.ctx, owner);
    await removeTaskFiles(rowmill.ctx, [taskId]);
    expect(await kept(rowmill, own.userId)).toEqual(NOTHING);
    await file.append(Buffer.from("y"));
    await expect(file.finish(BINARY)).rejects.toMatchObject({ code: "conflict" });
  });
});
