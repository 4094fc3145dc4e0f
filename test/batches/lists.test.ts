/** Filters of lists of batches, and the batches of everybody for operators. */
import { beforeAll, describe, expect, test } from "vitest";
import { listBatches } from "../../src/batches/queries.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { command, deliverChunk, deliverWhole } from "../support/batches.ts";
import type { Client, Problem } from "../support/client.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { explaining } from "../support/plans.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
const other = useUser(rowmill, "grace");
const operator = useAdmin(rowmill, "watcher", "operator");
const admin = useAdmin(rowmill);

const FAILS = "title,author\nEmma,Austen\n,Nobody\n";

type Shown = BatchView & { user_id: number };

async function upload(client: Client, name: string, content: string, query = ""): Promise<string> {
  const { status, body } = await client.upload(
    content,
    `/api/v1/batches?target=books&force=true${query}`,
    name,
  );
  if (status !== 202) throw new Error(`the upload answered ${status}`);
  return body.id;
}

const names = async (client: Client, path: string) => {
  const { body } = await client.get<{ items: BatchView[] }>(path);
  return body.items.map(({ filename }) => filename);
};

describe("lists", () => {
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    for (const name of ["may.csv", "june.csv", "100%.csv", "MAY 2.csv"])
      ids[name] = await upload(user, name, FAILS);
    ids["records.csv"] = await upload(user, "records.csv", FAILS, "&target=records").catch(() => "");
    await deliverChunk(rowmill.ctx, ids["june.csv"] ?? "");
    await command(user, ids["may.csv"] ?? "", "pause");
    await upload(other, "may of another.csv", FAILS);
  });

  test.each([
    ["state=paused", ["may.csv"]],
    ["state=paused,completed_with_errors", ["june.csv", "may.csv"]],
    ["state=paused&state=completed_with_errors&limit=1", ["june.csv"]],
    ["q=may", ["MAY 2.csv", "may.csv"]],
    ["q=%25", ["100%.csv"]],
    ["q=_ay", []],
    ["target=users", []],
    ["q=csv&state=queued&target=books", ["MAY 2.csv", "100%.csv"]],
    ["from=2020-01-01&to=2020-12-31", []],
    ["from=2020-01-01&q=june", ["june.csv"]],
  ])("GET /batches?%s finds the batches of the user", async (query, expected) => {
    expect((await names(user, `/api/v1/batches?${query}`)).filter((name) => name !== "records.csv")).toEqual(
      expected,
    );
  });

  test("a batch is found by its id and by its number", async () => {
    const id = ids["june.csv"] ?? "";
    const { body } = await user.batch(id);
    expect(await names(user, `/api/v1/batches?q=${id.toUpperCase()}`)).toEqual(["june.csv"]);
    expect(await names(user, `/api/v1/batches?q=${body.number}`)).toContain("june.csv");
    expect(await names(other, `/api/v1/batches?q=${id}`)).toEqual([]);
  });

  test("an unknown state is refused", async () => {
    const { status, body } = await user.get<Problem>("/api/v1/batches?state=done");
    expect([status, Object.keys(body.field_errors)]).toEqual([400, ["state"]]);
  });

  test("operators list and get the batches of everybody, and users cannot", async () => {
    expect(await names(operator, "/api/v1/admin/batches?q=may")).toEqual([
      "may of another.csv",
      "MAY 2.csv",
      "may.csv",
    ]);
    expect(await names(operator, `/api/v1/admin/batches?q=may&user_id=${other.userId}`)).toEqual([
      "may of another.csv",
    ]);
    const id = ids["may.csv"];
    const { body } = await operator.get<Shown>(`/api/v1/admin/batches/${id}`);
    expect(body).toMatchObject({ id, user_id: user.userId, allowed_actions: ["resume", "cancel"] });
    expect((await user.get("/api/v1/admin/batches")).status).toBe(403);
    expect((await operator.get(`/api/v1/admin/batches/${id?.replace(/^./, "f")}`)).status).toBe(404);
  });
});

