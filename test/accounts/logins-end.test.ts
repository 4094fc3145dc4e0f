/** Every way to end logins acts on every kind of login, on every process. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findCommand } from "../../src/cli/commands.ts";
import { AUTH, PASSWORD } from "../support/auth.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Client, Problem } from "../support/client.ts";
import { receive } from "../support/imports.ts";
import { type Account, LoginProbe, type Logins, newAccount } from "../support/logins.ts";
import { pgbouncer, startPgBouncer, whyNoPgBouncer } from "../support/pgbouncer.ts";
import { atEnd } from "../support/rowmill.ts";
import { type SecondApi, startSecondApi } from "../support/second-api.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);

/** Below the five seconds after which a process reads a session again without being told. */
const CAP_MS = 3000;
const NEW_PASSWORD = "a much better horse";

const ENDED = "401 unauthenticated";
const DISABLED = "403 account_disabled";
const UP = "200 user";
const all = (answer: string, stream: string): Logins => ({
  first: answer,
  second: answer,
  cookie: answer,
  apiToken: answer,
  basic: answer,
  firstStream: stream,
  secondStream: stream,
  cookieStream: stream,
  apiTokenStream: stream,
  basicStream: stream,
});
const firstEnded: Logins = {
  ...all(UP, "open"),
  first: ENDED,
  cookie: ENDED,
  firstStream: "ended",
  cookieStream: "ended",
};
const sessionsEnded: Logins = { ...firstEnded, second: ENDED, secondStream: "ended" };

async function importUsers(line: string): Promise<void> {
  const id = await receive(admin, `username,password,role\n${line}\n`, "upsert", "users");
  await deliverChunk(rowmill.ctx, id, 2);
}

async function cli(line: string): Promise<void> {
  const session = { config: rowmill.config, connect: async () => rowmill.ctx };
  await findCommand(line.split(" "))?.(session);
}

const accountPath = ({ first }: Account) => `/api/v1/accounts/${first.userId}`;

async function sessionOf({ first }: Account): Promise<string> {
  const { body } = await first.get<{ items: { id: string; is_current: boolean }[] }>(`${AUTH}/sessions`);
  return body.items.find(({ is_current }) => is_current)?.id ?? "";
}

const VERBS: readonly [string, (account: Account) => Promise<unknown>, Logins][] = [
  ["a logout", ({ first }) => first.post(`${AUTH}/logout`, { refresh: first.refresh }), firstEnded],
  [
    "the end of one session",
    async (account) => account.second.delete(`${AUTH}/sessions/${await sessionOf(account)}`),
    firstEnded,
  ],
  ["the end of all other sessions", ({ second }) => second.delete(`${AUTH}/sessions`), firstEnded],
  [
    "a change of one's own password",
    ({ second }) =>
      second.post(`${AUTH}/password`, { current_password: PASSWORD, new_password: NEW_PASSWORD }),
    { ...all(ENDED, "ended"), second: UP, secondStream: "open" },
  ],
  [
    "a change of one's own password that keeps the API tokens",
    ({ second }) =>
      second.post(`${AUTH}/password`, {
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        keep_api_tokens: true,
      }),
    {
      ...all(ENDED, "ended"),
      second: UP,
      secondStream: "open",
      apiToken: UP,
      apiTokenStream: "open",
    },
  ],
  [
    "an imported password",
    ({ username }) => importUsers(`${username},${NEW_PASSWORD},`),
    all(ENDED, "ended"),
  ],
  ["an imported role", ({ username }) => importUsers(`${username},,operator`), all("200 operator", "open")],
  ["a disabled account", (account) => admin.post(`${accountPath(account)}/disable`), all(DISABLED, "ended")],
  [
    "an administrator's logout everywhere",
    (account) => admin.delete(`${accountPath(account)}/sessions`),
    sessionsEnded,
  ],
  [
    "an administrator's revocation of all API tokens",
    (account) => admin.delete(`${accountPath(account)}/tokens`),
    { ...all(UP, "open"), apiToken: ENDED, apiTokenStream: "ended" },
  ],
  [
    "the revocation of one's own API token",
    ({ first, tokenId }) => first.delete(`${AUTH}/tokens/${tokenId}`),
    { ...all(UP, "open"), apiToken: ENDED, apiTokenStream: "ended" },
  ],
  [
    "the command `accounts disable`",
    ({ username }) => cli(`accounts disable ${username}`),
    all(DISABLED, "ended"),
  ],
  ["the command `accounts log-out`", ({ username }) => cli(`accounts log-out ${username}`), sessionsEnded],
  [
    "the command `accounts revoke-tokens`",
    ({ username }) => cli(`accounts revoke-tokens ${username}`),
    { ...all(UP, "open"), apiToken: ENDED, apiTokenStream: "ended" },
  ],
];

let accounts = 0;

/** An account whose logins all work at an API, which may have cached them, with an open event stream each. */
async function loggedInAt({ client }: SecondApi): Promise<{ account: Account; probe: LoginProbe }> {
  accounts += 1;
  const account = await newAccount(rowmill.client, `leaver-${accounts}`);
  const batchId = await receive(account.first, "title,author\nEmma,Jane Austen\n");
  const probe = new LoginProbe(client, account);
  atEnd(async () => probe[Symbol.dispose]());
  await probe.openStreams(batchId);
  await probe.sees(all(UP, "open"), CAP_MS);
  return { account, probe };
}

async function run(verb: (account: Account) => Promise<unknown>, account: Account): Promise<void> {
  const answer = (await verb(account)) as { status: number } | undefined;
  expect(answer?.status ?? 200).toBeLessThan(300);
}

