import { expect, test, vi } from "vitest";
import { ChangeListener } from "../../../src/platform/postgres/change-listener.ts";
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
