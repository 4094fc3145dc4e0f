import type pg from "pg";
import { describe, expect, test } from "vitest";
import { lockOwners } from "../../src/accounts/lock-owners.ts";
import { newBatchId } from "../../src/batches/ids.ts";
import { transactionOn } from "../../src/platform/postgres/database.ts";
import { createWorkflow } from "../../src/workflows/create/create-workflow.ts";
import { readWorkflow } from "../../src/workflows/create/read-workflow.ts";
import { newAdmin } from "../support/admin.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Problem } from "../support/client.ts";
import { count, countRowWaits } from "../support/count.ts";
import { chunksOf, effects, importFile, receive, undo } from "../support/imports.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);

const PASSWORD = "correct horse battery";
const IN_USE =
  "The account is in use: it has logged in, or owns batches, records, files, tasks, webhooks or tokens.";
const importUsers = (
  file: string,
  mode: "insert" | "skip_existing" | "upsert" = "insert",
  isBackwards = false,
) => importFile(rowmill, admin, file, mode, { target: "users", isBackwards });
const logIn = (username: string, password = PASSWORD) =>
  rowmill.client.post<{ user: { role: string } }>("/api/v1/auth/login", { username, password });

async function account(username: string) {
  const { rows } = await rowmill.ctx.pool.query<{ id: number; email: string; role: string }>(
    "SELECT id::int, email, role FROM rowmill.users WHERE lower(username) = lower($1)",
    [username],
  );
  return rows[0];
}

async function onConnection(use: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await rowmill.ctx.pool.connect();
  try {
    await use(client);
  } finally {
    // Ends what a failed test has left open.
    client.release(true);
  }
}

async function stored(batchId: string): Promise<string> {
  const { rows } = await rowmill.ctx.pool.query(
    `SELECT (SELECT json_agg(r) FROM rowmill.batch_rows r WHERE batch_id = $1)::text
      || coalesce((SELECT json_agg(r) FROM rowmill.row_results r WHERE batch_id = $1)::text, '') AS all`,
    [batchId],
  );
  return rows[0]?.all;
}

describe("insert", () => {
  test("insert creates accounts with and without a password", async () => {
    const batch = await importUsers(
      `username,email,password,role\nAda ,ada@example.com,${PASSWORD},\ngrace,,${PASSWORD},operator\nno-password,x@y,,admin\n`,
    );
    expect(Object.values(await effects(rowmill, batch))).toEqual(["created", "created", "created"]);
    expect(await account("ada")).toMatchObject({ email: "ada@example.com", role: "user" });
    expect((await logIn("ada")).body.user.role).toBe("user");
    expect((await logIn("Grace")).body.user.role).toBe("operator");
    expect(await account("no-password")).toMatchObject({ email: "x@y", role: "admin" });
    for (const guess of ["!", "x", PASSWORD]) expect((await logIn("no-password", guess)).status).toBe(401);
  });

  test("insert fails a name that is taken, ignoring case, and a repeated name", async () => {
    await importUsers("username\nTaken\n");
    const batch = await importUsers("username\ntaken\nTwice\ntwice\nROOT\n");
    expect(await effects(rowmill, batch)).toEqual({
      2: "duplicate",
      3: "created",
      4: "duplicate",
      5: "duplicate",
    });
    const ids = [await account("taken"), await account("twice"), await account("root")].map((one) => one?.id);
    expect((await admin.rows(batch, "failed")).map(({ errors }) => errors)).toEqual([
      [{ column: "username", code: "duplicate", message: `username "taken" is taken by account ${ids[0]}` }],
      [
        {
          column: "username",
          code: "duplicate",
          message: `username "twice" is also in row 3 of this file, which became account ${ids[1]}`,
        },
      ],
      [{ column: "username", code: "duplicate", message: `username "ROOT" is taken by account ${ids[2]}` }],
    ]);
  });

  test.each([
    ["a password too short", "bad-1,,short,", "password: too_short", /at least 8/],
    ["an unknown role", "bad-2,,,king", "role: invalid", /^role must be user, operator or admin$/],
    ["a malformed address", "bad-3,nobody,,", "email: invalid", /^email must be an email address$/],
    [
      "an address with a space in quotes",
      'bad-5,"""a b""@example.com",,',
      "email: invalid",
      /^email must be/,
    ],
    [
      "an address with a comma",
      'bad-6,"a,b@example.com",,',
      "email: invalid",
      /^email must be an email address$/,
    ],
    [
      "an address with a line end",
      'bad-7,"a@example.com\nBcc: b@example.com",,',
      "email: invalid",
      /^email must/,
    ],
    ["a common password", "bad-8,,PassWord123,", "password: too_common", /most common passwords/],
    ["an obvious password", "bad-obvious,,bad-obvious-1,", "password: too_obvious", /the username/],
    ["an invisible character", "bad\u200b9,,,", "username: invalid", /Invisible characters/],
    ["letters of two scripts", "b\u0430d-10,,,", "username: invalid", /several scripts/],
    ["no name", " ,nameless@example.com,,", "username: required", /required/],
    ["a reserved name", "Anonymous,,,", "username: reserved", /reserved/],
    ["too many cells", `bad-4,,${PASSWORD},user,more`, "null: malformed", /5 fields/],
  ])("insert fails %s", async (_, line, code, message) => {
    const batch = await importUsers(`username,email,password,role\n${line}\n`);
    const [row] = await admin.rows(batch);
    expect(row?.errors.map((error) => `${error.column}: ${error.code}`)).toEqual([code]);
    expect(row?.error_message).toMatch(message);
    expect(await account(line.split(",")[0] ?? "")).toBeUndefined();
  });
});

