import { expect, test } from "vitest";
import { removeDeadFiles } from "../../src/files/remove-files.ts";
import { count } from "../support/count.ts";
import { startPrograms } from "../support/processes.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { until } from "../support/until.ts";

test("a file whose API was killed during the upload is never listed and is removed", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const killed = await rowmill.startApi();
  const other = await rowmill.startApi();
  const user = await killed.client.signUp("reader");
  using upload = new SlowUpload(user, "/api/v1/files?path=/slow.txt");
  await upload.send("x".repeat(3_000_000));
  const stored = () => count(pool, "SELECT count(*) FROM rowmill.file_chunks");
  await until("a chunk is stored", async () => (await stored()) > 0);
  await killed.program.kill();
  expect(await upload.answer).toBeNull();

  const userElsewhere = other.clientOf(user);
  expect((await userElsewhere.get("/api/v1/files")).body).toEqual({ items: [], next_cursor: null });
  // Its path is free at once, and the client sends it again.
  const fields = { path: "/slow.txt", file: Buffer.from("again") };
  expect((await userElsewhere.form("POST", "/api/v1/files", fields)).status).toBe(201);

  expect(await removeDeadFiles(rowmill.ctx)).toBe(0);
  const inTenMinutes = () => new Date(Date.now() + 600_000);
  expect(await removeDeadFiles({ ...rowmill.ctx, now: inTenMinutes })).toBe(1);
  expect([await count(pool, "SELECT count(*) FROM rowmill.files"), await stored()]).toEqual([1, 1]);
});
