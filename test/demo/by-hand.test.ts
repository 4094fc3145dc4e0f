/** The curl script and the Postman collection that ship with the demo. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { useRowmill } from "../support/use-rowmill.ts";

const demo = (name: string) => fileURLToPath(new URL(`../../src/demo/${name}`, import.meta.url));

const rowmill = useRowmill({ worker: true });

test("the curl script runs from signup to the list of books", async () => {
  const { stdout } = await promisify(execFile)("sh", [demo("tour.sh"), rowmill.url]);
  expect(stdout).toContain(
    '"state":"completed_with_errors","counts":{"total":320,"pending":0,"processing":0,"success":308,"failed":12,"unprocessed":0,"undone":0}',
  );
  expect(stdout).toContain('"error_message":"title is required"');
  expect(stdout).toMatch(/The first books:\n\{"items":\[\{"id":\d+,"title":"/);
  expect(stdout).toMatch(
    /The task that read the file:\n\{.*"status":"completed",.*"message":"\\"books.csv\\" is CSV with 320 rows/,
  );
});

interface PostmanRequest {
  name: string;
  event?: { script: { exec: string[] } }[];
  request: {
    method: string;
    url: string;
    auth?: { type: string };
    header?: { key: string; value: string }[];
    body?: { raw?: string; formdata?: { key: string; src: string }[] };
  };
}

test("the Postman collection runs from top to bottom", async () => {
  const collection: { item: PostmanRequest[]; variable: { key: string; value: string }[] } = JSON.parse(
    readFileSync(demo("postman_collection.json"), "utf8"),
  );
  const variables = new Map(collection.variable.map(({ key, value }) => [key, value]));
  variables.set("base_url", rowmill.url);
  const fill = (text: string) =>
    text.replace(/\{\{(\w+)\}\}/g, (_, name) => variables.get(name) ?? `no variable ${name}`);
  const statuses: [string, number][] = [];
  for (const { name, request, event } of collection.item) {
    const headers = new Headers(request.header?.map(({ key, value }): [string, string] => [key, value]));
    if (request.auth?.type !== "noauth") headers.set("authorization", fill("Bearer {{token}}"));
    const response = await fetch(fill(request.url), {
      method: request.method,
      headers,
      body: bodyOf(request, fill),
    });
    statuses.push([name, response.status]);
    const answer = await response.json();
    for (const line of event?.[0]?.script.exec ?? []) {
      const [, variable = "", path = ""] = /set\('(\w+)', pm\.response\.json\(\)\.(.+)\);/.exec(line) ?? [];
      variables.set(variable, valueAt(answer, path));
    }
  }
  expect(statuses).toEqual([
    ["Sign up", 201],
    ["Log in", 200],
    ["Upload a CSV", 202],
    ["Get a row", 200],
    ["Get the batch with its rows", 200],
    ["Get the batch", 200],
    ["List failed rows", 200],
    ["List books", 200],
    ["Upload a file", 201],
    ["Create a task", 201],
    ["Get the task", 200],
    ["List tasks", 200],
  ]);
});

function bodyOf(
  { body }: PostmanRequest["request"],
  fill: (text: string) => string,
): FormData | string | null {
  const file = body?.formdata?.[0];
  if (!file) return body?.raw === undefined ? null : fill(body.raw);
  const form = new FormData();
  form.set(file.key, new Blob([readFileSync(demo(file.src))]), file.src);
  return form;
}

/** `a.b[0]` in an answer. */
function valueAt(answer: unknown, path: string): string {
  let value = answer;
  for (const key of path.split(/[.[\]]+/).filter(Boolean)) value = (value as Record<string, unknown>)[key];
  return String(value);
}
