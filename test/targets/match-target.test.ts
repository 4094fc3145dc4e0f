/** POST /api/v1/targets/{name}/match: which column of a file each column of a target would get, and why. */
import { expect, test } from "vitest";
import { inTransaction } from "../../src/context.ts";
import { MAX_REMEMBERED, rememberMapping } from "../../src/targets/remember-mapping.ts";
import type { Client } from "../support/client.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

interface Match {
  readonly columns: { name: string; required: boolean; file_column: string | null; source: string | null }[];
  readonly unknown: string[];
  readonly remembered: { mapping: object; options: object } | null;
}

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);

const match = async (header: string[], target = "books", client: Client = user) => {
  const { status, body } = await client.post<Match>(`/api/v1/targets/${target}/match`, { header });
  expect(status).toBe(200);
  const columns = body.columns.map(({ name, file_column, source }) => [name, file_column, source]);
  return { ...body, columns };
};

const upload = async (content: string, mapping: object, more = "") => {
  const query = new URLSearchParams({ mapping: JSON.stringify(mapping) });
  const { status } = await user.upload(content, `/api/v1/batches?target=books&${query}${more}`);
  expect(status).toBe(202);
};

test("columns match by name and by alias, and the others are unknown", async () => {
  expect(await match(["Name", "AUTHOR", "Notes", "Notes"])).toEqual({
    columns: [
      ["title", "Name", "alias"],
      ["author", "AUTHOR", "name"],
      ["description", null, null],
    ],
    unknown: ["Notes", "Notes_2"],
    remembered: null,
  });
});

test("a header without a required column is matched all the same", async () => {
  const { body } = await user.post<Match>("/api/v1/targets/books/match", { header: ["x"] });
  expect(body.columns.filter(({ required }) => required).map(({ file_column }) => file_column)).toEqual([
    null,
    null,
  ]);
});

test("the mapping of an accepted upload is proposed again for the same columns in any order", async () => {
  const mapping = { Book: "title", Notes: null };
  await upload("Book,Author,Notes\nEmma,Austen,x\n", mapping, "&mode=upsert&max_errors=5%25");
  expect(await match(["Notes", "Author", "Book"])).toEqual({
    columns: [
      ["title", "Book", "remembered"],
      ["author", "Author", "name"],
      ["description", null, null],
    ],
    unknown: ["Notes"],
    remembered: {
      mapping,
      options: { mode: "upsert", policy: "partial", max_errors: "5%" },
      used_at: expect.any(String),
    },
  });
  expect((await match(["Book", "Author"])).remembered).toBeNull();
  expect((await match(["Notes", "Author", "Book"], "books", await rowmill.newUser())).remembered).toBeNull();
  await upload("Book,Author,Notes\nEmma,Austen,x\n", { Book: "title", Notes: "description" });
  expect((await match(["Book", "Author", "Notes"])).columns[2]).toEqual([
    "description",
    "Notes",
    "remembered",
  ]);
});

test("an upload does not use a remembered mapping", async () => {
  await upload("Book,Author\nEmma,Austen\n", { Book: "title" });
  const { status } = await user.upload("Book,Author\nDracula,Stoker\n");
  expect(status).toBe(400);
});

test("a remembered mapping that does not fit the target any more is left out", async () => {
  await upload("Book,Author\nEmma,Austen\n", { Book: "title" });
  await rowmill.ctx.pool.query(
    `UPDATE rowmill.remembered_mappings SET mapping = '{"Book": "gone"}' WHERE user_id = $1`,
    [user.userId],
  );
  const { remembered, columns } = await match(["Book", "Author"]);
  expect([remembered, columns[0]]).toEqual([null, ["title", null, null]]);
});

test("a user keeps the mappings that were used last", async () => {
  const { ctx } = rowmill;
  const remember = (name: string, at: number) =>
    inTransaction({ ...ctx, now: () => new Date(at) }, (tx) =>
      rememberMapping(tx, user.userId, "books", [name], { mapping: { [name]: "title" }, options: {} }),
    );
  for (let n = 0; n <= MAX_REMEMBERED; n++) await remember(`c${n}`, 1_000_000 + n);
  const { rows } = await ctx.pool.query(
    "SELECT count(*)::int FROM rowmill.remembered_mappings WHERE user_id = $1",
    [user.userId],
  );
  expect(rows[0].count).toBe(MAX_REMEMBERED);
  expect((await match(["c0"])).remembered).toBeNull();
  expect((await match(["c1"])).remembered).not.toBeNull();
});

test("an open target keeps every column, and an unknown target answers 404", async () => {
  expect(await match(["a", "b"], "records")).toMatchObject({
    columns: [
      ["a", "a", "name"],
      ["b", "b", "name"],
    ],
    unknown: [],
  });
  expect((await user.post("/api/v1/targets/users/match", { header: ["a"] })).status).toBe(404);
});
