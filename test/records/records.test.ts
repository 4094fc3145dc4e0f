import { describe, expect, test } from "vitest";
import type { Client, Problem } from "../support/client.ts";
import { importFile, undo } from "../support/imports.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

interface Shown {
  id: number;
  batch_id: string;
  row: number;
  data: Record<string, string | string[]>;
}

interface Listed {
  items: Shown[];
  next_cursor: string | null;
}

const importRecords = (user: Client, file: string) =>
  importFile(rowmill, user, file, "insert", { target: "records" });
const listed = async (user: Client, query = "") => (await user.get<Listed>(`/api/v1/records${query}`)).body;

/** As it is sent: parsed, an object loses the order of names such as "2". */
async function textOf(user: Client, path: string): Promise<string> {
  const response = await fetch(user.url + path, { headers: { authorization: `Bearer ${user.token}` } });
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  return response.text();
}

/** The text of each record's data. */
async function dataOf(user: Client, batchId: string): Promise<string[]> {
  const text = await textOf(user, `/api/v1/records?batch_id=${batchId}`);
  return [...text.matchAll(/"data":(\{.*?\}),"created_at"/g)].map(([, data]) => data ?? "");
}

describe("a row of any file is kept", () => {
  test("a record has the names of the header", async () => {
    const user = await rowmill.newUser();
    const batch = await importRecords(user, "name,role,loc\nJohn,Dev,NY\nJane, Ops ,\n");
    const { items, next_cursor } = await listed(user, `?batch_id=${batch}`);
    expect(next_cursor).toBeNull();
    expect(items).toMatchObject([
      { batch_id: batch, row: 2, data: { name: "John", role: "Dev", loc: "NY" } },
      { batch_id: batch, row: 3, data: { name: "Jane", role: " Ops ", loc: "" } },
    ]);
    const { body } = await user.get<Shown>(`/api/v1/records/${items[0]?.id}`);
    expect(body).toEqual(items[0]);
    expect((await user.rows(batch)).map(({ record_id }) => record_id)).toEqual(items.map(({ id }) => id));
  });

  test.each([
    ["numbers as names", "10,2,1\na,b,c\n", ['{"10":"a","2":"b","1":"c"}']],
    [
      "names that objects have anyway",
      "b,__proto__,constructor,a\n1,2,3,4\n",
      ['{"b":"1","__proto__":"2","constructor":"3","a":"4"}'],
    ],
    ["repeated and empty names", "x,,x, x \n1,2,3,4\n", ['{"x":"1","column_2":"2","x_2":"3","x_3":"4"}']],
    ["one column", "only\n1\n", ['{"only":"1"}']],
    ["cells that need an escape", 'a,b\n"x""y","two\nlines"\n', ['{"a":"x\\"y","b":"two\\nlines"}']],
    ["NUL and other odd characters", "a\0b,😀\n\0,\u0001é\n", ['{"a\uFFFDb":"\\u0000","😀":"\\u0001é"}']],
    ["rows too short", "a,b,c\n1\n1,2\n", ['{"a":"1","b":"","c":""}', '{"a":"1","b":"2","c":""}']],
    ["rows too long", "a,b\n1,2,3,4\n", ['{"a":"1","b":"2","_extra":["3","4"]}']],
    [
      "a delimiter too many",
      "a,b\n1,2,,\n1,2,,4,\n",
      ['{"a":"1","b":"2"}', '{"a":"1","b":"2","_extra":["","4"]}'],
    ],
    [
      "rows too long, where `_extra` is a name",
      "_extra,b\n1,2,3\n",
      ['{"_extra":"1","b":"2","_extra_2":["3"]}'],
    ],
  ])("a record keeps %s", async (_, file, expected) => {
    const user = await rowmill.newUser();
    const batch = await importRecords(user, file);
    expect(await dataOf(user, batch)).toEqual(expected);
    const { items } = await listed(user, `?batch_id=${batch}`);
    const [first] = items;
    expect(await textOf(user, `/api/v1/records/${first?.id}`)).toContain(`"data":${expected[0]},`);
  });
});

describe("the list", () => {
  test("records are listed in pages", async () => {
    const user = await rowmill.newUser();
    const file = `n\n${Array.from({ length: 30 }, (_, index) => `${index}\n`).join("")}`;
    const [first, second] = [await importRecords(user, file), await importRecords(user, "m\nlast\n")];
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Listed = await listed(user, `?limit=7${cursor && `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(7);
      seen.push(...page.items.map(({ data }) => String(data.n ?? data.m)));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([...Array.from({ length: 30 }, (_, index) => String(index)), "last"]);
    expect((await listed(user, `?batch_id=${second}`)).items).toHaveLength(1);
    const { items, next_cursor } = await listed(user, `?batch_id=${first}&limit=20`);
    const rest = await listed(user, `?batch_id=${first}&limit=20&cursor=${next_cursor}`);
    expect([...items, ...rest.items].map(({ data }) => Number(data.n))).toEqual([...Array(30).keys()]);
  });

  test("the list of records has only the caller's own", async () => {
    const [owner, other] = [await rowmill.newUser(), await rowmill.newUser()];
    const batch = await importRecords(owner, "a\n1\n");
    const id = (await listed(owner)).items[0]?.id ?? 0;
    expect(await listed(other)).toEqual({ items: [], next_cursor: null });
    expect(await listed(other, `?batch_id=${batch}`)).toEqual({ items: [], next_cursor: null });
    const theirs = await other.get<Problem>(`/api/v1/records/${id}`);
    const unknown = await other.get<Problem>("/api/v1/records/999999999");
    expect([theirs.status, unknown.status]).toEqual([404, 404]);
    expect(theirs.body).toEqual(unknown.body);
  });

  test.each([
    ["?batch_id=x", "batch_id"],
    ["?limit=0", "limit"],
    ["?limit=1001", "limit"],
    ["?cursor=x", "cursor"],
    ["/x", "id"],
    ["/0", "id"],
    ["/99999999999999999999", "id"],
  ])("the list of records refuses %s", async (path, field) => {
    const user = await rowmill.newUser();
    const { status, body } = await user.get<Problem>(`/api/v1/records${path}`);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([field]);
  });

  test("records require a login", async () => {
    for (const path of ["/api/v1/records", "/api/v1/records/1"]) {
      expect((await rowmill.client.get(path)).status).toBe(401);
    }
  });
});

test("undo removes the records of a batch and skips deleted ones", async () => {
  const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
  const batch = await importRecords(user, "a\n1\n2\n3\n");
  await importRecords(other, "a\n1\n");
  await importRecords(user, "a\nkept\n");
  await rowmill.ctx.pool.query("DELETE FROM rowmill.records WHERE batch_id = $1 AND row_number = 3", [batch]);
  expect(await undo(rowmill, batch)).toEqual({
    2: { kind: "reversed" },
    3: { kind: "kept", reason: "The record was deleted later." },
    4: { kind: "reversed" },
  });
  expect((await listed(user)).items.map(({ data }) => data)).toEqual([{ a: "kept" }]);
  expect((await listed(other)).items).toHaveLength(1);
});
