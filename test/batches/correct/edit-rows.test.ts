import { describe, expect, test } from "vitest";
import { replaceCells } from "../../../src/batches/correct/replace-cells.ts";
import type { ErrorGroupsView } from "../../../src/batches/results/views.ts";
import type { RowDetail, RowView } from "../../../src/batches/row-views.ts";
import { command, deliverChunk } from "../../support/batches.ts";
import type { Client, Problem } from "../../support/client.ts";
import { importFile } from "../../support/imports.ts";
import { testOnOneServer } from "../../support/one-server.ts";
import { explaining } from "../../support/plans.ts";
import { asUser } from "../../support/rowmill.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

interface Edited {
  readonly matched: number;
  readonly changed: number;
  readonly samples: { row: number; before: string; after: string }[];
  readonly next_row: number | null;
}

const rowmill = useRowmill({ settings: { CELL_MAX_BYTES: "1000" } });
const user = useUserPerTest(rowmill);

/** Rows 2 and 4 fail because of their empty title, row 5 because of its empty author, and row 6 is not valid CSV. */
const FILE = "title,author,description\n,A;B,x;y\nEmma,Austen;,z;\n,a;b,\nDracula,,q;\n,C;D,e;f,g;h\n";

async function ended(content = FILE): Promise<string> {
  const { body } = await user.upload(content);
  await deliverChunk(rowmill.ctx, body.id);
  return body.id;
}

const edit = <T = Edited>(id: string, body: object, client: Client = user) =>
  client.post<T>(`/api/v1/batches/${id}/rows/edit`, body);

const cells = async (id: string) =>
  (await user.rows(id)).map(({ fields: { title, author, description } }) =>
    [title, author, description].join("|"),
  );

const rowOf = async (id: string, row: number) =>
  (await user.get<RowDetail>(`/api/v1/batches/${id}/rows/${row}`)).body;

