import { expect, test } from "vitest";
import { AUTH, PASSWORD } from "../support/auth.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { startSecondApi } from "../support/second-api.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { TRUST_PROXY: "loopback", SIGNUPS_PER_HOUR: "5" } });

interface To {
  readonly client?: Client;
  readonly path?: string;
}

function signUp(
  username: string,
  address: string,
  { client = rowmill.client, path = `${AUTH}/signup` }: To = {},
): Promise<Answer<Problem>> {
  const account = { username, password: PASSWORD, password2: PASSWORD, email: "ada@example.com" };
  return client.post<Problem>(path, account, { "x-forwarded-for": address });
}

test("an address creates SIGNUPS_PER_HOUR accounts, also in parallel and on two API processes", async () => {
  await using second = await startSecondApi(rowmill);
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, i) =>
      signUp(`parallel-${i}`, "192.0.2.1", { client: i % 2 ? second.client : rowmill.client }),
    ),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(11);
  expect(refused[0]?.body).toMatchObject({
    code: "too_many_attempts",
    detail: expect.stringContaining("5 accounts per hour (SIGNUPS_PER_HOUR)"),
  });
  const seconds = Number(refused[0]?.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(3000);
  expect(seconds).toBeLessThanOrEqual(3600);
  const stored = "SELECT count(*) FROM rowmill.users WHERE username LIKE 'parallel-%'";
  expect(await count(rowmill.ctx.pool, stored)).toBe(5);
  expect((await signUp("elsewhere", "192.0.2.2")).status).toBe(201);
});

test("all signup routes count together, and invalid signups do not count", async () => {
  const paths = [`${AUTH}/signup`, "/signup/", "/api/users/register/"];
  for (let i = 0; i < 5; i++) expect((await signUp("аda", "192.0.2.3")).status).toBe(400);
  for (let i = 0; i < 5; i++) {
    const path = paths[i % paths.length] ?? "";
    expect((await signUp(`any-road-${i}`, "192.0.2.3", { path })).status).toBe(201);
  }
  for (const path of paths) expect((await signUp("one-more", "192.0.2.3", { path })).status).toBe(429);
});

test("the addresses of an IPv6 network count together", async () => {
  for (let i = 0; i < 5; i++) expect((await signUp(`sixth-${i}`, `2001:db8::${i + 1}`)).status).toBe(201);
  expect((await signUp("sixth-5", "2001:db8::ffff")).status).toBe(429);
});
