/** Limits of what one user stores: one table, from which checks and the usage report read. */
import { eq, type SQL, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type pg from "pg";
import type { Config } from "../config/config.ts";
import { type Context, inTransaction, type Tx } from "../context.ts";
import { DomainError, type ErrorCode } from "../errors.ts";
import { onePer } from "../platform/one-per.ts";
import { users } from "../schema/accounts.ts";

interface Quota {
  readonly setting: string;
  readonly limitOf: (config: Config) => number;
  /** Follows the number: "10000 batches". */
  readonly things: string;
  readonly remedy: string;
  /** Selects one number. It reads indexes of the user, and takes time in proportion to what the user has. */
  readonly used: (userId: number) => SQL;
}

const batchesOf = (userId: number) => sql`FROM rowmill.batches WHERE user_id = ${userId}`;
const filesOf = (userId: number) => sql`FROM rowmill.files WHERE user_id = ${userId}`;
/** Steps that have no task yet have their place already, so that a workflow does not fail for it halfway. */
const waitingStepsOf = (userId: number) => sql`
  (SELECT count(*) FROM rowmill.workflows AS workflow JOIN rowmill.workflow_steps AS step ON step.workflow_id = workflow.id
  WHERE workflow.user_id = ${userId} AND workflow.state = 'running' AND step.state = 'waiting')`;
const DELETE_BATCHES = "Delete batches that you no longer need.";

export const QUOTAS = {
  batches: {
    setting: "MAX_BATCHES_PER_USER",
    limitOf: (config) => config.maxBatchesPerUser,
    things: "batches",
    remedy: DELETE_BATCHES,
    used: (userId) => sql`SELECT count(*) ${batchesOf(userId)} AND correction_of IS NULL`,
  },
  batch_rows: {
    setting: "MAX_ROWS_PER_USER",
    limitOf: (config) => config.maxRowsPerUser,
    things: "rows in batches",
    remedy: DELETE_BATCHES,
    used: (userId) => sql`SELECT coalesce(sum(total_rows), 0) ${batchesOf(userId)}`,
  },
  batch_bytes: {
    setting: "BATCHES_QUOTA_BYTES",
    limitOf: (config) => config.batchesQuotaBytes,
    things: "bytes in batches",
    remedy: DELETE_BATCHES,
    used: (userId) => sql`SELECT coalesce(sum(file_bytes), 0) ${batchesOf(userId)}`,
  },
  records: {
    setting: "MAX_RECORDS_PER_USER",
    limitOf: (config) => config.maxRecordsPerUser,
    things: "books and records",
    remedy: "Delete some, or undo batches that created them.",
    used: (userId) => sql`
      SELECT (SELECT count(*) FROM rowmill.books WHERE user_id = ${userId})
        + (SELECT count(*) FROM rowmill.records WHERE user_id = ${userId})`,
  },
  tasks: {
    setting: "MAX_TASKS_PER_USER",
    limitOf: (config) => config.maxTasksPerUser,
    things: "tasks",
    remedy: "Delete tasks that you no longer need.",
    used: (userId) => sql`
      SELECT (SELECT count(*) FROM rowmill.tasks WHERE user_id = ${userId}) + ${waitingStepsOf(userId)}`,
  },
  open_tasks: {
    setting: "MAX_OPEN_TASKS_PER_USER",
    limitOf: (config) => config.maxOpenTasksPerUser,
    things: "pending and processing tasks",
    remedy: "Wait until some have ended, or cancel them.",
    used: (userId) => sql`
      SELECT (SELECT count(*) FROM rowmill.tasks WHERE user_id = ${userId} AND status IN ('pending', 'processing'))
        + ${waitingStepsOf(userId)}`,
  },
  workflows: {
    setting: "MAX_WORKFLOWS_PER_USER",
    limitOf: (config) => config.maxWorkflowsPerUser,
    things: "workflows",
    remedy: "Delete workflows that you no longer need.",
    used: (userId) => sql`SELECT count(*) FROM rowmill.workflows WHERE user_id = ${userId}`,
  },
  schedules: {
    setting: "MAX_SCHEDULES_PER_USER",
    limitOf: (config) => config.maxSchedulesPerUser,
    things: "schedules",
    remedy: "Delete schedules that you no longer need.",
    used: (userId) => sql`SELECT count(*) FROM rowmill.schedules WHERE user_id = ${userId}`,
  },
  files: {
    setting: "MAX_FILES_PER_USER",
    limitOf: (config) => config.maxFilesPerUser,
    things: "files",
    remedy: "Delete files that you no longer need.",
    used: (userId) => sql`SELECT count(*) ${filesOf(userId)}`,
  },
  file_bytes: {
    setting: "FILES_QUOTA_BYTES",
    limitOf: (config) => config.filesQuotaBytes,
    things: "bytes in files",
    remedy: "Delete files that you no longer need.",
    // The size of a file that is being received is what it has reserved.
    used: (userId) => sql`SELECT coalesce(sum(bytes), 0) ${filesOf(userId)}`,
  },
} as const satisfies Record<string, Quota>;

export type QuotaName = keyof typeof QUOTAS;
type Amounts = Partial<Record<QuotaName, number>>;

export class QuotaExceeded extends DomainError {
  constructor(code: ErrorCode, message: string, retryAfterSeconds?: number) {
    super(code, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
    this.name = "QuotaExceeded";
  }
}

/** Only these become free without the user's help. */
const TRANSIENT: ReadonlySet<QuotaName> = new Set(["open_tasks"]);
const RETRY_AFTER_SECONDS = 60;

/**
 * Counts take time, so a process that has counted lets the user add this part of what is left before it counts again.
 * Several processes together can exceed a limit by no more than this part.
 */
const UNCOUNTED_PART = 0.01;
const UNCOUNTED_MS = 60_000;
const allowancesOfPool = onePer<pg.Pool, LRUCache<string, number>>();

/**
 * Checks that the user may add these amounts, in the transaction that adds them. Locks the user if the process has to
 * count, so that parallel requests are counted one after the other. Outside of a transaction, it opens one only to count.
 * @throws QuotaExceeded
 */
export async function requireRoom(ctx: Context, userId: number, adding: Amounts): Promise<void> {
  const names = namesOf(adding).filter((name) => !useAllowance(ctx, userId, name, adding[name] ?? 0));
  if (names.length === 0) return;
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, userId);
    const used = await readUsage(tx, userId, names);
    for (const name of names) {
      const added = adding[name] ?? 0;
      const left = limitOf(tx, name) - (used[name] ?? 0) - added;
      if (left < 0) throw exceeded(tx, name, used[name] ?? 0);
      allowancesOf(tx).set(`${name} ${userId}`, Math.floor(left * UNCOUNTED_PART));
    }
  });
}

