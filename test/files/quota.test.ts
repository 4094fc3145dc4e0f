import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { QuotaExceeded } from "../../src/accounts/quotas.ts";
import { storeStream } from "../../src/files/store-stream.ts";
import type { Problem } from "../support/client.ts";
import { addTask, FILES, kept, sendFile, storedFile } from "../support/files.ts";
import { noise } from "../support/pictures.ts";
import { startRowmill } from "../support/rowmill.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const MiB = 2 ** 20;
const QUOTA = 5 * MiB;

const rowmill = useRowmill({ settings: { FILES_QUOTA_BYTES: String(QUOTA) } });

test("uploads may fill FILES_QUOTA_BYTES to the last byte", async () => {
  const user = await rowmill.newUser();
  const first = await storedFile(user, randomBytes(2 * MiB));
  const refused = await sendFile<Problem>(user, randomBytes(3 * MiB + 1));
  expect([refused.status, refused.body.code]).toEqual([413, "too_large"]);
  expect(refused.body.detail).toContain(
    `your quota of ${QUOTA} bytes (FILES_QUOTA_BYTES): ${2 * MiB} are used and ${3 * MiB} are left.`,
  );
  expect(await kept(rowmill, user.userId)).toEqual({ files: 1, chunks: 2 });
  expect((await sendFile(user, randomBytes(3 * MiB))).status).toBe(201);
  expect((await sendFile(user, "x")).status).toBe(413);
  expect((await sendFile(user, "")).status).toBe(201);
  await user.delete(`${FILES}/${first.id}`);
  expect((await sendFile(user, "x")).status).toBe(201);
});

test("an upload of unknown length is refused as soon as it exceeds the quota", async () => {
  const user = await rowmill.newUser();
  let sent = 0;
  async function* body() {
    yield new Uint8Array(
      Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'),
    );
    for (; sent < 200 * MiB; sent += MiB) yield new Uint8Array(randomBytes(MiB));
    yield new Uint8Array(Buffer.from("\r\n--b--\r\n"));
  }
  const answer = await user
    .send<Problem>("POST", FILES, {
      headers: { "content-type": "multipart/form-data; boundary=b" },
      body: ReadableStream.from(body()),
      duplex: "half",
    })
    .catch((error: unknown) => error);
  // A client that goes on sending may be cut off before it reads the answer.
  if (!(answer instanceof Error)) expect(answer).toMatchObject({ status: 413, body: { code: "too_large" } });
  expect(sent).toBeLessThan(100 * MiB);
  expect(await kept(rowmill, user.userId)).toEqual({ files: 0, chunks: 0 });
});

test("of concurrent uploads, as many are accepted as fit into the quota", async () => {
  // The size of a file is known but for the 512 KiB that a form may take: a third upload may begin, and then be refused.
  await using rowmill = await startRowmill({ FILES_QUOTA_BYTES: String(11.75 * MiB) });
  const user = await rowmill.newUser();
  const answers = await Promise.all([1, 2, 3, 4].map(() => sendFile<Problem>(user, randomBytes(4 * MiB))));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 413, 413]);
  expect(await kept(rowmill, user.userId)).toEqual({ files: 2, chunks: 8 });
});

test("parallel uploads of unknown length never hold more than the quota together", async () => {
  const user = await rowmill.newUser();
  const uploads = Array.from({ length: 8 }, () => new SlowUpload(user, FILES));
  const piece = "x".repeat(MiB);
  for (let sent = 0; sent < 3; sent++) {
    await Promise.all(uploads.map((upload) => upload.send(piece)));
    await until("all sent pieces are stored or refused", async () => {
      const { rows } = await rowmill.ctx.pool.query<{ reserved: number; stored: number }>(
        `SELECT (SELECT coalesce(sum(bytes), 0)::int FROM rowmill.files WHERE user_id = $1) AS reserved,
          (SELECT coalesce(sum(length(c.bytes)), 0)::int FROM rowmill.file_chunks c JOIN rowmill.files ON id = file_id
            WHERE user_id = $1) AS stored`,
        [user.userId],
      );
      expect(rows[0]?.reserved).toBeLessThanOrEqual(QUOTA);
      expect(rows[0]?.stored).toBeLessThanOrEqual(QUOTA);
      return true;
    });
  }
  const answers = await Promise.all(uploads.map((upload) => upload.end()));
  const statuses = answers.flatMap((answer) => answer?.status ?? []);
  expect(statuses.filter((status) => status !== 201 && status !== 413)).toEqual([]);
  const { files, chunks } = await kept(rowmill, user.userId);
  expect(files).toBe(statuses.filter((status) => status === 201).length);
  expect(chunks).toBeLessThanOrEqual(QUOTA / MiB);
});

test("an upload that declares more than is left is refused before its body is received", async () => {
  const user = await rowmill.newUser();
  using upload = new SlowUpload(user, FILES, 6 * MiB);
  await upload.send("x");
  expect(await upload.answer).toMatchObject({ status: 413, body: { code: "too_large" } });
  using first = new SlowUpload(user, FILES, 4 * MiB);
  await first.send("x".repeat(1000));
  await until(
    "the first upload has reserved its size",
    async () => (await kept(rowmill, user.userId)).files === 1,
  );
  using second = new SlowUpload(user, FILES, 4 * MiB);
  await second.send("x");
  expect(await second.answer).toMatchObject({ status: 413, body: { code: "too_large" } });
});

test("the quota counts a user's results and pictures, and no other user's files", async () => {
  const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
  await storedFile(other, randomBytes(4 * MiB));
  const owner = {
    userId: user.userId,
    name: "out.bin",
    mediaType: "application/octet-stream",
    origin: "result",
    taskId: await addTask(rowmill, user.userId, "processing"),
  } as const;
  await storeStream(rowmill.ctx, owner, randomBytes(3 * MiB));
  await expect(storeStream(rowmill.ctx, owner, randomBytes(3 * MiB))).rejects.toThrow(QuotaExceeded);
  expect(await kept(rowmill, user.userId)).toEqual({ files: 1, chunks: 3 });

  const picture = await noise(900, 700).png({ compressionLevel: 0 }).toBuffer();
  const fields = { title: "Emma", author: "Jane Austen", picture };
  expect((await user.form("POST", "/api/v1/books", fields)).status).toBe(201);
  const { rows } = await rowmill.ctx.pool.query<{ bytes: number }>(
    "SELECT sum(bytes)::int AS bytes FROM rowmill.files WHERE user_id = $1",
    [user.userId],
  );
  const left = QUOTA - Number(rows[0]?.bytes);
  expect(left).toBeLessThan(2 * MiB);
  expect((await sendFile(user, randomBytes(left + 1))).status).toBe(413);
  expect((await sendFile(user, randomBytes(left))).status).toBe(201);
  const refused = await user.form<Problem>("POST", "/api/v1/books", { ...fields, title: "Persuasion" });
  expect([refused.status, refused.body.detail]).toEqual([413, expect.stringContaining("FILES_QUOTA_BYTES")]);
  const books = await user.get<{ items: object[] }>("/api/v1/books");
  expect(books.body.items).toHaveLength(1);
});

test("FILES_QUOTA_BYTES of 0 sets no limit", async () => {
  await using free = await startRowmill({ FILES_QUOTA_BYTES: "0" });
  expect((await sendFile(await free.newUser(), randomBytes(6 * MiB))).status).toBe(201);
});
