import { truncateSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createClient, type Progress, type RowmillClient } from "../../src/client/index.ts";
import { openFile } from "../../src/client/node.ts";
import { csv } from "../support/book-files.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const LIMIT = 40_000_000;
const rowmill = useRowmill({ worker: true, settings: { UPLOAD_MAX_BYTES: String(LIMIT) } });
const user = useUser(rowmill);
const clientOf = (): RowmillClient => createClient({ baseUrl: rowmill.url, token: user.token });

async function fileOf(content: string, bytes?: number): Promise<{ path: string } & AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), "rowmill-"));
  const path = join(folder.path, "bücher neu.csv");
  writeFileSync(path, content);
  if (bytes !== undefined) truncateSync(path, bytes);
  return { path, [Symbol.asyncDispose]: () => folder.remove() };
}

describe("uploads", () => {
  test("a file on disk is uploaded under its name, with progress, and followed to its end", async () => {
    const client = clientOf();
    await using file = await fileOf(csv(30, 2));
    const progress: Progress[] = [];
    const uploaded = await client.uploadBatch(await openFile(file.path), {
      target: "books",
      dry_run: true,
      onProgress: (now) => progress.push(now),
    });
    expect(uploaded).toMatchObject({ filename: "bücher neu.csv", dry_run: true, counts: { total: 32 } });
    expect(progress.at(-1)?.sent).toBe(progress.at(-1)?.total);
    const batch = await client.waitForBatch(uploaded.id);
    expect(batch).toMatchObject({ state: "validated", counts: { pending: 30, failed: 2 } });
    const path = { batch_id: batch.id };
    const failed = client.list("/api/v1/batches/{batch_id}/rows", {
      path,
      query: { status: "failed", limit: 1 },
    });
    expect(await Array.fromAsync(failed, ({ error_code }) => error_code)).toEqual(["required", "required"]);
    const results = await client.download("/api/v1/batches/{batch_id}/results/{file}.{format}", {
      path: { ...path, file: "failed", format: "csv" },
    });
    expect((await results.text()).trim().split("\n")).toHaveLength(3);
  });

  test.each([
    ["a ReadableStream", (text: string) => new Blob([text]).stream()],
    ["an async iterable", (text: string) => ReadableStream.from([Buffer.from(text)]).values()],
    ["bytes", (text: string) => Buffer.from(text)],
  ])("%s is uploaded with a name and options", async (name, sourceOf) => {
    const batch = await clientOf().uploadBatch(sourceOf(`note\n${name}\n`), {
      filename: "notes.csv",
      target: "records",
    });
    expect(batch).toMatchObject({ filename: "notes.csv", target: "records", counts: { total: 1 } });
  });

  test("a file that is too large is refused with the limit, however large it is, and the memory stays flat", async () => {
    const client = clientOf();
    await using file = await fileOf("title,author\n", 3_000_000_000);
    const before = process.memoryUsage.rss();
    for (const onProgress of [undefined, () => {}]) {
      const upload = client.uploadBatch(await openFile(file.path), onProgress ? { onProgress } : {});
      await expect(upload).rejects.toMatchObject({ status: 413, code: "too_large" });
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(500_000_000);
  });

  test("an upload that is aborted leaves no batch", async () => {
    const client = clientOf();
    const controller = new AbortController();
    const { promise: isReceiving, resolve: received } = Promise.withResolvers<void>();
    const endless = (async function* () {
      yield Buffer.from("title,author\nEmma,Jane Austen\n");
      received();
      await new Promise((_, reject) =>
        controller.signal.addEventListener("abort", () => reject(new Error("cut"))),
      );
    })();
    const upload = client.uploadBatch(endless, { signal: controller.signal, filename: "aborted.csv" });
    await isReceiving;
    controller.abort(new Error("enough"));
    await expect(upload).rejects.toThrow("enough");
    await until("the batch is gone", async () => {
      const names = await Array.fromAsync(client.list("/api/v1/batches"), ({ filename }) => filename);
      return !names.includes("aborted.csv");
    });
  });
});

test("a file is uploaded for a task, and the task is followed to its end", async () => {
  const client = clientOf();
  await using file = await fileOf("title\nEmma\n");
  const stored = await client.uploadFile(await openFile(file.path, "emma.csv"), { path: "/in/emma.csv" });
  expect(stored).toMatchObject({ name: "emma.csv", path: "/in/emma.csv" });
  const { id } = await client.post("/api/v1/tasks", { body: { type: "document", file_id: stored.id } });
  expect(await client.waitForTask(id)).toMatchObject({ status: "completed", progress: 100 });
});

test("an answer that is lost does not create a second task", async () => {
  let attempts = 0;
  const client = createClient({
    baseUrl: rowmill.url,
    token: user.token,
    fetch: async (...request) => {
      const response = await fetch(...request);
      attempts++;
      if (attempts > 1) return response;
      await response.body?.cancel();
      throw new TypeError("the connection failed");
    },
  });
  const task = await client.post("/api/v1/tasks", { body: { type: "generic", title: "once" } });
  expect(attempts).toBe(2);
  const found = await Array.fromAsync(
    client.list("/api/v1/tasks", { query: { search: "once" } }),
    ({ id }) => id,
  );
  expect(found).toEqual([task.id]);
});
