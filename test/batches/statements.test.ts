/**
 * Reads every statement that a run through batches, books, records and files sends, and refuses what Citus refuses on
 * distributed tables (test/support/citus-rules.ts). Citus itself cannot be installed with the packages of the tests. To run them on
 * your own, see test/support/README.md.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { RESULT_FORMATS } from "../../src/batches/results/result-formats.ts";
import { RESULT_FILES } from "../../src/batches/results/result-ranges.ts";
import { handlers } from "../../src/handlers.ts";
import { DISTRIBUTED_TABLES } from "../../src/platform/postgres/distribute-tables.ts";
import { newAdmin } from "../support/admin.ts";
import { EXCEPTIONS, problemsOf, readVolatility } from "../support/check-statements.ts";
import type { Volatility } from "../support/citus-rules.ts";
import type { Client } from "../support/client.ts";
import { defineEndpoint, Endpoint, namedRows, uploadFor } from "../support/endpoints.ts";
import { later, storedFile } from "../support/files.ts";
import { picture } from "../support/pictures.ts";
import { RECEIVER_SETTINGS } from "../support/receiver.ts";
import { onStatement } from "../support/record-statements.ts";
import type { Statement } from "../support/sent-statements.ts";
import {
  createStore,
  customers,
  defineTarget,
  dropStoreRole,
  storeRole,
  storeSettings,
} from "../support/store.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const role = storeRole();
const rowmill = useRowmill({
  settings: { ...RECEIVER_SETTINGS, ...storeSettings(role), RETENTION_DAYS: "7", ROW_RETRY_DELAY_MS: "1" },
});

/** The same text counts twice if other parameters are equal. */
const statements = new Map<string, Statement>();
let volatility: Volatility = new Map();

beforeAll(async () => {
  volatility = await readVolatility(rowmill.ctx.pool);
  await createStore(rowmill.ctx.pool, role);
  const stop = onStatement((_, statement) =>
    statements.set(`${statement.text} ${statement.equal}`, statement),
  );
  await runThrough().finally(stop);
});

afterAll(() => dropStoreRole(rowmill.ctx.pool, role));

const CSV = "title,author,description\nA,X,1\nB,Y,2\n,Nobody,3\nA,X,4\n";

async function runThrough(): Promise<void> {
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const ids: string[] = [];
  for (const query of [
    "books&mode=insert",
    "books&mode=skip_existing",
    "books&mode=upsert",
    "books&mode=append",
    "records",
  ]) {
    for (const options of ["", "&policy=atomic", "&dry_run=true", "&rows_per_second=1000"]) {
      const { body } = await user.upload(CSV, `/api/v1/batches?target=${query}${options}&force=true`);
      await user.finished(body.id);
      ids.push(body.id);
    }
  }
  expect(ids).toHaveLength(20);
  await readAll(user, ids);
  for (const id of ids) await change(user, id);
  const admin = await newAdmin(rowmill);
  await operate(admin);
  await sendRows(admin, user);
  await importCustomers(admin, user);
  await useBooksAndFiles(user);
  for (const at of [rowmill.ctx, later(rowmill, 40 * 86_400)]) {
    await handlers.reconcile(at, INPUT);
    await handlers.clean(at, INPUT);
  }
}

const INPUT = {
  payload: {},
  delivery: { id: "", payload: {}, attempt: 1, signal: new AbortController().signal },
  tx: null,
} as never;

async function readAll(user: Client, ids: readonly string[]): Promise<void> {
  for (const query of ["", "?state=completed", "?search=test", "?target=books", "?limit=1"])
    await user.get(`/api/v1/batches${query}`);
  for (const query of ["", "?limit=1", "?sort=title", "?sort=-author&search=a"])
    await user.get(`/api/v1/books${query}`);
  for (const id of ids) {
    await user.get(`/api/v1/records?batch_id=${id}`);
    for (const path of [
      "",
      "/errors",
      "/rows",
      "/rows?status=failed",
      "/rows?status=success",
      "/rows?status=pending",
      "/rows/2",
      "/rows/4",
    ])
      await user.get(`/api/v1/batches/${id}${path}`);
    for (const file of RESULT_FILES)
      for (const format of RESULT_FORMATS)
        expect((await user.get(`/api/v1/batches/${id}/results/${file}.${format}`)).status).toBe(200);
  }
}

