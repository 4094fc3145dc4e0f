/** Keys that every JavaScript object inherits: they must be treated as any other unknown key. */
import { beforeAll, describe, expect, test } from "vitest";
import { newAdmin } from "../support/admin.ts";
import type { Client, Problem } from "../support/client.ts";
import { operationsOf, readDocument } from "../support/document.ts";
import { requestsOf, type Sent } from "../support/fuzz.ts";
import { BOUNDARY, END, partHead, sendRaw } from "../support/raw-upload.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const NAMES = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__", "__defineGetter__"];

/** They take turns. */
const VALUES = [`"x"`, "{}", "[1]"];

/** Each place gets the only name with a setter, and one of the others in turn. */
function* turns(): Generator<readonly string[], never> {
  const others = NAMES.filter((name) => name !== "__proto__");
  for (;;) for (const name of others) yield ["__proto__", name];
}

const rowmill = useRowmill();

beforeAll(() => rowmill.startWorker());

const turn = turns();
const nextNames = () => turn.next().value;

/** Returns the body twice per object in it, with an inherited name as another key. */
function bodiesWith(body: string): string[] {
  // The parser drops `__proto__` if it is set by an assignment, so it is put into the text.
  return [...body.matchAll(/\{/g)].flatMap(({ index }, object) =>
    nextNames().map((name, at) => {
      const rest = body.slice(index + 1);
      const comma = rest.startsWith("}") ? "" : ",";
      const value = VALUES[(at + object) % VALUES.length];
      return `${body.slice(0, index)}{"${name}":${value}${comma}${rest}`;
    }),
  );
}

function variantsOf({ method, path, headers, body }: Sent): Sent[] {
  const query = path.includes("?") ? "&" : "?";
  const inQuery = nextNames().map((name) => ({ method, path: `${path}${query}${name}=x`, headers }));
  const json = { ...headers, "content-type": "application/json" };
  const text = typeof body === "string" ? body : "{}";
  const inBody =
    method === "GET" ? [] : bodiesWith(text).map((one) => ({ method, path, headers: json, body: one }));
  const inPath = nextNames()
    .map((name) => path.replace(/[^/]+(?=\/?$)/, name))
    .map((one) => ({
      method,
      path: one,
      headers,
    }));
  return [...inQuery, ...inPath, ...inBody];
}

test("inherited names in queries, paths and JSON bodies never cause a 5xx", async () => {
  const client = await newAdmin(rowmill);
  const document = await readDocument(rowmill.app);
  const failures: string[] = [];
  let sent = 0;
  for (const operation of operationsOf(document)) {
    const [plain] = requestsOf(document, operation, { row: "3", queue: "default" });
    for (const { method, path, headers, body } of plain ? variantsOf(plain) : []) {
      const init = { method, headers: { ...headers, authorization: `Bearer ${client.token}` } };
      // Not through the client: a wrong path or method has no documented answer.
      const { status } = await fetch(rowmill.url + path, {
        ...init,
        ...(body === undefined ? {} : { body }),
      });
      sent += 1;
      if (status >= 500) failures.push(`${method} ${path} ${body}: ${status}`);
    }
  }
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(900);
});

describe("inherited names in an upload", () => {
  const file = "title,author\nEmma,Jane Austen\n";
  const upload = (user: Client, fields: Record<string, string>, content = file) =>
    user.form<Problem & { id: string }>("POST", "/api/v1/batches?force=true", {
      ...fields,
      file: Buffer.from(content),
    });

  test.for(NAMES)("a form field named %s is ignored or refused", async (name) => {
    const user = await rowmill.newUser();
    expect([202, 400]).toContain((await upload(user, { [name]: "x" })).status);
  });

  test.for(NAMES)("a part header named %s does no harm", async (name) => {
    const user = await rowmill.newUser();
    const head = partHead().replace("content-type", `${name}: x\r\ncontent-type`);
    const { status } = await sendRaw(user, head + file + END);
    expect([202, 400]).toContain(status);
    expect((await user.get("/livez")).status).toBe(200);
  });

  test.for(NAMES)("a parameter of a part named %s does no harm", async (name) => {
    const user = await rowmill.newUser();
    const body = partHead(`name="file"; ${name}="x"; filename="a.csv"`) + file + END;
    expect([202, 400]).toContain((await sendRaw(user, body)).status);
    const named = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nx\r\n${partHead()}${file}${END}`;
    expect([202, 400]).toContain((await sendRaw(user, named)).status);
  });

  test.for(NAMES)("an option with the value %s is refused or does no harm", async (name) => {
    const user = await rowmill.newUser();
    for (const option of ["delimiter", "quote", "encoding", "target", "mode", "mapping", "columns"]) {
      expect([202, 400]).toContain((await upload(user, { [option]: name })).status);
    }
    for (const mapping of [`{"${name}":"title"}`, `{"title":"${name}"}`]) {
      expect([202, 400]).toContain((await upload(user, { mapping })).status);
    }
  });

  test("columns with these names are imported and shown", async () => {
    const user = await rowmill.newUser();
    for (const target of ["books", "records"]) {
      const columns = `title,author,${NAMES.join()}\nEmma,Jane Austen,${NAMES.map((name) => `own ${name}`).join()}\n`;
      const { status, body } = await upload(user, { target }, columns);
      expect(status).toBe(202);
      await user.finished(body.id);
      const rows = await user.get<{ items: { fields: Record<string, string> }[] }>(
        `/api/v1/batches/${body.id}/rows`,
      );
      expect(rows.status).toBe(200);
      const fields = Object.entries(rows.body.items[0]?.fields ?? {});
      expect(fields).toEqual(expect.arrayContaining(NAMES.map((name) => [name, `own ${name}`])));
      for (const path of ["", "/rows/2", "/errors", "/results/all.csv", "/results/all.ndjson"]) {
        expect(
          (
            await fetch(`${rowmill.url}/api/v1/batches/${body.id}${path}`, {
              headers: { authorization: `Bearer ${user.token}` },
            })
          ).status,
        ).toBe(200);
      }
    }
    expect((await user.get("/api/v1/records")).status).toBe(200);
    expect((await user.get("/books/")).status).toBe(200);
  });
});