test("skip_existing leaves accounts unchanged", async () => {
  await importUsers(`username,email,password\nskipped,old@example.com,${PASSWORD}\n`);
  const batch = await importUsers(
    "username,email,password,role\nSkipped,new@example.com,another password,admin\n",
    "skip_existing",
  );
  expect(await effects(rowmill, batch)).toEqual({ 2: "unchanged" });
  expect(await account("skipped")).toMatchObject({ email: "old@example.com", role: "user" });
  expect((await logIn("skipped")).status).toBe(200);
});

describe("upsert", () => {
  test("upsert updates email and role, and the password only if one is given", async () => {
    await importUsers(
      `username,email,password\none,1@example.com,${PASSWORD}\ntwo,2@example.com,${PASSWORD}\nthree,3@example.com,\n`,
    );
    const refresh = async (username: string) =>
      (await rowmill.client.post<{ refresh: string }>("/api/v1/auth/login", { username, password: PASSWORD }))
        .body.refresh;
    const sessions = [await refresh("one"), await refresh("two")];
    const batch = await importUsers(
      "username,email,password,role\none,new@example.com,,operator\ntwo,2@example.com,another password,\nthree,3@example.com,,\nfour,,,\n",
      "upsert",
    );
    expect(await effects(rowmill, batch)).toEqual({
      2: "updated",
      3: "updated",
      4: "unchanged",
      5: "created",
    });
    expect(await account("one")).toMatchObject({ email: "new@example.com", role: "operator" });
    expect((await logIn("one")).status).toBe(200);
    expect((await logIn("two")).status).toBe(401);
    expect((await logIn("two", "another password")).status).toBe(200);
    // A new password ends all sessions.
    const refreshed = sessions.map((token) =>
      rowmill.client.post("/api/v1/auth/refresh", { refresh: token }),
    );
    expect((await Promise.all(refreshed)).map(({ status }) => status)).toEqual([200, 401]);
  });

  test("upsert updates an account whose name would be refused today", async () => {
    await rowmill.ctx.pool.query(
      "INSERT INTO rowmill.users (username, password_hash) VALUES ('old\u200bname', '!')",
    );
    const batch = await importUsers(
      "username,email\nold\u200bname,o@example.com\nnew\u200bname,\n",
      "upsert",
    );
    expect(await effects(rowmill, batch)).toEqual({ 2: "updated", 3: "invalid" });
    expect(await account("old\u200bname")).toMatchObject({ email: "o@example.com" });
  });

  test("upsert keeps account fields for which the file has no column", async () => {
    await importUsers("username,email,role\nkeeper,k@example.com,operator\n");
    const batch = await importUsers("username,role\nkeeper,user\n", "upsert");
    expect(await effects(rowmill, batch)).toEqual({ 2: "updated" });
    expect(await account("keeper")).toMatchObject({ email: "k@example.com", role: "user" });
  });

  test.each([[false], [true]])(
    "upsert lets the last row of a name win, with chunks backwards: %s",
    async (isBackwards) => {
      const name = `last-${isBackwards}`;
      const others = Array.from({ length: 48 }, (_, index) => `${name}-${index},`).join("\n");
      const batch = await importUsers(
        `username,email\n${name},1@x\n${name},2@x\n${others}\n${name},3@x\n`,
        "upsert",
        isBackwards,
      );
      expect(await account(name)).toMatchObject({ email: "3@x" });
      expect(Object.keys(await effects(rowmill, batch))).toHaveLength(51);
    },
  );

  test("upsert never changes the uploader's own role", async () => {
    const batch = await importUsers("username,role,email\nroot,user,me@example.com\n", "upsert");
    expect(await effects(rowmill, batch)).toEqual({ 2: "forbidden" });
    expect(await account("root")).toMatchObject({ role: "admin", email: "" });
    expect(
      await effects(rowmill, await importUsers("username,email\nroot,me@example.com\n", "upsert")),
    ).toEqual({ 2: "updated" });
  });
});

