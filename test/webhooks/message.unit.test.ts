import { expect, test } from "vitest";
import { bodyOf } from "../../src/webhooks/message.ts";

test("the message of a failed tick links to its schedule", () => {
  const data = { schedule_id: "01a2", name: "Nightly", tick_at: "2026-11-26T00:00:00Z", reason: "" };
  const body = bodyOf("https://rowmill.test", {
    messageId: "01a3",
    kind: "schedule.failed",
    occurredAt: new Date(0),
    sequence: 1,
    data,
  });
  expect(JSON.parse(body).data.link).toBe("https://rowmill.test/api/v1/schedules/01a2");
});