/** Checks amounts that are already stored. @throws QuotaExceeded */
export async function requireWithin(
  ctx: Context,
  userId: number,
  names: readonly QuotaName[],
): Promise<void> {
  const limited = names.filter((name) => limitOf(ctx, name) !== Number.POSITIVE_INFINITY);
  const used = await readUsage(ctx, userId, limited);
  for (const name of limited) {
    if ((used[name] ?? 0) > limitOf(ctx, name)) throw exceeded(ctx, name, used[name] ?? 0);
  }
}

/** FOR UPDATE would wait for every transaction that inserts a row of the user. */
export async function lockUser(tx: Tx, userId: number): Promise<void> {
  await tx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update");
}

/** Reads how much of these quotas a user has used. */
export async function readUsage(
  { db }: Context,
  userId: number,
  names: readonly QuotaName[],
): Promise<Amounts> {
  if (names.length === 0) return {};
  const columns = names.map((name) => sql`(${QUOTAS[name].used(userId)})::float8 AS ${sql.identifier(name)}`);
  const { rows } = await db.execute<Record<QuotaName, number>>(sql`SELECT ${sql.join(columns, sql`, `)}`);
  return rows[0] ?? {};
}

/** Returns the setting of a quota. */
export function limitOf({ config }: Pick<Context, "config">, name: QuotaName): number {
  return QUOTAS[name].limitOf(config);
}

function exceeded(ctx: Context, name: QuotaName, used: number): QuotaExceeded {
  const { setting, things, remedy } = QUOTAS[name];
  const message = `You have ${used} ${things}. The limit is ${limitOf(ctx, name)} (${setting}). ${remedy}`;
  return TRANSIENT.has(name)
    ? new QuotaExceeded("too_many_requests", message, RETRY_AFTER_SECONDS)
    : new QuotaExceeded("too_large", message);
}

function namesOf(amounts: Amounts): QuotaName[] {
  return (Object.keys(amounts) as QuotaName[]).filter((name) => amounts[name] !== undefined);
}

function useAllowance(ctx: Context, userId: number, name: QuotaName, amount: number): boolean {
  if (limitOf(ctx, name) === Number.POSITIVE_INFINITY) return true;
  const key = `${name} ${userId}`;
  const left = (allowancesOf(ctx).get(key) ?? 0) - amount;
  if (left < 0) return false;
  allowancesOf(ctx).set(key, left, { noUpdateTTL: true });
  return true;
}

function allowancesOf({ pool }: Context): LRUCache<string, number> {
  return allowancesOfPool(pool, () => new LRUCache({ max: 10_000, ttl: UNCOUNTED_MS }));
}
