import { afterAll, expect, test } from "vitest";
import { adminOf } from "../support/admin.ts";
import { defineEndpoint, Endpoint, namedRows, sendJson, uploadFor } from "../support/endpoints.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { startPrograms } from "../support/processes.ts";
import { RECEIVER_SETTINGS } from "../support/receiver.ts";

const endpoint = await Endpoint.start();
afterAll(() => endpoint[Symbol.asyncDispose]());

test("workers that are killed in the middle lose no row of an endpoint, and repeat requests with the same ids", async () => {
  await using rowmill = await startPrograms(RECEIVER_SETTINGS);
  const api = await rowmill.serveApi();
  const admin = await adminOf(rowmill, api);
  const user = await api.client.signUp("reader");
  endpoint.instead = (response, { rows }) => {
    for (const row of rows) endpoint.created.set(row.id, row);
    const results = rows.map(({ id }) => ({ id, status: "created" }));
    setTimeout(() => sendJson(response, 200, { results }), 100);
    return true;
  };
  const target = await defineEndpoint(admin, { url: endpoint.url, batch_size: 20, max_in_flight: 4 });
  const id = await uploadFor(user, target, namedRows(1000));
  for (const requests of [5, 20]) {
    const worker = await rowmill.startWorker();
    await endpoint.receiver.received(requests);
    await worker.kill();
    await missHeartbeats(rowmill.ctx);
  }
  await rowmill.startWorker();
  const batch = await user.finished(id, 90_000);
  expect(batch).toMatchObject({ state: "completed", counts: { success: 1000, failed: 0 } });
  expect(endpoint.created.size).toBe(1000);
  const sent = new Map<string, string>();
  const messages = new Map<string, string>();
  for (const { headers, body } of endpoint.receiver.requests) {
    const message = String(headers["webhook-id"]);
    expect(messages.get(message) ?? body).toBe(body);
    messages.set(message, body);
    const { rows } = JSON.parse(body) as { rows: { id: string }[] };
    for (const row of rows) {
      expect(sent.get(row.id) ?? message).toBe(message);
      sent.set(row.id, message);
    }
  }
  expect(endpoint.receiver.maxOpen).toBeLessThanOrEqual(8);
});
