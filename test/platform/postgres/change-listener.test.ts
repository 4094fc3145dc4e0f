import { expect, test, vi } from "vitest";
import { ChangeListener } from "../../../src/platform/postgres/change-listener.ts";
import { relayTo } from "../../support/relay.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

test("a handler hears of changes that were published before its channel was heard, whether the listener was connected or not", async () => {
  const { ctx } = rowmill;
  const listener = new ChangeListener(ctx.config, true, ctx.log);
  try {
    for (const channel of ["first", "second"]) {
      const handler = vi.fn();
      listener.listen(channel, handler);
      await until("the channel is heard", async () => listener.isListeningTo(channel));
      await until("the handler looks", async () => handler.mock.calls.length > 0);
      expect(handler.mock.calls).toEqual([[null]]);
      await ctx.pool.query("SELECT pg_notify($1, 'news')", [channel]);
      await until("the change arrives", async () => handler.mock.calls.length > 1);
      expect(handler.mock.calls).toEqual([[null], ["news"]]);
    }
  } finally {
    await listener.close();
  }
});

test("a channel is heard although the database did not answer in time when the listener asked for it", async () => {
  const { ctx } = rowmill;
  const url = new URL(ctx.config.databaseUrl);
  await using relay = await relayTo(url.hostname, Number(url.port || 5432));
  url.host = `127.0.0.1:${relay.port}`;
  const listener = new ChangeListener({ databaseUrl: url.href }, true, ctx.log);
  try {
    listener.listen("first", () => {});
    await until("the channel is heard", async () => listener.isListeningTo("first"));
    relay.pause();
    const handler = vi.fn();
    listener.listen("second", handler);
    // After the time limit of the statement, and before that of the next one.
    setTimeout(() => relay.resume(), 7000);
    await until("the channel is heard", async () => listener.isListeningTo("second"));
    expect(handler).toHaveBeenCalledWith(null);
  } finally {
    await listener.close();
  }
});
