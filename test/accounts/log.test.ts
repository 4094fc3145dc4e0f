import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { AUTH, type Session } from "../support/auth.ts";
import { atEnd, type Rowmill, startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";

describe("the log", () => {
  const root = resolve(import.meta.dirname, "../..");

  /** The real program with its real log, at its most talkative. */
  async function startProgram(own: Rowmill): Promise<{ url: string; log: () => string }> {
    const program = spawn(process.execPath, [join(root, "src/api.ts")], {
      cwd: import.meta.dirname,
      env: {
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        NODE_OPTIONS: process.env.NODE_OPTIONS,
        DATABASE_URL: own.config.databaseUrl,
        JWT_SECRET: own.config.jwtSecret,
        DATABASE_POOL_MAX: "16",
        LOG_LEVEL: "trace",
        PORT: "0",
      },
    });
    let output = "";
    for (const stream of [program.stdout, program.stderr]) stream.on("data", (data) => (output += data));
    const ended = new Promise((done) => program.once("exit", done));
    atEnd(async () => {
      program.kill("SIGKILL");
      await ended;
    });
    const url = await until(
      "the API listens",
      async () => /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? null,
    );
    return { url, log: () => output };
  }

  const username = "Hedwig Personal";
  const account = { username, password: "password-of-hedwig", email: "hedwig@personal.example" };

  /** Does what a user does. Collects everything that must not be logged. */
  async function useProgram(url: string) {
    const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const response = await fetch(url + path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      });
      return { status: response.status, body: (await response.json()) as Session };
    };
    const signedUp = await post(`${AUTH}/signup`, account);
    expect(signedUp.status).toBe(201);
    expect((await post(`${AUTH}/signup`, account)).status).toBe(409);
    expect((await post(`${AUTH}/login`, account)).status).toBe(200);
    expect((await post(`${AUTH}/login`, { ...account, password: "guess-of-mallory" })).status).toBe(401);
    const { access, refresh } = signedUp.body;
    const headers = { authorization: `Bearer ${access}`, cookie: `access_token=${access}` };
    expect((await fetch(`${url}${AUTH}/me`, { headers })).status).toBe(200);
    const made = await post(`${AUTH}/tokens`, { name: "Hedwig's laptop" }, headers);
    const { token = "" } = made.body as { token?: string };
    const basic = Buffer.from(`${username}:${account.password}`).toString("base64");
    const guess = Buffer.from(`${username}:guess-of-mallory`).toString("base64");
    const meWith = async (authorization: string) =>
      (await fetch(`${url}${AUTH}/me`, { headers: { authorization } })).status;
    expect(await meWith(`Basic ${basic}`)).toBe(200);
    expect(await meWith(`Basic ${guess}`)).toBe(401);
    expect(await meWith(`Token ${token}`)).toBe(200);
    const secrets = [
      token,
      basic,
      guess,
      "Hedwig's laptop",
      username,
      account.email,
      account.password,
      "guess-of-mallory",
      access,
      refresh,
      "$argon2id",
    ];
    return { post, headers, refresh, secrets, meWith, basic, token };
  }

  const shownIn = (log: string, secrets: string[]) =>
    secrets.filter((secret) => log.toLowerCase().includes(secret.toLowerCase()));

  test("the log contains no personal data", async () => {
    await using own = await startRowmill();
    const { url, log } = await startProgram(own);
    const { secrets } = await useProgram(url);
    expect(shownIn(log(), [...secrets, own.config.jwtSecret])).toEqual([]);
  });

  test("the log has each password that was sent, and each refusal, with the account and the address", async () => {
    await using own = await startRowmill();
    const { url, log } = await startProgram(own);
    const { headers } = await useProgram(url);
    expect((await fetch(`${url}/api/v1/admin/queues`, { headers })).status).toBe(403);
    const lines = log()
      .split("\n")
      .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Record<string, unknown>] : []));
    const named = (msg: string) => lines.filter((line) => line.msg === msg);
    const client = { userId: 1, address: "127.0.0.1" };
    expect(named("an account was created")).toEqual([expect.objectContaining(client)]);
    expect(named("a password was sent")).toEqual(
      ["right", "wrong", "right", "wrong"].map((outcome) => expect.objectContaining({ ...client, outcome })),
    );
    expect(
      named("request refused").map(({ code, credentials, route }) => [code, credentials, route]),
    ).toEqual([
      ["unauthenticated", undefined, `${AUTH}/login`],
      ["unauthenticated", "basic", `${AUTH}/me`],
      ["forbidden", "access_token", "/api/v1/admin/queues"],
    ]);
    expect(named("request refused")[2]).toMatchObject(client);
  });

  test("the log contains no personal data if the database fails", async () => {
    await using own = await startRowmill();
    const { url, log } = await startProgram(own);
    const { post, headers, refresh, secrets, meWith, basic, token } = await useProgram(url);
    await own.ctx.pool.query("ALTER TABLE rowmill.users RENAME COLUMN email TO gone");
    expect((await post(`${AUTH}/login`, account, headers)).status).toBe(500);
    expect(
      (await post(`${AUTH}/signup`, { ...account, username: "Hedwig Personal II" }, headers)).status,
    ).toBe(500);
    await own.ctx.pool.query("ALTER TABLE rowmill.users RENAME TO gone");
    expect((await post(`${AUTH}/refresh`, { refresh }, headers)).status).toBe(500);
    expect(await meWith(`Basic ${basic}`)).toBe(500);
    expect(await meWith(`Token ${token}`)).toBe(500);
    await until("the failures are logged", async () => log().split("request failed").length === 6);
    expect(shownIn(log(), [...secrets, own.config.jwtSecret])).toEqual([]);
  });
});
