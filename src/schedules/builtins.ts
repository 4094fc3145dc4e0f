/** The schedules of Rowmill's own jobs. Settings give their values until an admin changes them. */
import { sql } from "drizzle-orm";
import type { Config } from "../config/config.ts";
import { type Context, inTransaction } from "../context.ts";
import { ConfigError, DomainError } from "../errors.ts";
import { jobs } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import type { JobContract } from "../platform/queue/contract.ts";
import { removeQueueSchedules } from "../platform/queue/remove-schedules.ts";
import { schedules } from "../schema/schedules.ts";
import { checkTimetable, nextOf } from "./timing.ts";

interface Builtin {
  readonly name: string;
  readonly description: string;
  readonly setting: string;
  /** The value of the setting. Empty: the schedule is disabled. */
  readonly cronOf: (config: Config) => string;
  readonly job: JobContract;
}

/**
 * pg-boss enqueued the jobs of versions before 0.7.0 up to this long after their time. A schedule that is added has the ticks
 * of this time as well: a job that runs twice does nothing the second time.
 */
const QUEUE_DELAY_MS = 60_000;

/** Shown while the setting is empty. */
const DEFAULT_CRON = "0 2 * * *";

/** In the order of their numbers. */
const builtins: readonly Builtin[] = [
  {
    name: "Cleanup",
    description:
      "Removes batches, tasks, files, logins, mails, deliveries and request logs that have expired.",
    setting: "CLEANUP_CRON",
    cronOf: ({ cleanupCron }) => cleanupCron,
    job: jobs.clean,
  },
  {
    name: "Daily report",
    description: "Writes the report of the day before.",
    setting: "DAILY_REPORT_CRON",
    cronOf: ({ dailyReportCron }) => dailyReportCron,
    job: jobs.dailyReport,
  },
  {
    name: "Weekly report",
    description: "Writes the report of the week before.",
    setting: "WEEKLY_REPORT_CRON",
    cronOf: ({ weeklyReportCron }) => weeklyReportCron,
    job: jobs.weeklyReport,
  },
  {
    name: "Backup",
    description: "Writes and verifies a backup, and removes old ones.",
    setting: "BACKUP_CRON",
    cronOf: ({ backupCron }) => backupCron,
    job: jobs.runBackup,
  },
];

/** @throws Error if a later version has added the schedule */
export function jobOf(builtin: string): JobContract {
  const found = builtins.find(({ job }) => job.name === builtin);
  if (!found) throw new Error(`This version has no built-in schedule "${builtin}".`);
  return found.job;
}

/**
 * Adds the built-in schedules, and updates those that no admin has changed. Workers call it when they start. If their
 * settings differ, the worker that started last decides.
 * @throws ConfigError that names the setting
 */
export async function storeBuiltins(ctx: Context): Promise<void> {
  const now = ctx.now();
  const lately = new Date(now.getTime() - QUEUE_DELAY_MS);
  const rows = builtins.map(({ name, description, setting, cronOf, job }, index) => {
    const own = cronOf(ctx.config);
    const timing = {
      ...{ id: uuidV7(now), cron: own || DEFAULT_CRON, timezone: "UTC", isEnabled: own !== "" },
      ...{ startsAt: null, endsAt: null, jitterSeconds: 0, nextTickAt: null },
    };
    checkSetting(setting, timing, now);
    const facts = { number: index + 1, name, description, builtin: job.name };
    return { added: { ...timing, ...facts, ...nextOf(timing, lately) }, next: nextOf(timing, now) };
  });
  await inTransaction(ctx, async (tx) => {
    for (const { added, next } of rows) {
      await tx.db
        .insert(schedules)
        .values({ ...added, createdAt: now, updatedAt: now })
        .onConflictDoUpdate({
          target: schedules.builtin,
          set: {
            cron: sql`excluded.cron`,
            isEnabled: sql`excluded.is_enabled`,
            ...next,
            updatedAt: sql`excluded.updated_at`,
          },
          setWhere: sql`NOT ${schedules.isEdited}
            AND (${schedules.cron}, ${schedules.isEnabled}) IS DISTINCT FROM (excluded.cron, excluded.is_enabled)`,
        });
    }
  });
  await removeOldSchedules(ctx);
}

/** Versions before 0.7.0 had pg-boss run these jobs. */
function removeOldSchedules({ db }: Context): Promise<void> {
  return removeQueueSchedules(
    db,
    builtins.map(({ job }) => job.name),
  );
}

function checkSetting(setting: string, timing: { cron: string; timezone: string }, now: Date): void {
  try {
    checkTimetable(timing, now);
  } catch (cause) {
    if (!(cause instanceof DomainError)) throw cause;
    const [message = ""] = cause.fieldErrors.cron ?? [];
    throw new ConfigError(`${setting}: "${timing.cron}" ${message}`, { cause });
  }
}
