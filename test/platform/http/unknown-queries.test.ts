import { expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { operationsOf, readDocument } from "../../support/document.ts";
import { createOfflineApp } from "../../support/offline-app.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
const admin = useAdmin(rowmill);

/** Mail servers add parameters to links, and libraries to the addresses of event streams. */
const OPEN = ["/api/v1/confirm-email", "/api/v1/unsubscribe", "/api/v1/events", "/api/v1/admin/events"];

test("every read of the API with query parameters refuses an unknown one, and names those that it knows", async () => {
  const app = await createOfflineApp();
  const reads = operationsOf(await readDocument(app)).filter(
    ({ method, path, operation }) =>
      method === "GET" &&
      path.startsWith("/api/v1/") &&
      !OPEN.includes(path) &&
      operation.parameters?.some((one) => one.in === "query"),
  );
  expect(reads.length).toBeGreaterThan(30);
  for (const { path, operation } of reads) {
    const known = operation.parameters?.filter((one) => one.in === "query").map(({ name }) => name);
    const url = path.replaceAll(/\{\w+\}/g, "1");
    const { status, body } = await admin.get<Problem>(`${url}?statsu=failed`);
    expect({ path, status, errors: body.field_errors }).toEqual({
      path,
      status: 400,
      errors: { statsu: [`Unknown parameter. Known parameters: ${known?.toSorted().join(", ")}.`] },
    });
  }
});

/** @returns the fields that are refused; the body of another answer may never end, and is not read */
async function refused(path: string): Promise<string[]> {
  const gone = new AbortController();
  const headers = { authorization: `Bearer ${admin.token}` };
  const answer = await fetch(admin.url + path, { headers, signal: gone.signal });
  const fields = answer.status === 400 ? Object.keys(((await answer.json()) as Problem).field_errors) : [];
  gone.abort();
  return fields;
}

test("a HEAD request is refused like a GET request", async () => {
  const headers = { authorization: `Bearer ${admin.token}` };
  const { status } = await fetch(`${admin.url}/api/v1/tasks?statsu=failed`, { method: "HEAD", headers });
  expect(status).toBe(400);
});

test("reads without query parameters and the legacy API ignore unknown ones", async () => {
  for (const path of ["/api/v1/auth/me", "/api/tasks/tasks/"])
    expect((await user.get(`${path}?statsu=failed`)).status).toBe(200);
});

test("links of mails and event streams ignore unknown parameters", async () => {
  for (const path of OPEN)
    expect(await refused(`${path}?utm_source=mail&lastEventId=1`)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/utm_source|lastEventId/)]),
    );
  expect(await refused("/api/v1/tasks?utm_source=mail")).toEqual(["utm_source"]);
});
