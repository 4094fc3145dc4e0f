/** A server with a standby for all tests of a file, and APIs that read from it: DATABASE_READ_URL. */
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { Client } from "./client.ts";
import { type OwnServer, ownServer } from "./own-server.ts";
import { type Rowmill, startRowmill } from "./rowmill.ts";
import { startSecondApi } from "./second-api.ts";
import { type Standby, startStandby } from "./standby.ts";
import { until } from "./until.ts";

export interface Replicated {
  readonly server: OwnServer;
  readonly standby: Standby;
  /** An API that reads from the standby, and one that does not. Users of both are known to the standby. */
  startApis(settings?: NodeJS.ProcessEnv): Promise<{ rowmill: Rowmill; user: Client; elsewhere: Client }>;
  /** Lets the standby cancel reads at once if they hold up its replay, until the end of the test. */
  cancelAtOnce(): Promise<void>;
  /** The number of reads that the standby has cancelled because of locks. */
  countConflicts(): Promise<number>;
}

export function useReplicated(): Replicated {
  const resources = new AsyncDisposableStack();
  let server: OwnServer;
  let standby: Standby;

  beforeAll(async () => {
    server = resources.use(await ownServer());
    standby = resources.use(await startStandby(server));
  }, 60_000);
  afterAll(() => resources.disposeAsync());

  return {
    get server() {
      return server;
    },
    get standby() {
      return standby;
    },
    async startApis(settings = {}) {
      await standby.resume();
      const rowmill = await startRowmill({ DATABASE_READ_URL: standby.url, ...settings }, server.url);
      onTestFinished(() => rowmill[Symbol.asyncDispose]());
      const other = await startSecondApi(rowmill, { databaseReadUrl: "" });
      onTestFinished(() => other[Symbol.asyncDispose]());
      const elsewhere = await other.client.signUp(`user-${Math.random().toString(36).slice(2)}`);
      const user = rowmill.client.as({
        access: elsewhere.token,
        refresh: "",
        user: { id: elsewhere.userId },
      });
      await untilCaughtUp(rowmill);
      return { rowmill, user, elsewhere };
    },
    async cancelAtOnce() {
      const reload = () => standby.query("SELECT pg_reload_conf()");
      await standby.query("ALTER SYSTEM SET max_standby_streaming_delay = 0").then(reload);
      onTestFinished(async () => {
        await standby.query("ALTER SYSTEM RESET max_standby_streaming_delay").then(reload);
      });
    },
    async countConflicts() {
      const [{ conflicts = 0 } = {}] = await standby.query<{ conflicts: number }>(
        "SELECT sum(confl_lock)::int AS conflicts FROM pg_stat_database_conflicts",
      );
      return conflicts;
    },
  };
}

/** The standby shows everything that was committed before the call, and the API knows it. */
export async function untilCaughtUp({ ctx }: Rowmill): Promise<void> {
  const calledAt = performance.now();
  await until("the standby has caught up", async () => {
    const lagMs = (ctx.replica?.lagSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    return performance.now() - lagMs > calledAt;
  });
}

/** Returns the number of times that a read takes a connection to the standby. */
export function countReads({ ctx }: Rowmill): () => number {
  let count = 0;
  ctx.replica?.pool.on("acquire", () => count++);
  return () => count;
}