describe("bulk actions", () => {
  const change = (action: string, filter: object, more: object = {}, client: Client = operator) =>
    client.post<{ matched: number; changed: number } & Problem>(`/api/v1/admin/batches/${action}`, {
      filter,
      ...more,
    });

  test("operators pause, resume, cancel, retry and delete all that match, after they have counted", async () => {
    const owner = await rowmill.newUser();
    const filter = { user_id: owner.userId };
    const ids = [await upload(owner, "a.csv", FAILS), await upload(owner, "b.csv", FAILS)];
    const states = () => Promise.all(ids.map(async (id) => (await owner.batch(id)).body.state));
    expect((await change("pause", filter)).body).toEqual({ matched: 2, changed: 0 });
    expect((await change("pause", filter, { expect: 1 })).status).toBe(409);
    expect((await change("pause", filter, { expect: 2, reason: "Maintenance." })).body.changed).toBe(2);
    expect((await owner.batch(ids[0] ?? "")).body).toMatchObject({ state: "paused", reason: "Maintenance." });
    expect((await change("resume", { ...filter, q: "b.csv" }, { expect: 1 })).body.changed).toBe(1);
    expect(await states()).toEqual(["paused", "queued"]);
    await deliverChunk(rowmill.ctx, ids[1] ?? "");
    expect((await change("cancel", filter, { expect: 1 })).body.changed).toBe(1);
    expect(await states()).toEqual(["cancelled", "completed_with_errors"]);
    // The cancelled batch has unprocessed rows.
    expect((await change("retry", filter)).body.matched).toBe(1);
    expect((await change("retry", filter, { expect: 2, unprocessed: true })).body).toEqual({
      matched: 2,
      changed: 2,
    });
    expect(await states()).toEqual(["queued", "queued"]);
    await change("cancel", filter, { expect: 2 });
    expect((await change("delete", { batch_id: ids[0] }, { expect: 1 })).body.changed).toBe(1);
    expect((await owner.batch(ids[0] ?? "")).status).toBe(404);
    const { body: log } = await admin.get<{ items: { action: string }[] }>("/api/v1/admin/audit?limit=20");
    expect(log.items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["batches.paused", "batches.deleted"]),
    );
  });

  test("a retry matches exactly the batches that can be retried", async () => {
    const owner = await rowmill.newUser();
    const filter = { user_id: owner.userId };
    const atomic = await upload(owner, "atomic.csv", FAILS, "&policy=atomic");
    await deliverWhole(rowmill.ctx, atomic);
    const fine = await upload(owner, "fine.csv", "title,author\nDracula,Stoker\n", "&dry_run=true");
    await deliverWhole(rowmill.ctx, fine);
    expect((await owner.batch(atomic)).body.allowed_actions).toContain("retry");
    expect((await owner.batch(fine)).body.allowed_actions).not.toContain("retry");
    expect((await change("retry", filter, { expect: 1 })).body).toEqual({ matched: 1, changed: 1 });
  });

  test("operators cannot change imports of accounts", async () => {
    const id = await upload(admin, "accounts.csv", "username\nlovelace\n", "&target=users").catch(
      async () => {
        const { body } = await admin.upload(
          "username\nlovelace\n",
          "/api/v1/batches?target=users",
          "accounts.csv",
        );
        return body.id;
      },
    );
    expect((await change("cancel", { batch_id: id })).body.matched).toBe(0);
    expect((await operator.get<Shown>(`/api/v1/admin/batches/${id}`)).body.allowed_actions).toEqual([]);
    expect((await change("cancel", { batch_id: id }, { expect: 1 }, admin)).body.changed).toBe(1);
  });

  test.each([
    [{}, "filter"],
    [{ stat: ["queued"] }, "filter"],
    [{ state: ["done"] }, "state"],
    [{ q: " " }, "q"],
  ])("a filter without a condition, or with a wrong one, is refused: case %#", async (filter, field) => {
    const { status, body } = await change("delete", filter, { expect: 0 });
    expect([status, Object.keys(body.field_errors)]).toEqual([400, [field]]);
  });

  test("users cannot change the batches of others", async () => {
    expect((await change("cancel", { q: "a" }, {}, user)).status).toBe(403);
  });
});

testOnOneServer(
  "with stale statistics, a list of a user with many batches reads the batches of the user in their order",
  async () => {
    const { ctx } = rowmill;
    const fill = (userId: number) =>
      ctx.pool.query(
        `INSERT INTO rowmill.batches (id, user_id, target, filename, state, header, mapping, row_delay_ms, finished_at)
       SELECT overlay(gen_random_uuid()::text placing '00000000' from 29)::uuid, $1, 'books', 'x' || n || '.csv', 'completed', '{a}', '{}', 0, now()
       FROM generate_series(1, 20000) AS n`,
        [userId],
      );
    await ctx.pool.query("ALTER TABLE rowmill.batches SET (autovacuum_enabled = off)");
    await fill(other.userId);
    await ctx.pool.query("ANALYZE rowmill.batches");
    await fill(user.userId);
    await using plans = await explaining(ctx);
    const filter = { userId: user.userId, search: "may", states: ["paused"] } as const;
    const found: string[] = [];
    for (let before: string | null = null, isLast = false; !isLast; ) {
      const { items, searchedTo } = await listBatches(plans, filter, { before, limit: 100 });
      found.push(...items.map(({ filename }) => filename));
      before = searchedTo ? String(searchedTo.key) : null;
      isLast = before === null;
    }
    expect(found).toEqual(["may.csv"]);
    await listBatches(plans, { userId: user.userId }, { before: null, limit: 100 });
    expect(plans.scans("batches")).toContain("batches_owner (user_id)");
    expect(plans.scans("batches").filter((scan) => !scan.startsWith("batches_owner ("))).toEqual([]);
  },
);
