import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";

let rowmill: Rowmill;
beforeAll(async () => {
  rowmill = await startRowmill();
  await rowmill.startWorker();
});
afterAll(() => rowmill[Symbol.asyncDispose]());

describe("an upload", () => {
  test("becomes a batch whose rows are books", async () => {
    const user = await rowmill.newUser();
    const accepted = await user.upload(
      "title,author,description\nUlysses,James Joyce,A day in Dublin\nEmma,Jane Austen,\n",
    );
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get("location")).toBe(`/api/v1/batches/${accepted.body.id}`);
    const batch = await user.finished(accepted.body.id);
    expect(batch.state).toBe("completed");
    expect(batch.counts).toEqual({ total: 2, pending: 0, processing: 0, success: 2, failed: 0 });
    const rows = await user.rows(batch.id);
    expect(rows.map(({ row, status, fields }) => [row, status, fields.title])).toEqual([
      [2, "success", "Ulysses"],
      [3, "success", "Emma"],
    ]);
    const books = await user.get<{ items: object[] }>("/api/v1/books");
    expect(books.body.items).toEqual([
      {
        id: rows[0]?.record_id,
        title: "Ulysses",
        author: "James Joyce",
        description: "A day in Dublin",
        picture: null,
        picture_url: null,
      },
      {
        id: rows[1]?.record_id,
        title: "Emma",
        author: "Jane Austen",
        description: "",
        picture: null,
        picture_url: null,
      },
    ]);
  });
});
