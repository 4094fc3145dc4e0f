import Fastify from "fastify";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { handleErrors, Problem } from "../../../src/platform/http/errors.ts";

/** Throws the error of PostgreSQL for a statement that waits too long for a lock. */
async function waitInVain(serverUrl: string): Promise<never> {
  const [holder, waiter] = [serverUrl, serverUrl].map(
    (connectionString) => new pg.Client({ connectionString, lock_timeout: 50 }),
  );
  if (!holder || !waiter) throw new Error("no clients");
  await Promise.all([holder.connect(), waiter.connect()]);
  try {
    await holder.query("SELECT pg_advisory_lock(4711)");
    await waiter.query("SELECT pg_advisory_lock(4711)");
    throw new Error("it waited for nothing");
  } finally {
    await Promise.all([holder.end(), waiter.end()]);
  }
}

test("a lock timeout answers 503 with Retry-After", async () => {
  const app = Fastify();
  handleErrors(app);
  app.addSchema(Problem);
  app.get("/", () => waitInVain(inject("serverUrl")));
  const { statusCode, headers, body } = await app.inject("/");
  expect(statusCode).toBe(503);
  expect(headers["retry-after"]).toBe("5");
  expect(JSON.parse(body)).toMatchObject({
    code: "unavailable",
    detail: expect.stringContaining("Try again"),
  });
});
