/** Follows docs/extending/target.md in a copy of the sources. */
import { execFile } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rowIdOf } from "../../src/batches/ids.ts";
import { checkout, unset } from "../support/commands.ts";
import { startPrograms } from "../support/processes.ts";
import { createDatabase, type TestDatabase } from "../support/rowmill.ts";

const REGISTRY = "src/targets/all.ts";

const page = readFileSync(join(checkout, "docs/extending/target.md"), "utf8");

/** The files of the page, by path. The registry's block is the line to add. */
const blocks: ReadonlyMap<string, string> = new Map(
  [...page.matchAll(/`(src\/[\w/-]+\.ts)`[^`]*:\n\n```ts\n([\s\S]*?)```/g)].map(
    ([, path = "", code = ""]) => [path, code],
  ),
);

const linesOf = (path: string) => (blocks.get(path) ?? "").split("\n").filter((line) => line.trim() !== "");

let copy: string;
let database: TestDatabase;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), "rowmill-target-"));
  for (const name of ["src", "drizzle", "package.json", "drizzle.config.ts", "tsconfig.json", "biome.json"])
    cpSync(join(checkout, name), join(copy, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "test"));
  database = await createDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(copy, { recursive: true });
});

/** A command in the copy; its output is in the error where it fails. */
const inCopy = (command: string, ...args: string[]) =>
  promisify(execFile)(command, args, {
    cwd: copy,
    env: { ...process.env, ...unset, DATABASE_URL: database.url, JWT_SECRET: "x".repeat(32) },
  });

test("the page has its files, and the set-based target is under 40 lines", () => {
  expect([...blocks.keys()]).toEqual([
    "src/schema/cities.ts",
    "src/targets/cities/target.ts",
    REGISTRY,
    "src/targets/contacts/target.ts",
  ]);
  expect([...blocks.keys()].slice(0, 3).flatMap(linesOf).length).toBeLessThan(40);
  expect(linesOf(REGISTRY)).toHaveLength(1);
});

test("both documented targets import files", async () => {
  await using crm = await startCrm();
  for (const [path, code] of blocks) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    if (path === REGISTRY) appendFileSync(join(copy, path), code);
    else writeFileSync(join(copy, path), code.replace("https://crm.example.com", crm.url));
  }
  appendFileSync(join(copy, REGISTRY), 'export { contactsTarget } from "./contacts/target.ts";\n');
  await inCopy("npx", "--no-install", "tsc", "--singleThreaded");
  await inCopy("npm", "run", "migration", "--", "--name", "cities");
  await inCopy("npm", "run", "cli", "--", "migrate");

  await using rowmill = await startPrograms({}, database.url, copy);
  await rowmill.startWorker();
  const { client } = await rowmill.startApi();
  const user = await client.signUp("ada");
  const names = (await user.get<{ items: { name: string }[] }>("/api/v1/targets")).body.items.map(
    ({ name }) => name,
  );
  expect(names).toEqual(["books", "cities", "contacts", "records"]);

  const cities = await user.upload(
    "Town,Country Code\nLima,PE\nParis,France\nOslo,NO\n",
    "/api/v1/batches?target=cities",
  );
  expect(cities.status).toBe(202);
  expect(await user.finished(cities.body.id)).toMatchObject({ counts: { success: 2, failed: 1 } });
  const rows = await user.rows(cities.body.id);
  expect(rows.map(({ error_message }) => error_message)).toEqual([
    null,
    "country must be two capital letters",
    null,
  ]);
  const stored = await rowmill.ctx.pool.query(
    "SELECT id::int, user_id::int, name, country FROM rowmill.cities ORDER BY id",
  );
  expect(stored.rows).toEqual([
    { id: rows[0]?.record_id, user_id: user.userId, name: "Lima", country: "PE" },
    { id: rows[2]?.record_id, user_id: user.userId, name: "Oslo", country: "NO" },
  ]);

  const contacts = await user.upload("email\nada@x\nbusy@x\nbad@x\n", "/api/v1/batches?target=contacts");
  expect(await user.finished(contacts.body.id)).toMatchObject({ counts: { success: 2, failed: 1 } });
  expect(await user.rows(contacts.body.id)).toMatchObject([
    { status: "success", record_id: 1, attempts: 1 },
    { status: "success", record_id: 2, attempts: 2 },
    {
      status: "failed",
      errors: [{ column: "email", code: "refused", message: "no such address" }],
      attempts: 1,
    },
  ]);
  const keys = crm.received.map(({ email, headers }) => [email, headers["idempotency-key"]]).sort();
  const key = (row: number) => rowIdOf(contacts.body.id, row);
  expect(keys).toEqual([
    ["ada@x", key(2)],
    ["bad@x", key(4)],
    ["busy@x", key(3)],
    ["busy@x", key(3)],
  ]);
});

/** A service that is busy the first time it sees busy@x, and does not take bad@x. */
async function startCrm() {
  const received: { email: string; headers: IncomingHttpHeaders }[] = [];
  const ids = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const { email } = JSON.parse(await text(request)) as { email: string };
    const isNew = received.every((one) => one.email !== email);
    received.push({ email, headers: request.headers });
    if (email === "busy@x" && isNew) response.writeHead(429, { "retry-after": "1" }).end();
    else if (email === "bad@x") response.writeHead(422).end("no such address");
    else {
      ids.set(email, ids.get(email) ?? ids.size + 1);
      response
        .writeHead(201, { "content-type": "application/json" })
        .end(JSON.stringify({ id: ids.get(email) }));
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
