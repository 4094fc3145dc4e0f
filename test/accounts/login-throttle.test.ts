import { describe, expect, test } from "vitest";
import { authOf, PASSWORD } from "../support/auth.ts";
import type { Client } from "../support/client.ts";
import { startRowmill } from "../support/rowmill.ts";
import { startSecondApi } from "../support/second-api.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const { logIn } = authOf(rowmill);

describe("failed logins", () => {
  async function failTimes(times: number, username: string, at: { client: Client }): Promise<void> {
    for (let i = 0; i < times; i++) {
      expect((await logIn(username, "wrong horse", at)).status).toBe(401);
    }
  }

  test("ten failed logins lock out one user and nobody else", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    await own.client.signUp("bystander");
    await failTimes(9, "target", own);
    expect((await logIn("target", "wrong horse", own)).status).toBe(401);
    const { status, headers, body } = await logIn("target", PASSWORD, own);
    expect(status).toBe(429);
    expect(body).toMatchObject({ status: 429, code: "too_many_attempts" });
    expect(headers.getSetCookie()).toEqual([]);
    expect(headers.get("retry-after")).toMatch(/^\d+$/);
    const seconds = Number(headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(500);
    expect(seconds).toBeLessThanOrEqual(600);
    expect((await own.client.post("/login/", { username: "target", password: PASSWORD })).status).toBe(429);
    expect((await logIn("bystander", PASSWORD, own)).status).toBe(200);
  });

  test("fewer than ten failed logins lock out nobody", async () => {
    await using own = await startRowmill();
    await own.client.signUp("forgetful");
    await failTimes(9, "forgetful", own);
    expect((await logIn("forgetful", PASSWORD, own)).status).toBe(200);
  });

  test("failed logins are counted across API processes", async () => {
    await using own = await startRowmill();
    await using second = await startSecondApi(own);
    await own.client.signUp("target");
    await failTimes(5, "target", own);
    await failTimes(5, "target", second);
    expect((await logIn("target", PASSWORD, own)).status).toBe(429);
    expect((await logIn("target", PASSWORD, second)).status).toBe(429);
  });

  test("failed logins are counted ignoring the case of the name", async () => {
    await using own = await startRowmill();
    await own.client.signUp("Émilie");
    for (const name of ["Émilie", "émilie", "ÉMILIE", " émilie ", "E\u0301milie"])
      await failTimes(2, name, own);
    expect((await logIn("Émilie", PASSWORD, own)).status).toBe(429);
    expect((await logIn("éMILIE", PASSWORD, own)).status).toBe(429);
  });

  test("a successful login resets the count of failed logins", async () => {
    await using own = await startRowmill();
    await own.client.signUp("clumsy");
    for (let round = 0; round < 2; round++) {
      await failTimes(9, "clumsy", own);
      expect((await logIn("clumsy", PASSWORD, own)).status).toBe(200);
    }
  });

  test("a lockout ends after Retry-After", async () => {
    await using own = await startRowmill();
    await own.client.signUp("patient");
    await failTimes(10, "patient", own);
    expect((await logIn("patient", PASSWORD, own)).status).toBe(429);
    await own.ctx.pool.query("UPDATE rowmill.rate_limits SET expire = $1", [Date.now() - 1000]);
    expect((await logIn("patient", PASSWORD, own)).status).toBe(200);
  });

  test("failed logins with many names lock out their address", async () => {
    await using own = await startRowmill();
    await own.client.signUp("bystander");
    for (let i = 0; i < 10; i++) await failTimes(5, `name ${i}`, own);
    expect((await logIn("bystander", PASSWORD, own)).status).toBe(429);
  });

  test("concurrent failed logins do not exceed the limit", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, i) => logIn("target", `guess number ${i}`, own)),
    );
    const heard = guesses.filter(({ status }) => status === 401);
    expect(heard.length).toBeLessThanOrEqual(10);
  });
});
