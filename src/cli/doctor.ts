/** Checks an installation, and says how to fix each problem. */
import { sql } from "drizzle-orm";
import type pg from "pg";
import { RUNNABLE_STATES } from "../batches/state.ts";
import type { Config } from "../config/config.ts";
import { QUEUES } from "../jobs.ts";
import { pendingMigrations } from "../migrate.ts";
import { createLog } from "../platform/log.ts";
import { databaseOn, openPool } from "../platform/postgres/database.ts";
import { grantsToMigrate, grantsToRun } from "../platform/postgres/schemas.ts";
import { aliveWorkers } from "../queues/workers/queries.ts";
import { pausedQueues } from "../schema/workers.ts";
import { command } from "./command.ts";

export interface Finding {
  readonly isGood: boolean;
  readonly text: string;
}

const good = (text: string): Finding => ({ isGood: true, text });
const bad = (text: string): Finding => ({ isGood: false, text });

type AliveWorker = Awaited<ReturnType<typeof aliveWorkers>>[number];

const OLDEST_NODE = 24;
const SILENT_MINUTES = 2;

export const doctor = command({
  name: "doctor",
  usage: "",
  summary: "Check this installation, and say how to fix problems.",
  options: {},
  async run({ config }) {
    const pool = openPool(config.databaseUrl, 2, createLog({ logLevel: "silent" }, "cli"));
    const findings = await diagnose(config, pool).finally(() => pool.end());
    for (const { isGood, text } of findings) console.log(`${isGood ? "✓" : "✗"} ${text}`);
    if (findings.some(({ isGood }) => !isGood)) process.exitCode = 1;
  },
});

/** Runs the checks in order; stops if the database is missing, because all others would fail for the same reason. */
export async function diagnose(config: Config, pool: pg.Pool): Promise<Finding[]> {
  const findings = [checkNode()];
  try {
    findings.push(await checkServer(pool));
  } catch (error) {
    return [
      ...findings,
      bad(
        `Cannot reach the database: ${error instanceof Error ? error.message : error}. Check DATABASE_URL.`,
      ),
    ];
  }
  const grants = await grantsToRun(pool);
  if (grants.length > 0) {
    const statements = grants.join(" ");
    return [
      ...findings,
      bad(`The role may not use Rowmill's tables. As the owner of the database, run: ${statements}`),
    ];
  }
  const pending = await pendingMigrations(pool);
  if (pending > 0) return [...findings, ...(await explainPending(pending, pool))];
  findings.push(good("The database is up to date."));
  const alive = await aliveWorkers({ db: databaseOn(pool) });
  findings.push(
    await checkConnections(config, pool),
    await checkClock(pool),
    await checkTimeouts(pool),
    checkWorkers(alive),
    await checkQueues(pool, alive),
    await checkChunks(pool),
  );
  return findings;
}

function checkNode(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  return major >= OLDEST_NODE
    ? good(`Node ${process.versions.node} is supported.`)
    : bad(`Node ${process.versions.node} is too old. Install Node ${OLDEST_NODE} or later.`);
}

async function checkServer(pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query("SELECT current_setting('server_version') AS version");
  return good(`PostgreSQL ${rows[0].version} answers.`);
}

async function explainPending(pending: number, pool: pg.Pool): Promise<Finding[]> {
  const findings = [bad(`${pending} migration(s) are missing. Run: npm run cli -- migrate`)];
  const grants = await grantsToMigrate(pool);
  if (grants.length > 0) {
    findings.push(bad(`The role may not migrate. As the owner of the database, run: ${grants.join(" ")}`));
  }
  return findings;
}

async function checkConnections(config: Config, pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query(
    "SELECT current_setting('max_connections')::int AS max, count(*)::int AS used FROM pg_stat_activity",
  );
  const { max, used } = rows[0];
  const text = `${used} of ${max} connections are in use; one process may open ${config.databasePoolMax + 1}.`;
  return max - used > config.databasePoolMax
    ? good(text)
    : bad(`${text} Raise max_connections or lower DATABASE_POOL_MAX.`);
}

async function checkClock(pool: pg.Pool): Promise<Finding> {
  const before = Date.now();
  const { rows } = await pool.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  const skewMs = Math.abs((rows[0]?.now.getTime() ?? 0) - (before + Date.now()) / 2);
  return skewMs < 2000
    ? good("The clocks of this machine and the database agree.")
    : bad(
        `This machine's clock differs from the database's by ${Math.round(skewMs / 1000)} s. Synchronize both.`,
      );
}

/** Rowmill sets limits on each connection, but a connection pooler can drop them. */
async function checkTimeouts(pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query<{ role: string; hasLimit: boolean }>(
    `SELECT quote_ident(current_user) AS role, current_setting('statement_timeout') <> '0' AS "hasLimit"`,
  );
  const [{ role, hasLimit } = { role: "", hasLimit: false }] = rows;
  if (hasLimit) return good("Statements have a time limit.");
  const limits = [
    "statement_timeout = '60s'",
    "lock_timeout = '10s'",
    "idle_in_transaction_session_timeout = '60s'",
  ];
  const statements = limits.map((limit) => `ALTER ROLE ${role} SET ${limit};`).join(" ");
  return bad(
    `Statements have no time limit: a connection pooler drops it. Give the role its own: ${statements}`,
  );
}

function checkWorkers(alive: readonly unknown[]): Finding {
  return alive.length > 0
    ? good("A worker is connected.")
    : bad("No worker is connected. Start one: npm run worker");
}

/** Jobs of a queue without workers wait forever. */
async function checkQueues(pool: pg.Pool, alive: readonly AliveWorker[]): Promise<Finding> {
  const unserved = QUEUES.filter((queue) => !alive.some(({ queues }) => queue in queues));
  if (alive.length > 0 && unserved.length > 0) {
    const names = unserved.join(", ");
    return bad(`No worker serves ${names}. Start one with WORKER_QUEUES=${unserved.join(",")}.`);
  }
  const paused = await databaseOn(pool).select({ queue: pausedQueues.queue }).from(pausedQueues);
  const names = paused.map(({ queue }) => queue);
  if (names.length === 0) return good("No queue is paused.");
  return bad(`Paused: ${names.join(", ")}. Resume: npm run cli -- queues resume ${names[0]}`);
}

async function checkChunks(pool: pg.Pool): Promise<Finding> {
  const { rows } = await databaseOn(pool).execute<{ waiting: number; silent: number }>(sql`
    SELECT count(*)::int AS waiting,
      count(*) FILTER (WHERE chunks.state = 'processing' AND updated_at < now() - make_interval(mins => ${SILENT_MINUTES}))::int AS silent
    FROM rowmill.chunks JOIN rowmill.batches ON id = batch_id
    WHERE chunks.state <> 'done' AND batches.state = ANY(${sql.param(RUNNABLE_STATES)}::rowmill.batch_state[])`);
  const { waiting, silent } = rows[0] ?? { waiting: 0, silent: 0 };
  if (silent === 0) return good(`${waiting} chunk(s) are waiting or running.`);
  return bad(
    `${silent} chunk(s) made no progress for over ${SILENT_MINUTES} minutes. Check the logs of the workers.`,
  );
}