describe("a password", () => {
  test("a password is shown nowhere and erased after its account is created", async () => {
    const secret = "hidden in plain sight";
    const file = `username,password,email\nshy,${secret},\nshy,${secret},\ntorn,x,${secret},${secret}\n`;
    const id = await receive(admin, file, "insert", "users");
    const before = await admin.rows(id);
    expect(before.map(({ fields }) => fields.password)).toEqual(["***", "***", "***"]);
    expect(JSON.stringify(before)).not.toContain(secret);
    for (const chunk of await chunksOf(rowmill, id)) await deliverChunk(rowmill.ctx, id, chunk);
    const rows = await admin.rows(id);
    expect(rows.map(({ status }) => status)).toEqual(["success", "failed", "failed"]);
    expect(JSON.stringify([rows, (await admin.batch(id)).body])).not.toContain(secret);
    // Rows that failed keep theirs, so that they can be corrected and tried again.
    expect((await stored(id)).split(secret)).toHaveLength(4);
    expect((await logIn("shy", secret)).status).toBe(200);
  });

  test("a password of a successful row is erased", async () => {
    const batch = await importUsers(`username,password\ngone,${PASSWORD}\n`);
    expect(await stored(batch)).not.toContain(PASSWORD);
  });
});

describe("undo", () => {
  test("undo removes unused accounts", async () => {
    const batch = await importUsers(
      `username,password\nunused,${PASSWORD}\nused,${PASSWORD}\nremoved,\nflowing,\n`,
    );
    await logIn("used");
    // With Basic credentials, so that no session remains.
    const owner = (await account("flowing"))?.id ?? 0;
    await createWorkflow(rowmill.ctx, Number(owner), readWorkflow({ group: [] }));
    await rowmill.ctx.pool.query("DELETE FROM rowmill.users WHERE username = 'removed'");
    expect(await undo(rowmill, batch)).toEqual({
      2: { kind: "reversed" },
      3: {
        kind: "kept",
        reason: IN_USE,
      },
      4: { kind: "kept", reason: "The account was deleted later." },
      5: { kind: "kept", reason: IN_USE },
    });
    expect(await account("unused")).toBeUndefined();
    expect((await logIn("used")).status).toBe(200);
  });

  test("an upload that is under way when undo removes its owner is refused, and leaves no batch", async () => {
    const owner = await rowmill.newUser();
    await onConnection(async (client) => {
      // As undo locks the accounts that it removes.
      await client.query("BEGIN; SELECT FROM rowmill.users FOR UPDATE");
      const uploaded = owner.upload("title,author\nA,B\n");
      await until("the upload waits", async () => (await countRowWaits(rowmill.ctx.pool)) === 1);
      await client.query("DELETE FROM rowmill.users WHERE id = $1", [owner.userId]);
      await client.query("COMMIT");
      expect(await uploaded).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    });
    const batches = "SELECT count(*) FROM rowmill.batches WHERE user_id = $1";
    expect(await count(rowmill.ctx.pool, batches, [owner.userId])).toBe(0);
  });

  test("undo waits for an upload that has started, and then keeps its owner", async () => {
    const batch = await importUsers("username\nuploading\n");
    const { id = 0 } = (await account("uploading")) ?? {};
    await onConnection(async (client) => {
      const { db } = rowmill.ctx;
      const tx = { ...rowmill.ctx, db: transactionOn(client) as typeof db, afterCommit: [] };
      await client.query("BEGIN");
      await lockOwners(tx, [id]);
      await client.query(
        `INSERT INTO rowmill.batches (id, user_id, target, filename, header, mapping, row_delay_ms)
        VALUES ($1, $2, 'books', 'x', '{}', '{}', 0)`,
        [newBatchId(new Date()), id],
      );
      const undone = undo(rowmill, batch);
      await until("undo waits", async () => (await countRowWaits(rowmill.ctx.pool)) === 1);
      await client.query("COMMIT");
      expect(await undone).toEqual({ 2: { kind: "kept", reason: IN_USE } });
    });
  });

  test("undo restores email and role unless they changed since", async () => {
    await importUsers("username,email,role\nback-1,1@x,user\nback-2,2@x,user\nback-3,3@x,user\n");
    const batch = await importUsers(
      `username,email,role,password\nback-1,new@x,admin,\nback-2,new@x,admin,\nback-3,new@x,admin,${PASSWORD}\n`,
      "upsert",
    );
    await rowmill.ctx.pool.query("UPDATE rowmill.users SET email = 'other@x' WHERE username = 'back-2'");
    expect(await undo(rowmill, batch)).toEqual({
      2: { kind: "reversed" },
      3: { kind: "kept", reason: "The email address or the role was changed later." },
      4: {
        kind: "kept",
        reason:
          "The email address and the role are restored. The new password stays: old passwords are not stored.",
      },
    });
    expect(await account("back-1")).toMatchObject({ email: "1@x", role: "user" });
    expect(await account("back-2")).toMatchObject({ email: "other@x", role: "admin" });
    expect(await account("back-3")).toMatchObject({ email: "3@x", role: "user" });
  });
});