describe("find and replace", () => {
  test("it counts first, changes failed rows alone, keeps the old cells, and the rows can be retried", async () => {
    const id = await ended();
    const body = { column: "author", find: ";", replace: " & " };
    const before = await cells(id);
    const preview = await edit(id, body);
    expect([preview.status, preview.body]).toEqual([
      200,
      {
        matched: 2,
        changed: 0,
        samples: [
          { row: 2, before: "A;B", after: "A & B" },
          { row: 4, before: "a;b", after: "a & b" },
        ],
        next_row: null,
      },
    ]);
    expect(await cells(id)).toEqual(before);
    const wrong = await edit<Problem>(id, { ...body, expect: 3 });
    expect([wrong.status, wrong.body.detail]).toEqual([
      409,
      "`expect` is 3, but 2 match. To change all of them, send 2 as `expect`.",
    ]);
    expect((await edit(id, { ...body, expect: 2 })).body).toMatchObject({ matched: 2, changed: 2 });
    expect(await cells(id)).toEqual(["|A & B|x;y", "Emma|Austen;|z;", "|a & b|", "Dracula||q;", "|C;D|e;f"]);
    expect((await rowOf(id, 2)).history).toMatchObject([{ event: "edited", fields: { author: "A;B" } }]);

    const titles = { column: "title", find: "", replace: "Untitled", match: "whole_cell", expect: 2 };
    expect((await edit(id, titles)).body.changed).toBe(2);
    await command(user, id, "retry", { rows: [2, 4] });
    await deliverChunk(rowmill.ctx, id);
    expect((await rowOf(id, 2)).status).toBe("success");
  });

  test.each([
    [{ find: "B", replace: "x" }, ["A;x"]],
    [{ find: "b", replace: "x", ignore_case: true }, ["A;x", "a;x"]],
    [{ find: "a;b", replace: "x", match: "whole_cell" }, ["x"]],
    [{ find: "a;b", replace: "$&$1", match: "whole_cell", ignore_case: true }, ["$&$1", "$&$1"]],
    [{ find: "a.b", replace: "x", ignore_case: true }, []],
    [{ find: ";", replace: "", filter: { error_code: "required", error_column: "title" } }, ["AB", "ab"]],
    [{ find: ";", replace: "", filter: { error_column: "author" } }, []],
    [{ find: ";", replace: "", filter: { from_row: 3 } }, ["ab"]],
    [{ find: ";", replace: "", filter: { to_row: 3 } }, ["AB"]],
  ])("it finds the text as the request says: case %#", async (body, after) => {
    const id = await ended();
    const { body: found } = await edit(id, { column: "author", ...body });
    expect(found.samples.map((sample) => sample.after)).toEqual(after);
    expect(found.matched).toBe(after.length);
  });

  test("it also finds unprocessed rows if they are asked for", async () => {
    const { body: batch } = await user.upload(FILE);
    await command(user, batch.id, "cancel");
    const body = { column: "author", find: ";", replace: "" };
    expect((await edit(batch.id, body)).body.matched).toBe(0);
    const all = { ...body, filter: { unprocessed: true } };
    expect((await edit(batch.id, all)).body.matched).toBe(3);
    expect((await edit(batch.id, { ...all, expect: 3 })).body.changed).toBe(3);
  });

  test("a request whose time is up says where to continue", async () => {
    const id = await ended();
    const filter = { unprocessed: false, fromRow: 3, toRow: 9 };
    const replacement = {
      column: "author",
      find: ";",
      replace: "",
      match: "contains" as const,
      ignoreCase: false,
      filter,
    };
    const ctx = asUser(rowmill.ctx, user.userId);
    expect(await replaceCells(ctx, user.userId, id, replacement, 0)).toMatchObject({
      matched: 0,
      nextRow: 3,
    });
  });

  testOnOneServer("it reads each row by its number", async () => {
    const id = await ended();
    await using plans = await explaining(asUser(rowmill.ctx, user.userId));
    const replacement = {
      column: "author",
      find: ";",
      replace: "",
      match: "contains" as const,
      ignoreCase: false,
    };
    const filter = {
      unprocessed: false,
      cause: { code: "required", column: "title" },
      fromRow: 1,
      toRow: 1000,
    };
    await replaceCells(plans, user.userId, id, { ...replacement, filter, expect: 2 }, 30);
    expect(plans.scans("batch_rows")).toEqual(["batch_rows_batch_id_row_number_pk (batch_id, row_number)"]);
    expect(plans.scans("row_results")).toEqual(["row_results_failed (batch_id, row_number)"]);
  });

  test.each([
    [{ column: "isbn", find: "a", replace: "" }, "column"],
    [{ find: "a", replace: "" }, "column"],
    [{ column: "title", replace: "" }, "find"],
    [{ column: "title", find: "a" }, "replace"],
    [{ column: "title", find: "", replace: "x" }, "find"],
    [{ column: "title", find: "x".repeat(201), replace: "" }, "find"],
    [{ column: "author", find: ";", replace: "x".repeat(999) }, "replace"],
    [
      { column: "title", find: "a", replace: "", filter: { unprocessed: true, error_code: "required" } },
      "filter",
    ],
    [{ column: "title", find: "a", replace: "", filter: { rows: 1 } }, "filter"],
    [{ column: "title", rows: [{ row: 2, fields: { title: "x" } }] }, "column"],
  ])("an invalid replacement is refused with its field: case %#", async (body, field) => {
    const id = await ended();
    const { status, body: problem } = await edit<Problem>(id, body);
    expect([status, Object.keys(problem.field_errors)]).toEqual([400, [field]]);
  });

  test("a batch of somebody else answers 404, and one that is processing 409", async () => {
    const { body: batch } = await user.upload(FILE);
    const body = { column: "author", find: ";", replace: "" };
    expect((await edit(batch.id, body)).status).toBe(409);
    expect((await edit(batch.id, body, await rowmill.newUser())).status).toBe(404);
    expect((await edit(batch.id, { rows: [{ row: 2, fields: { title: "x" } }] })).status).toBe(409);
  });
});

