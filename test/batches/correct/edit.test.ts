import { describe, expect, test } from "vitest";
import type { RowDetail } from "../../../src/batches/row-views.ts";
import { command, deliverChunk, deliverWhole } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import type { Answer, Client, Problem } from "../../support/client.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowOf = async (user: Client, batchId: string, row: number) =>
  (await user.get<RowDetail>(`/api/v1/batches/${batchId}/rows/${row}`)).body;

function edit<T = RowDetail>(user: Client, batchId: string, row: number, body: object): Promise<Answer<T>> {
  return user.send<T>("PATCH", `/api/v1/batches/${batchId}/rows/${row}`, {
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
}

/** A batch of one chunk that has ended. */
async function ended({ ctx }: Rowmill, user: Client, content: string, options = ""): Promise<string> {
  const { body } = await user.upload(content, `/api/v1/batches?target=books${options}`);
  await deliverChunk(ctx, body.id);
  return body.id;
}

/** For the tests that need none of their own. */
const rowmill = useRowmill();

describe("a correction", () => {
  test("editing a row changes the named cells, keeps the old ones in the history and runs with the retry", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.client.signUp("ada");
    const id = await ended(
      rowmill,
      user,
      "title,author,description\n,Mary Shelley,A monster\nEmma,Austen,\n",
    );
    const before = await rowOf(user, id, 2);
    const { status, body: edited } = await edit(user, id, 2, { fields: { title: "Frankenstein" } });
    expect(status).toBe(200);
    expect(edited.fields).toEqual({
      title: "Frankenstein",
      author: "Mary Shelley",
      description: "A monster",
    });
    // Until it has run again it is what it was.
    expect(edited).toMatchObject({ status: "failed", error_code: "required" });
    expect(edited.history).toEqual([
      { event: "edited", at: expect.any(String), edited_by: "ada", fields: before.fields },
    ]);
    expect(await rowOf(user, id, 2)).toEqual(edited);

    await command(user, id, "rows/2/retry");
    await deliverChunk(rowmill.ctx, id);
    const fixed = await rowOf(user, id, 2);
    expect(fixed).toMatchObject({ status: "success", attempts: 2 });
    expect(fixed.history.map(({ event }) => event)).toEqual(["edited", "failed"]);
    const { body: book } = await user.get(`/api/v1/books/${fixed.record_id}`);
    expect(book).toMatchObject({ title: "Frankenstein", author: "Mary Shelley", description: "A monster" });
    expect((await user.batch(id)).body.state).toBe("completed");
  });

  test("editing a row again keeps each version", async () => {
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author\n,One\n");
    await edit(user, id, 2, { fields: { author: "Two" } });
    await edit(user, id, 2, { fields: { author: "Three" } });
    const { history, fields } = await rowOf(user, id, 2);
    expect(history.map((event) => "fields" in event && event.fields.author)).toEqual(["One", "Two"]);
    expect(fields.author).toBe("Three");
  });

  test("editing repairs a row with too many or too few fields", async () => {
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author,description\nWar, and Peace,Tolstoy,Long,x\nEmma\n");
    expect((await user.rows(id)).map(({ row, error_code }) => [row, error_code])).toEqual([
      [2, "malformed"],
      [3, "required"],
    ]);
    const { body } = await edit(user, id, 2, {
      fields: { title: "War, and Peace", author: "Tolstoy", description: "Long" },
    });
    expect(body.fields).toEqual({ title: "War, and Peace", author: "Tolstoy", description: "Long" });
    expect(body.history).toMatchObject([{ event: "edited", fields: { title: "War", _extra: "Long" } }]);
    await edit(user, id, 3, { fields: { author: "Jane Austen" } });
    await command(user, id, "retry");
    await deliverChunk(rowmill.ctx, id);
    expect((await user.batch(id)).body.state).toBe("completed");
    const { body: books } = await user.get<{ items: { title: string; author: string }[] }>("/api/v1/books");
    expect(books.items.map(({ title, author }) => [title, author]).sort()).toEqual([
      ["Emma", "Jane Austen"],
      ["War, and Peace", "Tolstoy"],
    ]);
  });

  test("an edited row of a cancelled batch runs when the batch continues", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\nEma,Austen\n");
    await command(user, batch.id, "cancel");
    const { body } = await edit(user, batch.id, 2, { fields: { title: "Emma" } });
    expect(body).toMatchObject({ status: "unprocessed", fields: { title: "Emma" } });
    await command(user, batch.id, "retry", { unprocessed: true });
    await deliverChunk(rowmill.ctx, batch.id);
    expect((await rowOf(user, batch.id, 2)).status).toBe("success");
    expect((await user.get("/api/v1/books")).body.items).toMatchObject([{ title: "Emma" }]);
  });

  test("an edited row of a dry run is checked again and then committed", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(
      "title,author\n,Austen\nDracula,Stoker\n",
      "/api/v1/batches?target=books&dry_run=true",
    );
    await deliverWhole(rowmill.ctx, batch.id);
    await edit(user, batch.id, 2, { fields: { title: "Emma" } });
    await command(user, batch.id, "retry");
    await deliverWhole(rowmill.ctx, batch.id);
    expect((await user.batch(batch.id)).body).toMatchObject({ state: "validated", records: { created: 2 } });
    await command(user, batch.id, "commit");
    await deliverChunk(rowmill.ctx, batch.id);
    expect((await user.batch(batch.id)).body).toMatchObject({ state: "completed", counts: { success: 2 } });
  });

  test("a cell that the target cannot store fails with a reason and can be edited again", async () => {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author\n,Austen\n");
    const { status, body } = await edit(user, id, 2, { fields: { title: "Em\u0000ma" } });
    expect([status, body.fields.title]).toEqual([200, "Em\u0000ma"]);
    await command(user, id, "retry");
    await deliverChunk(rowmill.ctx, id);
    expect(await rowOf(user, id, 2)).toMatchObject({ status: "failed", error_code: "invalid_character" });
    await edit(user, id, 2, { fields: { title: "Emma \ud83d\udcd6 \ud800" } });
    await command(user, id, "retry");
    await deliverChunk(rowmill.ctx, id);
    const lone = await rowOf(user, id, 2);
    expect(["success", "failed"]).toContain(lone.status);
    expect((await user.rows(id)).length).toBe(1);
  });
});

