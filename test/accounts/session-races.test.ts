/** Requests that change one session at the same time, on two API processes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changePassword } from "../../src/accounts/control/change-password.ts";
import { disableAccount } from "../../src/accounts/control/disable-account.ts";
import { logOutEverywhere } from "../../src/accounts/control/end-logins.ts";
import { findById } from "../../src/accounts/queries.ts";
import { logOut } from "../../src/accounts/sessions/end-sessions.ts";
import { MAX_SESSIONS, openSession } from "../../src/accounts/sessions/open-session.ts";
import { rotateSession } from "../../src/accounts/sessions/rotate-session.ts";
import { createToken } from "../../src/accounts/tokens/create-token.ts";
import { sessions } from "../../src/schema/accounts.ts";
import { AUTH } from "../support/auth.ts";
import { type SecondApi, startSecondApi } from "../support/second-api.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);
const PAIRS = 120;
const CLIENT = { address: "192.0.2.7", userAgent: "test" };

let second: SecondApi;
beforeAll(async () => {
  second = await startSecondApi(rowmill);
});
afterAll(() => second[Symbol.asyncDispose]());

/** Whether a session goes on: its newest refresh token works. */
const goesOn = (refresh: string) =>
  rotateSession(rowmill.ctx, refresh, CLIENT).then(
    () => true,
    () => false,
  );

/** The refresh token that the client has after a refresh that raced with something else. */
const refreshed = (refresh: string) =>
  rotateSession(second.ctx, refresh, CLIENT).then(
    (next) => next.refresh,
    () => refresh,
  );

describe("no refresh that races with it survives", () => {
  test("no refresh that races with a logout survives", async ({ annotate }) => {
    const pairs = await Promise.all(
      Array.from({ length: PAIRS }, async () => {
        const { refresh } = await openSession(rowmill.ctx, { id: user.userId }, CLIENT);
        const [next] = await Promise.all([refreshed(refresh), logOut(rowmill.ctx, refresh)]);
        return { hasRefreshed: next !== refresh, isAlive: await goesOn(next) };
      }),
    );
    expect(pairs.filter(({ isAlive }) => isAlive)).toEqual([]);
    await annotate(
      `${pairs.filter(({ hasRefreshed }) => hasRefreshed).length} of ${PAIRS} refreshes came first`,
    );
  });

  test.each<[string, (id: number) => Promise<unknown>]>([
    ["a logout everywhere", (id) => logOutEverywhere(rowmill.ctx, id)],
    ["a disabled account", (id) => disableAccount(rowmill.ctx, id)],
    [
      "a new password",
      (id) =>
        changePassword(rowmill.ctx, id, {
          password: "a better horse",
          by: "owner",
          keptSession: null,
          keepsApiTokens: false,
        }),
    ],
  ])("%s", async (_, end) => {
    const opened = await Promise.all(
      Array.from({ length: 30 }, () => openSession(rowmill.ctx, { id: user.userId }, CLIENT)),
    );
    const [next] = await Promise.all([
      Promise.all(opened.map(({ refresh }) => refreshed(refresh))),
      end(user.userId),
    ]);
    expect((await Promise.all(next.map(goesOn))).filter(Boolean)).toEqual([]);
  });
});

test("a login whose password was changed since it was verified opens no session", async () => {
  const account = await findById(rowmill.ctx, user.userId);
  const change = {
    password: "a better horse",
    by: "owner",
    keptSession: null,
    keepsApiTokens: false,
  } as const;
  await changePassword(rowmill.ctx, user.userId, change);
  const late = openSession(
    rowmill.ctx,
    { id: user.userId, passwordHash: account?.passwordHash ?? "" },
    CLIENT,
  );
  await expect(late).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a login that ended since the request was authenticated creates no API token", async () => {
  const caller = { id: user.userId, username: "any", role: "user" } as const;
  const { sessionId } = await openSession(rowmill.ctx, { id: user.userId }, CLIENT);
  const { passwordHash = "" } = (await findById(rowmill.ctx, user.userId)) ?? {};
  const logins = [
    { proof: "access_token", user: caller, sessionId },
    { proof: "password", user: caller, passwordHash },
  ] as const;
  const create = (login: (typeof logins)[number], name: string) =>
    createToken(rowmill.ctx, login, { name, expiresInDays: null });
  for (const login of logins) await create(login, `before, with ${login.proof}`);
  const change = {
    password: "a better horse",
    by: "owner",
    keptSession: null,
    keepsApiTokens: false,
  } as const;
  await changePassword(rowmill.ctx, user.userId, change);
  for (const login of logins)
    await expect(create(login, "after")).rejects.toMatchObject({ code: "unauthenticated" });
});

test("two concurrent changes of one password leave one of the two", async () => {
  const change = (new_password: string) =>
    user.post(`${AUTH}/password`, { current_password: "correct horse", new_password });
  const answers = await Promise.all([change("a better horse"), change("the best horse")]);
  const statuses = answers.map(({ status }) => status).sort();
  expect([
    [204, 400],
    [204, 409],
  ]).toContainEqual(statuses);
});

test("a user has a bounded number of sessions, and a further login ends the one that was used least recently", async () => {
  const start = Date.now() - MAX_SESSIONS * 1000;
  const rows = Array.from({ length: MAX_SESSIONS - 1 }, (_, index) => ({
    id: crypto.randomUUID(),
    userId: user.userId,
    lastUsedAt: new Date(start + index * 1000),
    expiresAt: new Date(Date.now() + 60_000),
  }));
  await rowmill.ctx.db.insert(sessions).values(rows);
  const { sessionId } = await openSession(rowmill.ctx, { id: user.userId }, CLIENT);
  const { rows: ended } = await rowmill.ctx.pool.query<{ id: string }>(
    "SELECT id FROM rowmill.sessions WHERE user_id = $1 AND ended_at IS NOT NULL",
    [user.userId],
  );
  expect(ended).toEqual([{ id: rows[0]?.id }]);
  expect(sessionId).not.toBe(rows[0]?.id);
  expect((await user.get(`${AUTH}/me`)).status).toBe(200);
});
