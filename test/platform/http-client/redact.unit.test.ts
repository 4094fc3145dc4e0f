/** Secrets in the answers of services, also those that a limit cuts. */
import { expect, test } from "vitest";
import { withoutCutSecret } from "../../../src/platform/http-client/redact.ts";
import { readRowResult } from "../../../src/targets/endpoints/read-results.ts";
import { keepAnswer, READ_BYTES } from "../../../src/tasks/types/http/answer.ts";

const SECRET = "sk-live-4f1c9b27d3e84a60b5aa7718c2";

test("the end of an answer shows no part of a secret", () => {
  for (let padding = 0; padding < SECRET.length; padding++) {
    const text = "-".repeat(padding) + `${SECRET},`.repeat(3000);
    const body = Buffer.from(text).subarray(0, READ_BYTES);
    const { body: kept } = keepAnswer({ status: 200, headers: {}, body }, [SECRET]);
    expect(String(kept)).not.toContain(SECRET.slice(0, 8));
  }
});

test("of several secrets, the longest part is removed, and other text stays", () => {
  const cut = (text: string) =>
    withoutCutSecret(Buffer.from(text), [SECRET, `${SECRET.slice(0, 20)}xyz`]).toString();
  expect(cut(`a ${SECRET.slice(0, 20)}`)).toBe("a ");
  expect(cut(`a ${SECRET.slice(0, 7)}`)).toBe(`a ${SECRET.slice(0, 7)}`);
  expect(cut("")).toBe("");
});

test("long secrets are in no status, code, column or message of a row", () => {
  const long = "abcdefgh12345678".repeat(200);
  for (const text of [long, `${long} ${long}`]) {
    const errors = [{ column: text, code: text, message: text }];
    for (const result of [{ status: text }, { status: "failed", errors }])
      expect(JSON.stringify(readRowResult(result, [long]))).not.toContain("abcdefgh");
  }
});
