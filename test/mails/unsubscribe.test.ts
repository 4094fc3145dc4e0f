import { expect, test } from "vitest";
import { readUnsubscribeToken, unsubscribeToken } from "../../src/mails/unsubscribe/token.ts";
import { unsubscribe } from "../../src/mails/unsubscribe/unsubscribe.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

test("unsubscribing from a kind turns off its mails, and nothing else", async () => {
  const { ctx } = rowmill;
  const { jwtSecret } = ctx.config;
  const token = unsubscribeToken(jwtSecret, { userId: user.userId }, "batch.finished");
  for (let i = 0; i < 2; i++) expect(await unsubscribe(ctx, token)).toBe(true);
  const { rows } = await ctx.pool.query(
    "SELECT kind, in_app, email, webhook FROM rowmill.notification_preferences",
  );
  expect(rows).toEqual([{ kind: "batch.finished", in_app: null, email: false, webhook: null }]);
});

test("a token of a removed user, or with another secret, changes nothing", async () => {
  const { ctx } = rowmill;
  expect(
    await unsubscribe(ctx, unsubscribeToken(ctx.config.jwtSecret, { userId: 4711 }, "task.failed")),
  ).toBe(true);
  expect(
    await unsubscribe(ctx, unsubscribeToken("y".repeat(32), { userId: user.userId }, "task.failed")),
  ).toBe(false);
  const { rows } = await ctx.pool.query(
    "SELECT FROM rowmill.notification_preferences WHERE kind = 'task.failed'",
  );
  expect(rows).toEqual([]);
});

test("a token names an address with any characters", () => {
  const subscriber = { address: 'jörg+"x"@müller.de' };
  const token = unsubscribeToken("secret", subscriber, "bulk_message");
  expect(token).toMatch(/^[\w.-]+$/);
  expect(readUnsubscribeToken("secret", token)).toEqual({ subscriber, subscription: "bulk_message" });
});
