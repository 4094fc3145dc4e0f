/** Names that users choose appear in answers and are checked in requests, whatever characters they have. */
import { expect, test } from "vitest";
import type { RowDetail } from "../../../src/batches/row-views.ts";
import type { TaskView } from "../../../src/tasks/views.ts";
import { deliverChunk } from "../../support/batches.ts";
import { readDocument } from "../../support/document.ts";
import { createOfflineApp } from "../../support/offline-app.ts";
import { makeTask } from "../../support/task-client.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

const TITLE = "Book \ntitle";
const AUTHOR = "Book\r author";
const NOTE = "a\u2028b\u2029c";
const NAMES = [TITLE, AUTHOR, NOTE, "__proto__", "constructor"];

test("a row, its history and the mapping of its batch keep names with line breaks", async () => {
  const user = await rowmill.newUser();
  const mapping = JSON.stringify({ [TITLE]: "title", [AUTHOR]: "author", [NOTE]: "description" });
  const header = NAMES.map((name) => `"${name}"`).join(",");
  const { status, body: batch } = await user.upload(
    `${header}\n,Austen,x,y,z\n`,
    `/api/v1/batches?mapping=${encodeURIComponent(mapping)}`,
  );
  expect([status, batch]).toMatchObject([202, { header: NAMES }]);
  expect(batch.mapping).toEqual({ title: TITLE, author: AUTHOR, description: NOTE });
  await deliverChunk(rowmill.ctx, batch.id);
  const path = `/api/v1/batches/${batch.id}/rows/2`;
  const cells = { [TITLE]: "", [AUTHOR]: "Austen", [NOTE]: "x", ["__proto__"]: "y", constructor: "z" };
  const { body: row } = await user.get<RowDetail>(path);
  expect(Object.entries(row.fields)).toEqual(Object.entries(cells));
  const edit = (body: object) =>
    user.send<RowDetail>("PATCH", path, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  expect(await edit({ fields: { [TITLE]: { no: 1 } } })).toMatchObject({ status: 400 });
  const edited = await edit({ fields: { [TITLE]: "Emma" } });
  expect([edited.status, edited.body.fields[TITLE]]).toEqual([200, "Emma"]);
  const history = edited.body.history.map((event) => (event.event === "edited" ? event.fields : null));
  expect(history.map((fields) => Object.entries(fields ?? {}))).toEqual([Object.entries(cells)]);
});

test("a record keeps names with line breaks", async () => {
  const user = await rowmill.newUser();
  const { body: batch } = await user.upload(`"${TITLE}","${NOTE}"\n1,2\n`, "/api/v1/batches?target=records");
  await deliverChunk(rowmill.ctx, batch.id);
  const { body } = await user.get<{ items: { data: object }[] }>(`/api/v1/records?batch_id=${batch.id}`);
  expect(body.items.map(({ data }) => data)).toEqual([{ [TITLE]: "1", [NOTE]: "2" }]);
});

test("the metadata of a task keeps names with line breaks", async () => {
  const user = await rowmill.newUser();
  const metadata = { [TITLE]: 1, nested: { [NOTE]: [2] } };
  const { id } = await makeTask(user, { metadata });
  const { body: task } = await user.get<TaskView>(`/api/v1/tasks/${id}`);
  expect(task.metadata).toEqual(metadata);
});

test("no schema describes the keys of an object by a pattern, which would leave out those that do not match", async () => {
  const app = await createOfflineApp();
  const document = JSON.stringify(await readDocument(app));
  await app.close();
  expect(document).toContain('"additionalProperties":{');
  expect(document).not.toContain("patternProperties");
});
