import { beforeAll, describe, expect, test } from "vitest";
import { newBatchId, rowIdOf } from "../../src/batches/ids.ts";
import { books, HEADER, uploaded } from "../support/batch-reads.ts";
import type { Client, Problem } from "../support/client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

describe("access to batches", () => {
  const owner = useUser(rowmill);
  const stranger = useUser(rowmill);
  let batchId: string;
  beforeAll(async () => {
    batchId = await uploaded(owner, HEADER + books(5));
  });

  const pathsOf = (id: string) => [
    `/api/v1/batches/${id}`,
    `/api/v1/batches/${id}/rows`,
    `/api/v1/batches/${id}/rows?status=failed`,
    `/api/v1/batches/${id}/rows/2`,
    `/batch-status/?batch_id=${id}`,
    `/task-status/?task_id=${id.length === 36 ? rowIdOf(id, 2) : id}`,
  ];

  async function statuses(client: Client, id: string) {
    const found: [string, number][] = [];
    for (const path of pathsOf(id)) {
      const { status, body } = await client.get<Problem>(path);
      if (status !== 200) expect(body.detail).not.toBe("");
      found.push([path, status]);
    }
    return found;
  }
  const all = (id: string, status: number) => pathsOf(id).map((path) => [path, status]);

  test("the owner can read a batch and its rows", async () => {
    expect(await statuses(owner, batchId)).toEqual(all(batchId, 200));
  });

  test("a batch id may be in upper case", async () => {
    const id = batchId.toUpperCase();
    expect(await statuses(owner, id)).toEqual(all(id, 200));
    expect((await owner.batch(id)).body.id).toBe(batchId);
  });

  test("another user's batch answers 404", async () => {
    expect(await statuses(stranger, batchId)).toEqual(all(batchId, 404));
  });

  test("another user's batch answers exactly like an unknown one", async () => {
    const theirs = await stranger.get<Problem>(`/api/v1/batches/${batchId}`);
    const none = await stranger.get<Problem>(`/api/v1/batches/${newBatchId(new Date())}`);
    expect(theirs.body).toEqual(none.body);
  });

  test("an unknown batch answers 404", async () => {
    const id = newBatchId(new Date());
    expect(await statuses(owner, id)).toEqual(all(id, 404));
  });

  test.each(["1", "none", "x".repeat(36), "550e8400-e29b-41d4-a716-44665544000g", "%00", "null"])(
    "%j is no id: 400",
    async (id) => {
      for (const path of [
        `/api/v1/batches/${id}`,
        `/api/v1/batches/${id}/rows`,
        `/batch-status/?batch_id=${id}`,
        `/task-status/?task_id=${id}`,
      ])
        expect([path, (await owner.get<Problem>(path)).status]).toEqual([path, 400]);
    },
  );

  test("a UUID written as a URN answers 400", async () => {
    for (const path of [
      `/api/v1/batches/urn:uuid:${batchId}`,
      `/batch-status/?batch_id=urn:uuid:${batchId}`,
      `/task-status/?task_id=urn:uuid:${rowIdOf(batchId, 2)}`,
    ])
      expect([path, (await owner.get<Problem>(path)).status]).toEqual([path, 400]);
  });

  test.each([
    ["1", 404],
    ["7", 404],
    ["2147483647", 404],
    ["2147483648", 400],
    ["0", 400],
    ["-1", 400],
    ["1.5", 400],
    ["two", 400],
  ])("row %s answers %i", async (row, status) => {
    expect((await owner.get(`/api/v1/batches/${batchId}/rows/${row}`)).status).toBe(status);
  });

  test("the task ids of the header and of the batch answer 404", async () => {
    for (const id of [batchId, rowIdOf(batchId, 1), rowIdOf(batchId, 7), `${batchId.slice(0, -8)}ffffffff`])
      expect([id, (await owner.get(`/task-status/?task_id=${id}`)).status]).toEqual([id, 404]);
  });

  test.each([
    "limit=0",
    "limit=1001",
    "limit=ten",
    "limit=1.5",
    "cursor=nonsense",
    "cursor=",
    `cursor=${"x".repeat(101)}`,
    `cursor=${Buffer.from("-1").toString("base64url")}`,
    "status=done",
    "status=",
  ])("rows?%s answers 400", async (query) => {
    const { status, body } = await owner.get<Problem>(`/api/v1/batches/${batchId}/rows?${query}`);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([query.split("=")[0]]);
  });

  test.each(["limit=0", "limit=1001", "cursor=nonsense", `cursor=${Buffer.from("7").toString("base64url")}`])(
    "batches?%s: 400",
    async (query) => {
      expect((await owner.get<Problem>(`/api/v1/batches?${query}`)).status).toBe(400);
    },
  );

  test.each(["2147483647", "2147483648", "999999999999999"])(
    "a cursor made up to name row %s is refused or finds nothing",
    async (row) => {
      const cursor = Buffer.from(row).toString("base64url");
      for (const path of [
        `/api/v1/batches/${batchId}/rows?cursor=${cursor}`,
        `/api/v1/batches/${batchId}/rows?status=failed&cursor=${cursor}`,
        `/api/v1/batches/${batchId}/rows?status=pending&cursor=${cursor}`,
        `/batch-status/?batch_id=${batchId}&cursor=${cursor}`,
      ]) {
        const { status, body } = await owner.get<{ items?: object[]; tasks?: object[] }>(path);
        expect([path, status < 500]).toEqual([path, true]);
        expect(body.items ?? body.tasks ?? []).toEqual([]);
      }
    },
  );
});