describe("equal names in several chunks", () => {
  /** Row 3 is in the first chunk, row 28 in the second. */
  const table = (name: string) => {
    const lines = Array.from({ length: 40 }, (_, index) => `${name}-${index},x@y,,`);
    lines[1] = `${name},first@example.com,${PASSWORD},operator`;
    lines[26] = `${name.toUpperCase()},last@example.com,another password,`;
    return `username,email,password,role\n${lines.join("\n")}\n`;
  };

  test.for([
    ["insert", false, "duplicate"],
    ["insert", true, "duplicate"],
    ["skip_existing", false, "unchanged"],
    ["skip_existing", true, "unchanged"],
  ] as const)(
    "%s creates the account from the first row (backwards: %s)",
    async ([mode, isBackwards, other]) => {
      const name = `${mode}-${isBackwards}`;
      const batch = await importUsers(table(name), mode, isBackwards);
      expect(await effects(rowmill, batch)).toMatchObject({ 3: "created", 28: other });
      const made = await account(name);
      expect(made).toMatchObject({ email: "first@example.com", role: "operator" });
      expect((await logIn(name)).status).toBe(200);
      expect((await logIn(name, "another password")).status).toBe(401);
      const failed = (await admin.rows(batch, "failed")).map(({ error_message }) => error_message);
      const message = `username "${name.toUpperCase()}" is taken by account ${made?.id}`;
      expect(failed).toEqual(mode === "insert" ? [message] : []);
    },
  );

  test("an account that is in use is not given to an earlier row", async () => {
    const batch = await receive(admin, table("in-use"), "insert", "users");
    await deliverChunk(rowmill.ctx, batch, 27);
    expect((await logIn("in-use", "another password")).status).toBe(200);
    await deliverChunk(rowmill.ctx, batch, 2);
    expect(await effects(rowmill, batch)).toMatchObject({ 3: "duplicate", 28: "created" });
    expect((await logIn("in-use", "another password")).status).toBe(200);
  });
});

test("rows fail if their uploader is no longer an administrator", async () => {
  const former = await newAdmin(rowmill, "former");
  const id = await receive(former, "username\nintruder\n", "insert", "users");
  await rowmill.ctx.pool.query("UPDATE rowmill.users SET role = 'user' WHERE username = 'former'");
  for (const chunk of await chunksOf(rowmill, id)) await deliverChunk(rowmill.ctx, id, chunk);
  expect(await effects(rowmill, id)).toEqual({ 2: "forbidden" });
  expect(await account("intruder")).toBeUndefined();
});

test("two workers with the same names create each account once", async () => {
  await using own = await startRowmill();
  const root = await newAdmin(own);
  const names = Array.from({ length: 60 }, (_, index) => `user-${index}`);
  const files = [names, names.toReversed()].map((order) => `username\n${order.join("\n")}\n`);
  const ids = await Promise.all(files.map((file) => receive(root, file, "skip_existing", "users")));
  await own.startWorker();
  await own.startWorker();
  const ended = await Promise.all(ids.map((id) => root.finished(id)));
  expect(ended.map(({ state }) => state)).toEqual(["completed", "completed"]);
  const { rows } = await own.ctx.pool.query(
    "SELECT count(*)::int AS users FROM rowmill.users WHERE username LIKE 'user-%'",
  );
  expect(rows[0]).toEqual({ users: 60 });
});

test("reserved names cannot sign up", async () => {
  for (const username of ["anonymous", " ANONYMOUS "]) {
    const { status, body } = await rowmill.client.post<Problem>("/api/v1/auth/signup", {
      username,
      password: PASSWORD,
    });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["username"]);
  }
});
