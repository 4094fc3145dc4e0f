/** Administrators define, change and delete targets. */
import { describe, expect, test } from "vitest";
import type { UploadedBatchView } from "../../../src/batches/views.ts";
import type { Definition } from "../../../src/targets/definition/definition.ts";
import type { Problem } from "../../support/client.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const admin = useAdmin(rowmill);
const user = useUser(rowmill);

const orders: Definition = {
  title: "Orders",
  destination: { type: "records" },
  locale: { decimal: ",", group: ".", date_order: "dmy" },
  columns: [
    {
      name: "number",
      label: "Order no.",
      aliases: ["bestellnr"],
      type: "text",
      required: true,
      max_length: 10,
    },
    { name: "total", type: "decimal", precision: 10, scale: 2 },
    { name: "placed", type: "date" },
    { name: "state", type: "enum", values: [{ value: "open", synonyms: ["offen"] }, { value: "done" }] },
  ],
  example_rows: [{ number: "A1", total: "1.250,00", placed: "31.12.2026", state: "offen" }],
};

let counter = 0;
async function define(definition: Definition = orders): Promise<string> {
  const name = `orders-${++counter}`;
  const { status, body } = await admin.post("/api/v1/targets", { name, ...definition });
  expect(status, JSON.stringify(body)).toBe(201);
  return name;
}

const upload = (csv: string, target: string, options: Record<string, string> = {}) =>
  user.upload<UploadedBatchView>(csv, `/api/v1/batches?${new URLSearchParams({ target, ...options })}`);

async function recordsOf(batchId: unknown): Promise<object[]> {
  const { body } = await user.get<{ items: { data: object }[] }>(`/api/v1/records?batch_id=${batchId}`);
  return body.items.map(({ data }) => data).toReversed();
}

describe("a defined target", () => {
  test("a version says who saved it, and a preview names the columns of the sample", async () => {
    const name = await define();
    const { body: stored } = await admin.get(`/api/v1/targets/${name}/definition`);
    expect(stored).toMatchObject({ version: 1, saved_by: "root" });
    const sample = { header: ["Bestellnr", "Other"], rows: [["A1", "x"]] };
    const { body: tested } = await admin.post("/api/v1/targets/preview", { definition: orders, sample });
    expect(tested).toMatchObject({ mapping: { number: "Bestellnr" }, unknown: ["Other"], succeeded: 1 });
  });

  test("it is listed with the types of its columns, and users can upload for it at once", async () => {
    const name = await define();
    const { body: target } = await user.get(`/api/v1/targets/${name}`);
    expect(target).toMatchObject({
      title: "Orders",
      version: 1,
      saved_at: expect.any(String),
      destination: "records",
      locale: { decimal: ",", group: ".", date_order: "dmy" },
      modes: ["insert"],
      default_mode: "insert",
      undo: true,
    });
    expect(target.columns).toMatchObject([
      {
        name: "number",
        label: "Order no.",
        type: "text",
        required: true,
        aliases: ["Order no.", "bestellnr"],
      },
      { name: "total", type: "decimal", required: false },
      { name: "placed", type: "date" },
      { name: "state", type: "enum", values: ["open", "done"] },
    ]);
    const { body: list } = await user.get<{ items: { name: string }[] }>("/api/v1/targets");
    expect(list.items.map((item) => item.name)).toContain(name);

    const csv = "Bestellnr;Total;Placed;State\nA1;1.250,50;31.12.2026;OFFEN\nA2;x;31.02.2026;lost\n";
    const { status, body: batch } = await upload(csv, name);
    expect(status).toBe(202);
    const ended = await user.finished(String(batch.id));
    expect(ended).toMatchObject({ state: "completed_with_errors", target: name, target_version: 1 });
    expect(await recordsOf(batch.id)).toEqual([
      { number: "A1", total: 1250.5, placed: "2026-12-31", state: "open" },
    ]);
    const { body: rows } = await user.get<{ items: { errors: { column: string; message: string }[] }[] }>(
      `/api/v1/batches/${batch.id}/rows?status=failed`,
    );
    expect(rows.items[0]?.errors.map(({ column }) => column)).toEqual(["total", "placed", "state"]);
    for (const { message } of rows.items[0]?.errors ?? []) expect(message).toMatch(/"(x|31\.02\.2026|lost)"/);
  });

  test("the template has its example rows", async () => {
    const name = await define();
    const { body } = await user.get<string>(`/api/v1/targets/${name}/template.csv`);
    expect(body).toContain("number,total,placed,state\n");
    expect(body).toContain('A1,"1.250,00",31.12.2026,offen');
  });

  test("an upload can have another locale, which its rows are read with", async () => {
    const name = await define();
    const locale = JSON.stringify({ decimal: ".", group: "", date_order: "ymd" });
    const { body: batch } = await upload("number,total,placed\nA1,12.5,2026-12-31\n", name, { locale });
    await user.finished(String(batch.id));
    expect(await recordsOf(batch.id)).toEqual([{ number: "A1", total: 12.5, placed: "2026-12-31" }]);
  });

  test.each([
    ["no JSON", "{", /is not JSON/],
    ["an unknown field", '{"decimals":","}', /decimals/],
    ["the same character twice", '{"decimal":".","group":"."}', /group/],
  ])("a locale with %s is refused", async (_, locale, message) => {
    const name = await define();
    const { status, body } = await upload("number\nA1\n", name, { locale });
    expect(status).toBe(400);
    expect((body as unknown as Problem).detail).toMatch(message);
  });

  test("a built-in target takes no locale", async () => {
    const { status, body } = await upload("title,author\nEmma,Austen\n", "books", { locale: "{}" });
    expect([status, Object.keys((body as unknown as Problem).field_errors)]).toEqual([400, ["locale"]]);
  });
});

