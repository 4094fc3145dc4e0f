/** Records the statements that programs in this process send. */
import pg from "pg";
import { onTestFinished } from "vitest";

/**
 * Records statements until the test ends.
 * @returns the statements of each connection, in their order: several connections are in use at the same time
 */
export function recordStatements(): ReadonlyMap<pg.Client, readonly string[]> {
  const sent = new Map<pg.Client, string[]>();
  const send = pg.Client.prototype.query;
  onTestFinished(() => {
    pg.Client.prototype.query = send;
  });
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [query] = given as [string | { text?: string }];
    const text = typeof query === "string" ? query : query?.text;
    if (text)
      sent.set(this, [...(sent.get(this) ?? []), text.replaceAll('"', "").replaceAll(/\s+/g, " ").trim()]);
    return (send as (...given: unknown[]) => unknown).apply(this, given);
  } as typeof send;
  return sent;
}
