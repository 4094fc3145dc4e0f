import { describe, expect, test } from "vitest";
import { AUTH, cookiesOf, PASSWORD, type Session } from "../support/auth.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { startSecondApi } from "../support/second-api.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { TRUST_PROXY: "loopback" } });

interface From {
  readonly address: string;
  readonly cookie?: string;
  readonly client?: Client;
}

function logIn(
  username: string,
  password: string,
  { address, cookie, client = rowmill.client }: From,
): Promise<Answer<Session & Problem>> {
  const headers = { "x-forwarded-for": address, ...(cookie ? { cookie } : {}) };
  return client.post(`${AUTH}/login`, { username, password }, headers);
}

async function failTimes(times: number, username: string, from: From): Promise<void> {
  for (let i = 0; i < times; i++) expect((await logIn(username, "wrong horse", from)).status).toBe(401);
}

/** A network of its own for each test. */
let networks = 0;
function newNetwork(): (host: number) => string {
  const network = ++networks;
  return (host) => `10.${network}.${host >> 8}.${host & 255}`;
}

async function statusesOf(answers: readonly Promise<Answer<object>>[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Prolongs the delays of a second, so that a slow machine cannot outlast them. */
async function prolongDelays(): Promise<void> {
  await rowmill.ctx.pool.query(
    "UPDATE rowmill.login_counters SET blocked_until = blocked_until + interval '1 hour' WHERE blocked_until > now() - interval '1 minute'",
  );
}

describe("right passwords", () => {
  test("parallel logins with the right password all succeed", async () => {
    await rowmill.client.signUp("parallel");
    const from = { address: newNetwork()(1) };
    const answers = Array.from({ length: 20 }, () => logIn("parallel", PASSWORD, from));
    expect(await statusesOf(answers)).toEqual({ 200: 20 });
  });

  test("parallel logins of many accounts from one address all succeed", async () => {
    const names = ["office-1", "office-2", "office-3"];
    for (const name of names) await rowmill.client.signUp(name);
    const from = { address: newNetwork()(1) };
    const answers = Array.from({ length: 60 }, (_, i) => logIn(names[i % 3] ?? "", PASSWORD, from));
    expect(await statusesOf(answers)).toEqual({ 200: 60 });
  });

  test("a successful login resets the failures of its address", async () => {
    await rowmill.client.signUp("clumsy");
    const from = { address: newNetwork()(1) };
    for (let round = 0; round < 3; round++) {
      await failTimes(9, "clumsy", from);
      expect((await logIn("clumsy", PASSWORD, from)).status).toBe(200);
    }
  });
});

describe("wrong passwords", () => {
  test("ten failures of an address delay its next login to the account, and nobody else's", async () => {
    await rowmill.client.signUp("target");
    await rowmill.client.signUp("bystander");
    const at = newNetwork();
    const from = { address: at(1) };
    await failTimes(10, "target", from);
    const { status, headers, body } = await logIn("target", PASSWORD, from);
    expect([status, body.code]).toEqual([429, "too_many_attempts"]);
    expect(body.detail).toContain("10 logins failed for this account from your address");
    expect(headers.getSetCookie()).toEqual([]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(30);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
    const legacy = { username: "target", password: PASSWORD };
    const forwarded = { "x-forwarded-for": at(1) };
    expect((await rowmill.client.post("/login/", legacy, forwarded)).status).toBe(429);
    expect((await rowmill.client.post("/api/users/login/", legacy, forwarded)).status).toBe(429);
    const authorization = `Basic ${Buffer.from(`target:${PASSWORD}`).toString("base64")}`;
    expect((await rowmill.client.get(`${AUTH}/me`, { authorization, ...forwarded })).status).toBe(429);
    expect((await logIn("bystander", PASSWORD, from)).status).toBe(200);
    expect((await logIn("target", PASSWORD, { address: at(2) })).status).toBe(200);
  });

  test("each further failure doubles the delay, and a success ends it", async () => {
    await rowmill.client.signUp("patient");
    const from = { address: newNetwork()(1) };
    await failTimes(10, "patient", from);
    const { pool } = rowmill.ctx;
    for (const delay of [60, 120, 240]) {
      const { headers } = await logIn("patient", PASSWORD, from);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(delay - 30);
      expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(delay);
      await pool.query("UPDATE rowmill.login_counters SET blocked_until = now() WHERE blocked_until > now()");
      await failTimes(1, "patient", from);
    }
    await pool.query("UPDATE rowmill.login_counters SET blocked_until = now() WHERE blocked_until > now()");
    expect((await logIn("patient", PASSWORD, from)).status).toBe(200);
    await failTimes(9, "patient", from);
  });

  test("parallel guesses never exceed the limit, on two API processes together", async () => {
    await using second = await startSecondApi(rowmill);
    await rowmill.client.signUp("guessed");
    const address = newNetwork()(1);
    const guesses = Array.from({ length: 40 }, (_, i) =>
      logIn("guessed", `guess ${i}`, { address, client: i % 2 ? second.client : rowmill.client }),
    );
    expect(await statusesOf(guesses)).toEqual({ 401: 10, 429: 30 });
  });

  test.each([
    ["émilie", ["Émilie", "émilie", "ÉMILIE", " émilie ", "E\u0301milie"]],
    ["nobody i", ["nobody i", "NOBODY I", "nobody \u0130", "NOBODY \u0130", "Nobody i"]],
  ])(
    "failures for %s are counted under all spellings that the database takes for it",
    async (name, spellings) => {
      await rowmill.client.signUp(name === "émilie" ? name : `account of ${name}`);
      const from = { address: newNetwork()(1) };
      const same: string[] = [];
      for (const spelling of spellings) {
        const { rows } = await rowmill.ctx.pool.query("SELECT lower($1::text) = lower($2::text) AS same", [
          spelling.trim().normalize("NFC"),
          name,
        ]);
        if (rows[0]?.same) same.push(spelling);
      }
      expect(same.length).toBeGreaterThanOrEqual(3);
      for (let i = 0; i < 10; i++) await failTimes(1, same[i % same.length] ?? "", from);
      for (const spelling of same) expect((await logIn(spelling, PASSWORD, from)).status).toBe(429);
    },
  );

  test("the addresses of an IPv6 network are counted together", async () => {
    await rowmill.client.signUp("sixth");
    for (let i = 0; i < 10; i++) await failTimes(1, "sixth", { address: `2001:db8:1:2::${i + 1}` });
    expect((await logIn("sixth", PASSWORD, { address: "2001:db8:1:2:ffff::1" })).status).toBe(429);
    expect((await logIn("sixth", PASSWORD, { address: "2001:db8:1:3::1" })).status).toBe(200);
  });

  test("guesses at many accounts delay unknown clients of their address", async () => {
    await rowmill.client.signUp("regular");
    const at = newNetwork();
    const from = { address: at(1) };
    expect((await logIn("regular", PASSWORD, from)).status).toBe(200);
    for (let i = 0; i < 10; i++) await failTimes(5, `sprayed ${i}`, from);
    await prolongDelays();
    const { status, body } = await logIn("sprayed again", PASSWORD, from);
    expect(status).toBe(429);
    expect(body.detail).toContain("50 logins failed from your address");
    // The address has logged in to this account before.
    expect((await logIn("regular", PASSWORD, from)).status).toBe(200);
  });
});

describe("an account that is guessed at from many addresses", () => {
  test("an owner with a known device or a known address still gets in", async () => {
    await rowmill.client.signUp("owner");
    const at = newNetwork();
    const { headers } = await logIn("owner", PASSWORD, { address: at(1) });
    const [name = "", device] = [...cookiesOf(headers)].find(([name]) => name.startsWith("device_")) ?? [];
    expect(Object.fromEntries(device?.attributes ?? [])).toMatchObject({ httponly: "", samesite: "Lax" });
    const cookie = `${name}=${device?.value}`;

    const guesses = Array.from({ length: 75 }, (_, i) =>
      logIn("owner", `guess ${i}`, { address: at(100 + i) }),
    );
    const { 401: verified = 0, 429: refused = 0 } = await statusesOf(guesses);
    // The delays of 1, 2, 4, 8 and 16 seconds each let one more guess in.
    expect(verified).toBeGreaterThanOrEqual(50);
    expect(verified).toBeLessThanOrEqual(55);
    expect(verified + refused).toBe(75);
    await prolongDelays();
    const elsewhere = await logIn("owner", PASSWORD, { address: at(99) });
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([
      429,
      expect.stringContaining("50 logins failed for this account from devices and addresses that have not"),
    ]);
    expect((await logIn("owner", PASSWORD, { address: at(99), cookie })).status).toBe(200);
    expect((await logIn("owner", PASSWORD, { address: at(1) })).status).toBe(200);

    for (let i = 0; i < 10; i++) await failTimes(1, "owner", { address: at(i), cookie });
    expect((await logIn("owner", PASSWORD, { address: at(99), cookie })).status).toBe(429);
    expect((await logIn("owner", PASSWORD, { address: at(1) })).status).toBe(200);
  });

  test("a device cookie counts only for its own account and with its signature", async () => {
    await rowmill.client.signUp("mine");
    const victim = await rowmill.client.signUp("victim");
    const at = newNetwork();
    const own = cookiesOf((await logIn("mine", PASSWORD, { address: at(1) })).headers);
    const [, { value = "" } = {}] = [...own].find(([name]) => name.startsWith("device_")) ?? [];
    const forged = `device_${victim.userId}=${value}`;
    await failTimes(10, "victim", { address: at(1) });
    expect((await logIn("victim", PASSWORD, { address: at(1), cookie: forged })).status).toBe(429);
  });
});