async function change(user: Client, id: string): Promise<void> {
  const path = `/api/v1/batches/${id}`;
  await user.post(`${path}/rows/edit`, { rows: [4], set: { title: "Fixed" } });
  await user.send("PATCH", `${path}/rows/4`, {
    body: JSON.stringify({ title: "Fixed" }),
    headers: { "content-type": "application/json" },
  });
  await user.finished(id);
  await user.upload("_row,title\n4,Corrected\n", `${path}/corrections`);
  await user.post(`${path}/retry`, {});
  for (const action of ["pause", "resume", "commit"]) await user.post(`${path}/${action}`);
  await user.finished(id);
  await user.post(`${path}/undo`);
  await user.finished(id);
  await user.get(`${path}/rows?undo=kept`);
  await user.delete(path);
}

async function operate(admin: Client): Promise<void> {
  const { body } = await admin.upload("username\nmade-1\nmade-2\n", "/api/v1/batches?target=users");
  await admin.finished(body.id);
  await admin.post(`/api/v1/batches/${body.id}/undo`);
  await admin.finished(body.id);
  for (const path of ["batches", "queues", "workers", "stats", "accounts"])
    await admin.get(`/api/v1/admin/${path}`);
}

/** Rows of an endpoint that first is busy, then wants one row again, refuses another, and keeps a row at undo. */
async function sendRows(admin: Client, user: Client): Promise<void> {
  await using endpoint = await Endpoint.start();
  const { url } = endpoint;
  let isBusy = true;
  endpoint.instead = (response) => {
    if (!isBusy) return false;
    isBusy = false;
    response.writeHead(429, { "retry-after": "1" }).end();
    return true;
  };
  endpoint.result = ({ row }, { type, attempt }) => {
    if (type === "undo") return row === 2 ? { status: "kept" } : { status: "undone" };
    if (row === 3 && attempt === 1) return { status: "retry" };
    if (row === 4) return { status: "failed", errors: [{ code: "taken", message: "Taken." }] };
    return { status: "created", record_id: `r${row}` };
  };
  const target = await defineEndpoint(admin, { url, undo_url: url });
  const id = await uploadFor(user, target, namedRows(5));
  await user.finished(id);
  await readAll(user, [id]);
  await change(user, id);
}

/** Rows of a table with a column that is unique in the file. */
async function importCustomers(admin: Client, user: Client): Promise<void> {
  const columns = [
    { name: "external_id", type: "text" as const, required: true },
    { name: "full_name", type: "text" as const, unique: { in_file: true } },
  ];
  const target = await defineTarget(admin, "customers", customers({ columns }));
  const { body } = await user.upload(
    "external_id,full_name\nA,Ann\nB,Ann\nC,Cem\n",
    `/api/v1/batches?target=${target}`,
  );
  await user.finished(body.id);
  await readAll(user, [body.id]);
  await change(user, body.id);
}

async function useBooksAndFiles(user: Client): Promise<void> {
  const fields = { title: "Emma", author: "Jane Austen", picture: await picture() };
  const { body } = await user.form<{ id: number }>("POST", "/api/v1/books", fields);
  await user.form("PATCH", `/api/v1/books/${body.id}`, { title: "Other", picture: await picture() });
  await user.get(`/api/v1/books/${body.id}`);
  await user.delete(`/api/v1/books/${body.id}`);
  const file = await storedFile(user, Buffer.alloc(2 ** 21));
  await user.get(`/api/v1/files/${file.id}/content`);
  await user.delete(`/api/v1/files/${file.id}`);
}

test("no statement breaks a rule of Citus, except for named ones", () => {
  const used = new Set<(typeof EXCEPTIONS)[number]>();
  expect(problemsOf(statements.values(), volatility, used)).toEqual([]);
  expect(EXCEPTIONS.filter((exception) => !used.has(exception))).toEqual([]);
});

test("the run changes rows of every table that Citus distributes", () => {
  const texts = [...new Set([...statements.values()].map(({ text }) => text))];
  const unchanged = DISTRIBUTED_TABLES.filter(
    ({ name }) =>
      !texts.some((text) =>
        new RegExp(`(insert into|update|delete from|copy) "?rowmill"?\\."?${name}\\b`, "i").test(text),
      ),
  );
  expect(unchanged.map(({ name }) => name)).toEqual([]);
});