describe("a correction is refused", () => {
  const rowmill = useRowmill({ settings: { CELL_MAX_BYTES: "1000" } });

  test.each([
    [{ fields: { Title: "Emma" } }, 400, "fields.Title"],
    [{ fields: { isbn: "1" } }, 400, "fields.isbn"],
    [{ fields: { title: "Emma", isbn: "1" } }, 400, "fields.isbn"],
    [{ fields: {} }, 400, "fields"],
    [{}, 400, "fields"],
    [{ fields: "Emma" }, 400, "fields"],
    [{ fields: { title: { a: 1 } } }, 400, "fields.title"],
    [{ fields: { title: "x".repeat(1001) } }, 400, "fields.title"],
    [{ fields: { title: "€".repeat(334) } }, 400, "fields.title"],
  ])("an invalid edit is refused with its field: case %#", async (body, status, field) => {
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author\n,Austen\n");
    const before = await rowOf(user, id, 2);
    const answer = await edit<Problem>(user, id, 2, body);
    expect([answer.status, Object.keys(answer.body.field_errors)]).toEqual([status, [field]]);
    expect(await rowOf(user, id, 2)).toEqual(before);
  });

  test("an edit over the body limit answers 413", async () => {
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author\n,Austen\n");
    expect((await edit(user, id, 2, { fields: { title: "x".repeat(100_000) } })).status).toBe(413);
  });

  test("a refused edit names the columns and the cell limit", async () => {
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author\n,Austen\n");
    const unknown = await edit<Problem>(user, id, 2, { fields: { isbn: "1" } });
    expect(unknown.body.detail).toBe("fields.isbn: Unknown column. Columns of the file: title, author.");
    const large = await edit<Problem>(user, id, 2, { fields: { title: "x".repeat(1001) } });
    expect(large.body.detail).toBe("fields.title: The cell exceeds 1000 bytes (CELL_MAX_BYTES).");
  });

  test("editing a successful row answers 409, and an unknown one 404", async () => {
    const user = await rowmill.newUser();
    const id = await ended(rowmill, user, "title,author\n,Austen\nDracula,Stoker\n");
    const succeeded = await edit<Problem>(user, id, 3, { fields: { title: "Emma" } });
    expect([succeeded.status, succeeded.body.detail]).toEqual([
      409,
      "Row 3 has succeeded. Only failed and unprocessed rows can be edited.",
    ]);
    expect((await edit(user, id, 4, { fields: { title: "Emma" } })).status).toBe(404);
    expect((await edit(user, id, 1, { fields: { title: "Emma" } })).status).toBe(404);
    expect((await edit(user, id, 0, { fields: { title: "Emma" } })).status).toBe(400);
  });

  test("editing a row of a running or paused batch answers 409", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(45, 5));
    await deliverChunk(rowmill.ctx, batch.id);
    const [failed] = await user.rows(batch.id, "failed");
    const answer = await edit<Problem>(user, batch.id, failed?.row ?? 0, { fields: { title: "Emma" } });
    expect([answer.status, answer.body.detail]).toEqual([
      409,
      "A batch that is processing cannot be corrected. Only a completed_with_errors, failed, cancelled, or validated batch can.",
    ]);
    await command(user, batch.id, "pause");
    expect((await edit(user, batch.id, 2, { fields: { title: "Emma" } })).status).toBe(409);
  });
});
