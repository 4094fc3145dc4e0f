import { expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { operationsOf, readDocument } from "../../support/document.ts";
import { createOfflineApp } from "../../support/offline-app.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
const admin = useAdmin(rowmill);

test("every read of the API with query parameters refuses an unknown one, and names those that it knows", async () => {
  const app = await createOfflineApp();
  const reads = operationsOf(await readDocument(app)).filter(
    ({ method, path, operation }) =>
      method === "GET" &&
      path.startsWith("/api/v1/") &&
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

test("reads without query parameters and the legacy API ignore unknown ones", async () => {
  for (const path of ["/api/v1/auth/me", "/api/tasks/tasks/"])
    expect((await user.get(`${path}?statsu=failed`)).status).toBe(200);
});