describe("pasted rows", () => {
  test("all rows change, and their history keeps the old cells", async () => {
    const id = await ended();
    const rows = [
      { row: 6, fields: { title: "Repaired", description: "" } },
      { row: 2, fields: { title: "First" } },
      { row: 4, fields: { author: "a;b" } },
    ];
    const { status, body } = await edit(id, { rows });
    expect([status, body]).toEqual([200, { matched: 3, changed: 2, samples: [], next_row: null }]);
    expect(await cells(id)).toEqual([
      "First|A;B|x;y",
      "Emma|Austen;|z;",
      "|a;b|",
      "Dracula||q;",
      "Repaired|C;D|",
    ]);
    expect((await rowOf(id, 6)).history).toMatchObject([{ event: "edited", fields: { _extra: "g;h" } }]);
    expect((await rowOf(id, 4)).history).toEqual([]);
  });

  test.each([
    [[{ row: 99, fields: { title: "x" } }], "rows.1.row", "The batch has no row 99."],
    [
      [{ row: 3, fields: { title: "x" } }],
      "rows.1.row",
      "Row 3 has succeeded. Only failed and unprocessed rows can be edited.",
    ],
    [[{ row: 2, fields: { title: "x" } }], "rows.1.row", "Row 2 occurs twice."],
    [
      [{ row: 4, fields: { isbn: "x" } }],
      "rows.1.fields.isbn",
      "Row 4: unknown column. Columns of the file: title, author, description.",
    ],
    [
      [{ row: 4, fields: { title: "x".repeat(1001) } }],
      "rows.1.fields.title",
      "Row 4: the cell exceeds 1000 bytes (CELL_MAX_BYTES).",
    ],
  ])("one wrong row changes nothing and is named: case %#", async (rows, field, message) => {
    const id = await ended();
    const before = await cells(id);
    const { status, body } = await edit<Problem>(id, { rows: [{ row: 2, fields: { title: "x" } }, ...rows] });
    expect([status, body.field_errors]).toEqual([400, { [field]: [message] }]);
    expect(await cells(id)).toEqual(before);
  });

  test("a thousand rows are one request, and one more is refused", async () => {
    const id = await importFile(rowmill, user, `title,author\n${",A\n".repeat(1001)}`);
    const rows = Array.from({ length: 1001 }, (_, at) => ({ row: at + 2, fields: { title: `T${at}` } }));
    expect((await edit<Problem>(id, { rows })).status).toBe(400);
    expect((await edit(id, { rows: rows.slice(1) })).body.changed).toBe(1000);
  });
});

describe("the list of rows", () => {
  const list = async (id: string, query: string) => {
    const { status, body } = await user.get<{ items: RowView[]; next_cursor: string | null }>(
      `/api/v1/batches/${id}/rows?${query}`,
    );
    return { status, rows: body.items?.map(({ row }) => row), next: body.next_cursor };
  };

  test("it begins at a row, and its later pages continue", async () => {
    const id = await ended();
    expect((await list(id, "from_row=4")).rows).toEqual([4, 5, 6]);
    const first = await list(id, "from_row=3&limit=2");
    expect(first.rows).toEqual([3, 4]);
    expect((await list(id, `from_row=3&limit=2&cursor=${first.next}`)).rows).toEqual([5, 6]);
    expect((await list(id, "status=failed&from_row=3")).rows).toEqual([4, 5, 6]);
    expect((await list(id, "from_row=0")).status).toBe(400);
  });

  test("each group of errors links to its rows", async () => {
    const id = await ended();
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.row_results SET errors = NULL WHERE batch_id = $1 AND row_number = 6",
      [id],
    );
    const { body } = await user.get<ErrorGroupsView>(`/api/v1/batches/${id}/errors`);
    for (const { rows, rows_url: url } of body.groups)
      expect((await user.get<{ items: RowView[] }>(url)).body.items.map(({ row }) => row)).toEqual(rows);
    expect(body.groups.map(({ rows }) => rows)).toEqual([[2, 4], [5], [6]]);
    expect((await list(id, "error_code=required")).rows).toEqual([2, 4, 5]);
    expect((await list(id, "error_column=author&limit=1")).rows).toEqual([5]);
    expect((await list(id, "error_column=")).rows).toEqual([6]);
    expect((await list(id, "error_code=required&status=success")).status).toBe(400);
  });
});
