import { describe, expect, test } from "vitest";
import { AUTH, authOf, PASSWORD } from "../support/auth.ts";
import type { Problem } from "../support/client.ts";
import { startRowmill } from "../support/rowmill.ts";
import { cpuMsOf } from "../support/stopwatch.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const { logIn, meWith } = authOf(rowmill);

describe("logging in", () => {
  test("logging in ignores the case of the name and returns tokens", async () => {
    await rowmill.client.signUp("Lovelace");
    for (const name of ["Lovelace", "lOVELACE", " lovelace "]) {
      const { status, body } = await logIn(name);
      expect(status).toBe(200);
      expect(body).toEqual({
        access: expect.any(String),
        refresh: expect.any(String),
        expires_in: 3600,
        user: { id: expect.any(Number), username: "Lovelace", role: "user" },
      });
      expect((await meWith(body.access)).body).toMatchObject(body.user);
    }
  });

  test("a login answers the same for a wrong password and an unknown name", async () => {
    await rowmill.client.signUp("known");
    const wrong = await logIn("known", "wrong horse");
    const unknown = await logIn("unknown", "wrong horse");
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(wrong.headers.getSetCookie()).toEqual([]);
    expect(wrong.body).toMatchObject({ status: 401, code: "unauthenticated", field_errors: {} });
    expect(unknown.status).toBe(401);
    expect(unknown.body).toEqual(wrong.body);
  });

  test("a login takes as much work for an unknown name as for a wrong password", async () => {
    await using own = await startRowmill();
    await own.client.signUp("known");
    await logIn("warm up the hash for nobody", "wrong horse", own);
    const costOf = (username: string) =>
      cpuMsOf(async () => expect((await logIn(username, "wrong horse", own)).status).toBe(401));
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 5; i++) {
      known.push(await costOf("known"));
      unknown.push(await costOf("unknown"));
    }
    expect(median(unknown)).toBeGreaterThan(median(known) / 3);
  });

  test.each([
    [{}, ["password", "username"]],
    [{ username: "ada" }, ["password"]],
    [{ password: PASSWORD }, ["username"]],
    [{ username: "a\0b", password: PASSWORD }, ["username"]],
  ])("a login with %o names the invalid fields", async (body, fields) => {
    const answer = await rowmill.client.post<Problem>(`${AUTH}/login`, body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.field_errors).sort()).toEqual(fields);
  });
});

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
