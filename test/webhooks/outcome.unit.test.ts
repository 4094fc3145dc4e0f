import { Webhook as Verifier } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { kinds } from "../../src/announcements/kinds.ts";
import { redact } from "../../src/platform/http-client/redact.ts";
import { sign } from "../../src/platform/http-client/sign.ts";
import { answerText } from "../../src/webhooks/deliver/answer-text.ts";
import { nextStep, type Outcome, readOutcome } from "../../src/webhooks/deliver/outcome.ts";
import { bodyOf, messageIdOf } from "../../src/webhooks/message.ts";
import { generateSecret } from "../../src/webhooks/secrets.ts";

const now = new Date("2026-11-22T00:00:00Z");
const SCHEDULE = [5, 60, 300, 1800, 7200, 18_000, 36_000];

const outcomeOf = (status: number, headers: Record<string, string> = {}): Outcome => ({
  ...readOutcome({ status, headers, body: Buffer.alloc(0) }, [], now),
  ms: 1,
  answer: "",
});

describe("an answer", () => {
  test.each([200, 201, 204, 299])("%i is a success", (status) => {
    expect(nextStep(outcomeOf(status), 1, SCHEDULE)).toEqual({ kind: "delivered" });
  });

  test.each([301, 302, 304, 400, 401, 404, 500, 503])("%i is repeated", (status) => {
    expect(nextStep(outcomeOf(status), 1, SCHEDULE).kind).toBe("retry");
  });

  test("410 is final, and so is a request to stop, but only if the message was not accepted", () => {
    expect(nextStep(outcomeOf(410), 1, SCHEDULE).kind).toBe("failed");
    const stop = { "webhook-delivery": "abort-message" };
    expect(nextStep(outcomeOf(500, stop), 1, SCHEDULE).kind).toBe("failed");
    expect(nextStep(outcomeOf(200, stop), 1, SCHEDULE).kind).toBe("delivered");
  });

  test("429, 502 and 504 ask for fewer requests, and so does 503 with Retry-After", () => {
    const overloaded = (headers?: Record<string, string>) =>
      [200, 400, 429, 500, 502, 503, 504].filter((status) => outcomeOf(status, headers).isOverloaded);
    expect(overloaded()).toEqual([429, 502, 504]);
    expect(overloaded({ "retry-after": "soon" })).toEqual([429, 502, 504]);
    expect(overloaded({ "retry-after": "7" })).toEqual([429, 502, 503, 504]);
  });
});

test("an attempt that was interrupted is repeated, however often", () => {
  const interrupted = { ...outcomeOf(500), status: null, isInterrupted: true };
  for (const tries of [1, SCHEDULE.length + 1])
    expect(nextStep(interrupted, tries, SCHEDULE)).toEqual({ kind: "repeat" });
});

describe("the next attempt", () => {
  const delayOf = (outcome: Outcome, tries = 1) => {
    const step = nextStep(outcome, tries, SCHEDULE);
    return step.kind === "retry" ? step.afterSeconds : null;
  };

  test("follows the schedule, 20 % earlier or later", () => {
    for (const [index, delay] of SCHEDULE.entries()) {
      const delays = Array.from({ length: 200 }, () => delayOf(outcomeOf(500), index + 1) ?? 0);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(delay * 0.8);
      expect(Math.max(...delays)).toBeLessThanOrEqual(delay * 1.2);
      expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(delay * 0.2);
    }
    expect(delayOf(outcomeOf(500), SCHEDULE.length + 1)).toBeNull();
  });

  test("the next attempt waits as long as Retry-After says, up to an hour, if the endpoint is overloaded", () => {
    for (const status of [429, 502, 503, 504]) {
      expect(delayOf(outcomeOf(status, { "retry-after": "3600" }))).toBe(3600);
      expect(delayOf(outcomeOf(status, { "retry-after": "Sun, 22 Nov 2026 00:10:00 GMT" }))).toBe(600);
      for (const long of ["3601", "9".repeat(400), "Sun, 22 Nov 2026 02:00:00 GMT"])
        expect(delayOf(outcomeOf(status, { "retry-after": long }))).toBe(3600);
    }
    const ignored = [
      outcomeOf(500, { "retry-after": "600" }),
      ...["-5", "soon", "", "Sat, 21 Nov 2026 00:00:00 GMT"].map((value) =>
        outcomeOf(429, { "retry-after": value }),
      ),
    ];
    for (const outcome of ignored) expect(delayOf(outcome)).toBeLessThanOrEqual(6);
    // It never shortens the schedule.
    expect(delayOf(outcomeOf(429, { "retry-after": "1" }), 3)).toBeGreaterThanOrEqual(240);
  });
});

