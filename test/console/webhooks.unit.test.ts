import { describe, expect, test } from "vitest";
import { parseHeaders } from "../../src/console/pages/webhooks/headers.ts";
import { healthOf } from "../../src/console/pages/webhooks/health.ts";

describe("the health of a webhook", () => {
  const webhook = {
    is_enabled: true,
    failing_since: null,
    is_throttled: false,
    held_until: null,
    last_success_at: "2026-11-22T03:43:21.893Z",
  };
  const now = Date.parse("2026-11-22T04:00:00Z");

  test.each([
    ["healthy", {}],
    ["unused", { last_success_at: null }],
    ["failing", { failing_since: "2026-11-22T03:50:00Z" }],
    ["slowed", { failing_since: "2026-11-22T03:50:00Z", is_throttled: true }],
    ["slowed", { held_until: "2026-11-22T04:10:00Z" }],
    ["healthy", { held_until: "2026-11-22T03:59:00Z" }],
    ["off", { is_enabled: false, failing_since: "2026-11-22T03:50:00Z" }],
  ])("is %s with %j", (health, changes) => {
    expect(healthOf({ ...webhook, ...changes }, now)).toBe(health);
  });
});

describe("headers of a webhook", () => {
  test("headers of a webhook are read line by line", () => {
    expect(parseHeaders("Authorization: Bearer a:b\n\n  x-tenant:7 \n")).toEqual({
      headers: { authorization: "Bearer a:b", "x-tenant": "7" },
    });
  });

  test.each(["no colon", ": value", "name:"])("headers of a webhook refuse the line %s", (line) => {
    expect(parseHeaders(line).error).toContain(`"${line}" is not a header`);
  });
});
