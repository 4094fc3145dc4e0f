/** Records the statements that programs in this process send. */
import pg from "pg";
import { onTestFinished } from "vitest";
import { type Statement, statementOf } from "./sent-statements.ts";

/**
 * Records statements until the test ends.
 * @returns the statements of each connection, in their order: several connections are in use at the same time
 */
export function recordStatements(): ReadonlyMap<pg.Client, readonly string[]> {
  const sent = new Map<pg.Client, string[]>();
  const stop = onStatement((client, { text }) => {
    sent.set(client, [...(sent.get(client) ?? []), text.replaceAll('"', "").replaceAll(/\s+/g, " ").trim()]);
  });
  onTestFinished(stop);
  return sent;
}

/** @returns a function that stops it */
export function onStatement(listener: (client: pg.Client, statement: Statement) => void): () => void {
  const send = pg.Client.prototype.query;
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const statement = statementOf(given);
    if (statement) listener(this, statement);
    return (send as (...given: unknown[]) => unknown).apply(this, given);
  } as typeof send;
  return () => {
    pg.Client.prototype.query = send;
  };
}