test("the location of a redirect is in the error, without secrets and cut after 300 characters", () => {
  const headers = { location: `https://example.com/?key=${"k".repeat(20)}&${"x".repeat(2000)}` };
  const { error } = readOutcome({ status: 307, headers, body: Buffer.alloc(0) }, ["k".repeat(20)], now);
  expect(error).toContain("307, a redirect to https://example.com/?key=[redacted]&xxx");
  expect(error?.length).toBeLessThan(420);
});

test("an answer is stored as text that PostgreSQL accepts, without secrets, also at the cut", () => {
  const secret = generateSecret();
  const key = secret.slice("whsec_".length);
  const bytes = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(`${secret} ${key}`)]);
  expect(answerText(bytes, [secret])).toBe("\uFFFD\uFFFD[redacted] [redacted]");
  for (const before of [4040, 4070, 4090, 4095]) {
    const text = answerText(Buffer.from("a".repeat(before) + secret), [secret]);
    expect(text).not.toContain("whsec_");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
  }
  expect(answerText(Buffer.from("é".repeat(3000)), [])).toBe("é".repeat(2048));
  expect(redact("Bearer abcdefgh and a short one", ["Bearer abcdefgh", "short"])).toBe(
    "[redacted] and a short one",
  );
  expect(redact("token abcdefgh", ["Bearer abcdefgh"])).toBe("token [redacted]");
});

test("a signature agrees with the library of Standard Webhooks", () => {
  const [first, second] = [generateSecret(), generateSecret()];
  const timestamp = Math.floor(Date.now() / 1000);
  const message = { id: "msg_1", timestamp, body: '{"a":"é\u2028"}' };
  expect(sign([first], message)).toBe(
    new Verifier(first).sign("msg_1", new Date(timestamp * 1000), message.body),
  );
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(timestamp),
    "webhook-signature": sign([first, second], message),
  };
  for (const secret of [first, second])
    expect(new Verifier(secret).verify(message.body, headers)).toEqual({ a: "é\u2028" });
});

test("the body of every kind is below 20 kB, however long its texts are", () => {
  const text = "\u0001".repeat(100_000);
  const id = "01a20159-f320-7af5-a6be-a1fe00000000";
  const texts = ["target", "file_name", "state", "reason", "message"].map((name) => [name, text]);
  const data = { batch_id: id, task_id: id, webhook_id: id, ...Object.fromEntries(texts) };
  for (const kind of kinds) {
    const body = bodyOf("https://rowmill.example.com", {
      messageId: "",
      kind,
      occurredAt: now,
      sequence: 1,
      data,
    });
    expect(Buffer.byteLength(body)).toBeLessThan(20_000);
  }
  const surrogate = {
    messageId: "",
    kind: "task.failed",
    occurredAt: now,
    sequence: 2,
    data: { title: "\ud800" },
  } as const;
  expect(bodyOf("https://r", surrogate)).toContain('"title":"\\ufffd"');
});

test("an id of a message has no dashes and no dots", () => {
  expect(messageIdOf("01a20159-f320-7af5-a6be-a1fe00000000")).toBe("msg_01a20159f3207af5a6bea1fe00000000");
});

test("secrets that are parts of the replacement, however many, are redacted in one pass", () => {
  const secrets = Array.from({ length: 1100 }, () => "redacted redacted[.*");
  expect(redact("a redacted[.* b redacted c", secrets)).toBe("a [redacted] b [redacted] c");
});