describe("versions", () => {
  test("a batch keeps the version that it began with, also when its failed rows are retried", async () => {
    const name = await define();
    const { body: batch } = await upload('number,total\nA1,"1,5"\nA234567890123,1\n', name);
    await user.finished(String(batch.id));
    const columns = orders.columns.map((column) =>
      column.name === "number" ? { ...column, max_length: 100 } : column,
    );
    const { status, body: saved } = await admin.put(`/api/v1/targets/${name}`, {
      ...orders,
      columns,
      version: 1,
    });
    expect([status, saved.version]).toEqual([200, 2]);

    await user.post(`/api/v1/batches/${batch.id}/retry`, {});
    const ended = await user.finished(String(batch.id));
    expect(ended).toMatchObject({ target_version: 1, counts: { success: 1, failed: 1 } });
    const { body: second } = await upload('number,total\nA1,"1,5"\nA234567890123,1\n', name);
    expect(second.replayed).toBe(false);
    expect(await user.finished(String(second.id))).toMatchObject({
      target_version: 2,
      counts: { success: 2, failed: 0 },
    });
    const { body: first } = await admin.get(`/api/v1/targets/${name}/definition?version=1`);
    expect(first.definition).toEqual(orders);
  });

  test("of two changes that are based on the same version, the second is refused", async () => {
    const name = await define();
    const change = () => admin.put<Problem>(`/api/v1/targets/${name}`, { ...orders, version: 1 });
    const answers = await Promise.all([change(), change()]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body.detail).toMatch(/version 2 now/);
  });

  test("two administrators who create the same name at once get 201 and 409", async () => {
    const name = `orders-${++counter}`;
    const create = () => admin.post("/api/v1/targets", { name, ...orders });
    const answers = await Promise.all([create(), create(), create()]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });
});

describe("a deleted target", () => {
  test("uploads are refused, its batches can be retried and undone, and the name can be used again", async () => {
    const name = await define();
    const { body: batch } = await upload("number,total\nA1,1\nA2,x\n", name);
    await user.finished(String(batch.id));
    expect((await admin.delete(`/api/v1/targets/${name}`)).status).toBe(204);
    const { status, body } = await upload("number\nA9\n", name);
    expect([status, (body as unknown as Problem).detail]).toEqual([
      400,
      expect.stringMatching(/is not one of/),
    ]);
    expect((await user.get(`/api/v1/targets/${name}`)).status).toBe(404);

    await user.post(`/api/v1/batches/${batch.id}/retry`, {});
    await user.finished(String(batch.id));
    await user.post(`/api/v1/batches/${batch.id}/undo`);
    expect(await user.finished(String(batch.id))).toMatchObject({ state: "undone" });
    expect(await recordsOf(batch.id)).toEqual([]);

    const { status: created, body: again } = await admin.post("/api/v1/targets", { name, ...orders });
    expect([created, again.version]).toEqual([201, 2]);
  });
});

describe("who may upload", () => {
  const shut = { ...orders, permissions: { roles: [] } };

  test("a user without permission does not see the target, and named users do", async () => {
    const name = await define(shut);
    expect((await user.get(`/api/v1/targets/${name}`)).status).toBe(404);
    expect((await upload("number\nA1\n", name)).status).toBe(400);
    const { body: me } = await user.get<{ username: string }>("/api/v1/auth/me");
    await admin.put(`/api/v1/targets/${name}`, { ...shut, permissions: { roles: [], users: [me.username] } });
    expect((await user.get(`/api/v1/targets/${name}`)).status).toBe(200);
    expect((await upload("number\nA1\n", name)).status).toBe(202);
  });

  test("a user whose right has ended cannot have more rows written, and an administrator can", async () => {
    const name = await define();
    const { body: failed } = await upload("number,total\nA1,x\n", name);
    const { body: checked } = await upload("number\nA2\n", name, { dry_run: "true" });
    await user.finished(failed.id);
    await user.finished(checked.id);
    await admin.put(`/api/v1/targets/${name}`, { ...orders, permissions: { roles: ["operator"] } });

    const corrections = '_row,_status,_error_code,_error,_id,number,total\n2,failed,,,,A1,"1,5"\n';
    const answers = await Promise.all([
      user.post<Problem>(`/api/v1/batches/${failed.id}/retry`, {}),
      user.post<Problem>(`/api/v1/batches/${checked.id}/commit`),
      user.upload<Problem>(corrections, `/api/v1/batches/${failed.id}/corrections`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(answers[0]?.body.detail).toMatch(/may not upload for the target .* any more/);
    expect(await recordsOf(failed.id)).toEqual([]);

    await admin.put(`/api/v1/targets/${name}`, orders);
    expect((await user.post(`/api/v1/batches/${checked.id}/commit`)).status).toBe(200);
  });

  test("only administrators define targets and see definitions", async () => {
    const name = await define();
    const answers = await Promise.all([
      user.post("/api/v1/targets", { name: "mine", ...orders }),
      user.put(`/api/v1/targets/${name}`, orders),
      user.delete(`/api/v1/targets/${name}`),
      user.post(`/api/v1/targets/${name}/test`),
      user.post("/api/v1/targets/preview", { definition: orders }),
      user.get(`/api/v1/targets/${name}/definition`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
  });

  test("a file with more rows than the target allows is refused, and nothing is stored", async () => {
    const name = await define({ ...orders, permissions: { max_rows: 2 } });
    expect((await upload("number\nA1\nA2\n", name)).status).toBe(202);
    const { status, body } = await upload("number\nA1\nA2\nA3\n", name);
    expect(status).toBe(413);
    expect((body as unknown as Problem).detail).toContain(`the limit of the target ${name}`);
  });

  test("a target can refuse files with unknown columns, unless the mapping ignores them", async () => {
    const name = await define({ ...orders, unknown_columns: "refuse" });
    const { status, body } = await upload("number,comment\nA1,x\n", name);
    expect(status).toBe(400);
    expect((body as unknown as Problem).detail).toMatch(/does not know these columns: comment/);
    expect((await upload("number,comment\nA1,x\n", name, { mapping: '{"comment":null}' })).status).toBe(202);
  });
});

describe("a wrong definition is refused with the path of the field", () => {
  test.each<[string, object, string, RegExp]>([
    ["an unknown field", { colums: [] }, "colums", /not a known field/],
    [
      "a type that does not exist",
      { columns: [{ name: "a", type: "number" }] },
      "columns.0.type",
      /must be one of/,
    ],
    ["an enum without values", { columns: [{ name: "a", type: "enum" }] }, "columns.0.values", /./],
    [
      "two columns of the same name",
      {
        columns: [
          { name: "a", type: "text" },
          { name: "A ", type: "text" },
        ],
      },
      "columns.1.name",
      /./,
    ],
    [
      "a mode that records do not have",
      { mode: { default: "upsert", allowed: ["upsert"] } },
      "mode.allowed.0",
      /does not support upsert/,
    ],
    [
      "a default mode that is not allowed",
      { mode: { default: "append", allowed: ["insert"] } },
      "mode.default",
      /is not one of `mode.allowed`/,
    ],
    [
      "a rule about a column that does not exist",
      { rules: [{ name: "r", require: ["b"], message: "m" }] },
      "rules.0.require.0",
      /./,
    ],
  ])("%s", async (_, part, field, message) => {
    const { status, body } = await admin.post<Problem>("/api/v1/targets", {
      name: "wrong",
      ...orders,
      ...part,
    });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toContain(field);
    expect(body.field_errors[field]?.join(" ")).toMatch(message);
    expect((await admin.get("/api/v1/targets/wrong")).status).toBe(404);
  });

  test.each(["books", "Orders", "1st", ""])("the name %j", async (name) => {
    const { status, body } = await admin.post<Problem>("/api/v1/targets", { name, ...orders });
    expect([status, Object.keys(body.field_errors)]).toEqual([400, ["name"]]);
  });

  test("a definition that is too large", async () => {
    const description = "x".repeat(500);
    const columns = Array.from({ length: 400 }, (_, index) => ({
      ...{ name: `c${index}`, type: "text", description, pattern_message: "y".repeat(200) },
    }));
    const { status, body } = await admin.post<Problem>("/api/v1/targets", {
      name: "large",
      ...orders,
      columns,
    });
    expect(status, body.detail).toBe(413);
  });
});

describe("a test of a definition", () => {
  test("the example rows run through the real code, and nothing is written", async () => {
    const name = await define();
    const { status, body } = await admin.post(`/api/v1/targets/${name}/test`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      succeeded: 1,
      failed: 0,
      rows: [
        {
          row: 2,
          status: "success",
          effect: "created",
          values: { number: "A1", total: "1250.00", placed: "2026-12-31", state: "open" },
        },
      ],
    });
    const { rowCount } = await rowmill.ctx.pool.query(
      "SELECT FROM rowmill.records WHERE data ->> 'number' = 'A1' AND user_id = $1",
      [admin.userId],
    );
    expect(rowCount).toBe(0);
  });

  test("a preview of rows of a file names errors, unknown and missing columns, and ambiguous dates", async () => {
    const { columns } = orders;
    const placed = { name: "placed", type: "date" as const };
    const definition = { ...orders, columns: [...columns.filter(({ name }) => name !== "placed"), placed] };
    const sample = {
      header: ["Total", "Placed", "Comment"],
      rows: [
        ["1,5", "03.04.2026", "x"],
        ["1.5", "05.06.2026", ""],
      ],
    };
    const { status, body } = await admin.post("/api/v1/targets/preview", { definition, sample });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      unknown: ["Comment"],
      missing: ["number"],
      ambiguous_dates: [{ column: "placed", cell: "03.04.2026", read_as: "2026-04-03" }],
    });
  });
});
