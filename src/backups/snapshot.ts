/** The connection of a backup: one snapshot of all tables, and the lock that admits one backup at a time. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { Config } from "../config/config.ts";
import { DomainError } from "../errors.ts";
import type { Log } from "../platform/log.ts";
import { connectionLimits } from "../platform/postgres/database.ts";
import { liftTimeLimits } from "../platform/postgres/time-limits.ts";

/** The key of the lock: "back" in ASCII. It is held as long as the transaction is open. */
export const BACKUP_LOCK = 0x6261636b;

/** Values as text must not depend on the settings of the role. */
const SETTINGS = `
  SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'`;

export class Snapshot implements AsyncDisposable {
  readonly client: pg.Client;
  readonly #stopListening: () => void;

  /** @throws DomainError `conflict` while another backup runs */
  static async open({ databaseUrl }: Config, signal: AbortSignal, log: Log): Promise<Snapshot> {
    const { query_timeout: _, statement_timeout: __, ...limits } = connectionLimits;
    const client = new pg.Client({
      ...limits,
      connectionString: databaseUrl,
      application_name: "rowmill-backup",
    });
    client.on("error", (error) => log.warn({ err: error }, "the connection of a backup was lost"));
    signal.throwIfAborted();
    await client.connect();
    const snapshot = new Snapshot(client, signal);
    try {
      // It may have been aborted while the client connected.
      signal.throwIfAborted();
      await snapshot.#begin();
      return snapshot;
    } catch (error) {
      await snapshot[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(client: pg.Client, signal: AbortSignal) {
    this.client = client;
    const close = () => void client.end().catch(() => {});
    signal.addEventListener("abort", close, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", close);
  }

  async #begin(): Promise<void> {
    const { client } = this;
    await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${SETTINGS}`);
    // A large table is one statement, and the connection is idle while the backup is verified.
    await liftTimeLimits(client);
    const { rows } = await client.query<{ locked: boolean }>(
      "SELECT pg_try_advisory_xact_lock($1) AS locked",
      [BACKUP_LOCK],
    );
    if (!rows[0]?.locked) throw new DomainError("conflict", "Another backup is running. Wait until it ends.");
  }

  /** Yields the result of a COPY. Ends with an error if the database sends nothing for a while. */
  async *copy(statement: string): AsyncGenerator<Buffer> {
    const stream = this.client.query(copyTo(statement));
    let timer: NodeJS.Timeout | undefined;
    const expectBytes = () => {
      timer = setTimeout(() => {
        stream.destroy(new Error(`The database sent nothing for ${SILENCE_MS / 1000} s.`));
      }, SILENCE_MS);
    };
    expectBytes();
    try {
      for await (const chunk of stream) {
        clearTimeout(timer);
        yield chunk;
        expectBytes();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    // Its end releases the lock. It may be lost already, and a frozen server does not answer.
    await Promise.race([this.client.end().catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })]);
  }
}

const SILENCE_MS = connectionLimits.query_timeout;
const CLOSE_MS = 5000;