describe("a second API that receives changes", () => {
  const second = useSecondApi();

  test.for(VERBS)(
    "obeys %s for every kind of login within 100 ms",
    async ([, verb, expected], { annotate }) => {
      const { account, probe } = await loggedInAt(second());
      await run(verb, account);
      const ms = await probe.sees(expected, CAP_MS);
      await annotate(`Seen after ${ms.toFixed(0)} ms, which includes the probe.`);
      expect(await probe.look()).toEqual(expected);
      using own = new LoginProbe(rowmill.client, account);
      expect(expected).toMatchObject(await own.look());
    },
  );

  test("a second API that receives changes refuses the refresh tokens of ended sessions, and a login of a disabled account after the right password", async () => {
    const { account, probe } = await loggedInAt(second());
    const { client } = second();
    await run(({ first }) => first.post(`${AUTH}/logout`, { refresh: first.refresh }), account);
    const refresh = (refresh: string) =>
      client.post<Problem & { refresh: string }>(`${AUTH}/refresh`, { refresh });
    expect((await refresh(account.first.refresh)).status).toBe(401);
    const { body: next, status } = await refresh(account.second.refresh);
    expect(status).toBe(200);
    await run((account) => admin.post(`${accountPath(account)}/disable`), account);
    await probe.sees(all(DISABLED, "ended"), CAP_MS);
    expect((await refresh(next.refresh)).body.code).toBe("account_disabled");
    const logIn = (password: string) =>
      client.post<Problem>(`${AUTH}/login`, { username: account.username, password });
    expect((await logIn(PASSWORD)).body).toMatchObject({ status: 403, code: "account_disabled" });
    expect((await logIn("wrong horse")).body).toMatchObject({ status: 401, code: "unauthenticated" });
    await run((account) => admin.post(`${accountPath(account)}/enable`), account);
    const again = { ...all(ENDED, "ended"), apiToken: UP, basic: UP };
    await probe.sees(again, CAP_MS);
    expect((await logIn(PASSWORD)).status).toBe(200);
  });

  test("obeys a logout although its listening connection was lost and came back", async () => {
    const { account, probe } = await loggedInAt(second());
    await rowmill.ctx.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rowmill-listen' AND datname = current_database()",
    );
    await run(({ first }) => first.post(`${AUTH}/logout`, { refresh: first.refresh }), account);
    await probe.sees(firstEnded, CAP_MS);
  });

  test("uses the cache while it receives changes", async () => {
    const { account, probe } = await loggedInAt(second());
    await until("the session is cached", async () => (await readsOf(second(), account.second)) === 0);
    await run(({ first }) => first.post(`${AUTH}/logout`, { refresh: first.refresh }), account);
    await probe.sees({ first: ENDED }, CAP_MS);
  });
});

describe("a second API that receives no changes", () => {
  test("a second API that receives no changes does not trust its cache while its listening connection is lost", async () => {
    await using second = await startSecondApi(rowmill);
    const { account, probe } = await loggedInAt(second);
    await second.ctx.listener.close();
    await run(({ first }) => first.post(`${AUTH}/logout`, { refresh: first.refresh }), account);
    expect((await probe.look()).first).toBe(ENDED);
    expect(await readsOf(second, account.second)).toBe(1);
    await probe.sees(firstEnded, CAP_MS);
  });

  test.each(VERBS)("obeys %s at once for every kind of login", async (_, verb, expected) => {
    await using second = await startSecondApi(rowmill);
    await second.ctx.listener.close();
    const { account, probe } = await loggedInAt(second);
    await run(verb, account);
    expect(await probe.look()).toMatchObject(withoutStreams(expected));
    await probe.sees(expected, CAP_MS);
  });

  test.skipIf(pgbouncer === null)(
    `obeys a logout behind PgBouncer (${pgbouncer ?? whyNoPgBouncer})`,
    async ({ annotate }) => {
      await using bouncer = await startPgBouncer(rowmill.config.databaseUrl);
      await using second = await startSecondApi(rowmill, { databaseUrl: bouncer.url });
      expect(second.ctx.hasSessions).toBe(false);
      const { account, probe } = await loggedInAt(second);
      await run(({ first }) => first.post(`${AUTH}/logout`, { refresh: first.refresh }), account);
      expect((await probe.look()).first).toBe(ENDED);
      const ms = await probe.sees(firstEnded, CAP_MS);
      await annotate(`The streams ended after ${ms.toFixed(0)} ms.`);
    },
  );
});

function withoutStreams(logins: Logins): Logins {
  return Object.fromEntries(Object.entries(logins).filter(([name]) => !name.endsWith("Stream")));
}

/** The number of reads of sessions that one request with the access token causes. */
async function readsOf({ ctx, client }: SecondApi, { token }: Client): Promise<number> {
  const queries = vi.spyOn(pg.Client.prototype, "query");
  try {
    const headers = { authorization: `Bearer ${token}` };
    expect((await client.get("/api/v1/targets", headers)).status).toBe(200);
    expect(ctx.pool.totalCount).toBeGreaterThan(0);
    return queries.mock.calls.filter((call) => JSON.stringify(call[0]).includes('\\"sessions\\"')).length;
  } finally {
    queries.mockRestore();
  }
}

function useSecondApi(): () => SecondApi {
  let second: SecondApi | undefined;
  beforeAll(async () => {
    second = await startSecondApi(rowmill);
  });
  afterAll(() => second?.[Symbol.asyncDispose]());
  return () => {
    if (!second) throw new Error("The second API has not started yet.");
    return second;
  };
}
