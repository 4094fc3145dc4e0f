/** Checks an installation, and says how to fix each problem. */
import { setTimeout } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type pg from "pg";
import { RUNNABLE_STATES } from "../batches/state.ts";
import type { Config } from "../config/config.ts";
import { QUEUES } from "../jobs.ts";
import { OLDEST_POSTGRES, pendingMigrations, readServerVersion } from "../migrate.ts";
import { createLog } from "../platform/log.ts";
import { databaseOn, openPool } from "../platform/postgres/database.ts";
import { grantsToMigrate, grantsToRun } from "../platform/postgres/schemas.ts";
import { aliveWorkers } from "../queues/workers/queries.ts";
import { pausedQueues } from "../schema/workers.ts";
import { command, flag } from "./command.ts";
import { checkCompilation, checkTables } from "./doctor-tables.ts";
import { checkTargetTables } from "./doctor-target-tables.ts";
import {
  checkBacklog,
  checkBackups,
  checkDisk,
  checkMail,
  checkSchedules,
  checkWebhooks,
} from "./doctor-work.ts";
import { bad, type Finding, good } from "./finding.ts";
import { nodeProblem } from "./node-problem.ts";
import { printJson } from "./table.ts";

type AliveWorker = Awaited<ReturnType<typeof aliveWorkers>>[number];

const SILENT_MINUTES = 2;

/** How often a standby is asked whether it has caught up. */
const LOOK_MS = 100;

const MARKS = { ok: "✓", warning: "!", problem: "✗" } as const;

export const doctor = command({
  name: "doctor",
  usage: "[--json]",
  summary:
    "Check this installation, and say how to fix problems. Exits with 0, or 1 for problems, or 2 if it cannot check.",
  options: { json: flag },
  async run({ config }, { json }) {
    const pool = openPool(config.databaseUrl, 2, createLog({ logLevel: "silent" }, "cli"));
    const { isComplete, findings } = await diagnose(config, pool).finally(() => pool.end());
    if (json) printJson({ is_complete: isComplete, items: findings });
    else for (const { level, text } of findings) console.log(`${MARKS[level]} ${text}`);
    if (!isComplete) process.exitCode = 2;
    else if (findings.some(({ level }) => level === "problem")) process.exitCode = 1;
  },
});

export interface Diagnosis {
  /** False: the database is missing, so most checks were not possible. */
  readonly isComplete: boolean;
  readonly findings: readonly Finding[];
}

/** Runs the checks in order; stops if the database is missing, because all others would fail for the same reason. */
export async function diagnose(config: Config, pool: pg.Pool): Promise<Diagnosis> {
  const findings = [checkNode()];
  try {
    findings.push(await checkServer(pool));
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    findings.push(bad(`Cannot reach the database: ${reason}. Check DATABASE_URL.`));
    return { isComplete: false, findings };
  }
  return { isComplete: true, findings: [...findings, ...(await diagnoseDatabase(config, pool))] };
}

async function diagnoseDatabase(config: Config, pool: pg.Pool): Promise<Finding[]> {
  const grants = await grantsToRun(pool);
  if (grants.length > 0) {
    const statements = grants.join(" ");
    return [bad(`The role may not use Rowmill's tables. As the owner of the database, run: ${statements}`)];
  }
  const pending = await pendingMigrations(pool);
  if (pending > 0) return explainPending(pending, pool);
  const db = databaseOn(pool);
  const alive = await aliveWorkers({ db });
  return [
    good("The database is up to date."),
    await checkConnections(config, pool),
    ...(await checkStandby(config, pool)),
    await checkClock(pool),
    await checkTimeouts(pool),
    ...(await checkCompilation(pool)),
    ...(await checkTables(pool)),
    ...(await checkTargetTables(config, db)),
    checkWorkers(alive),
    await checkQueues(pool, alive),
    await checkBacklog(db),
    await checkChunks(pool),
    ...(await checkSchedules(pool)),
    await checkWebhooks(db),
    await checkMail(config, db),
    await checkBackups(config, db),
    ...(await checkDisk(config)),
  ];
}

function checkNode(): Finding {
  const problem = nodeProblem(process.versions.node);
  return problem === null ? good(`Node ${process.versions.node} is supported.`) : bad(problem);
}

async function checkServer(pool: pg.Pool): Promise<Finding> {
  const { version, isSupported } = await readServerVersion(pool);
  return isSupported
    ? good(`PostgreSQL ${version} answers.`)
    : bad(`PostgreSQL ${version} is too old. Use version ${OLDEST_POSTGRES} or later.`);
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

/** Reads go to the database itself if the standby cannot be used, so nobody would notice. */
async function checkStandby(
  { databaseReadUrl, databaseReadMaxLagSeconds }: Config,
  pool: pg.Pool,
): Promise<Finding[]> {
  if (databaseReadUrl === "") return [];
  const standby = openPool(databaseReadUrl, 1, createLog({ logLevel: "silent" }, "cli"));
  try {
    const { rows: ends } = await pool.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
    const until = performance.now() + databaseReadMaxLagSeconds * 1000;
    const look = async () => {
      const { rows } = await standby.query<{ hasReached: boolean | null }>(
        'SELECT $1::pg_lsn <= pg_last_wal_replay_lsn() AS "hasReached"',
        [ends[0]?.lsn],
      );
      return rows[0]?.hasReached ?? null;
    };
    let hasReached = await look();
    while (hasReached === false && performance.now() < until) {
      await setTimeout(LOOK_MS);
      hasReached = await look();
    }
    if (hasReached === null)
      return [bad("DATABASE_READ_URL is no standby, so it is not used. Set the URL of a standby.")];
    return [
      hasReached
        ? good("The standby (DATABASE_READ_URL) follows the database.")
        : bad(
            `The standby (DATABASE_READ_URL) is more than ${databaseReadMaxLagSeconds} s behind, so it is not used. Check its replication.`,
          ),
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return [bad(`Cannot reach the standby: ${reason}. Check DATABASE_READ_URL.`)];
  } finally {
    await standby.end();
  }
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
