/** Whether work gets done: queues, schedules, webhooks, mail, backups, and the room on the disk. */
import { statfs } from "node:fs/promises";
import { and, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import type pg from "pg";
import { readBackupAge } from "../backups/read-backup-age.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../platform/postgres/database.ts";
import { SmtpClient } from "../platform/smtp/smtp-client.ts";
import { listQueues } from "../queues/queries.ts";
import { backups } from "../schema/backups.ts";
import { mails } from "../schema/mails.ts";
import { webhooks } from "../schema/webhooks.ts";
import { bad, type Finding, good, warning } from "./finding.ts";

const BACKLOG_SECONDS = 600;
const LATE_SCHEDULE_MINUTES = 5;
const OLD_BACKUP_DAYS = 2;
const DAY_SECONDS = 86_400;
const LEAST_FREE_BYTES = 2 ** 30;
const GIB = 2 ** 30;
const MAIL_MS = 5000;

export async function checkBacklog(db: Database): Promise<Finding> {
  const queues = await listQueues({ db });
  const late = queues.filter(
    ({ oldestWaitingSeconds: age, paused }) => !paused && (age ?? 0) > BACKLOG_SECONDS,
  );
  if (late.length === 0) return good("No job has waited for long.");
  const listed = late.map(({ queue, waiting, oldestWaitingSeconds: age }) => {
    return `${queue} (${waiting} waiting, the oldest for ${Math.round((age ?? 0) / 60)} minutes)`;
  });
  return warning(`Jobs wait in ${listed.join(", ")}. Start more workers, or raise WORKER_CONCURRENCY.`);
}

/** Does nothing unless the table of schedules exists. */
export async function checkSchedules(pool: pg.Pool): Promise<Finding[]> {
  const { rows: columns } = await pool.query(
    "SELECT FROM information_schema.columns WHERE table_schema = 'rowmill' AND table_name = 'schedules' AND column_name = 'next_run_at'",
  );
  if (columns.length === 0) return [];
  const { rows } = await pool.query<{ late: number }>(
    "SELECT count(*)::int AS late FROM rowmill.schedules WHERE next_run_at < now() - make_interval(mins => $1)",
    [LATE_SCHEDULE_MINUTES],
  );
  const late = rows[0]?.late ?? 0;
  if (late === 0) return [good("No schedule is late.")];
  return [
    bad(
      `${late} schedule(s) are over ${LATE_SCHEDULE_MINUTES} minutes late. Start a worker that serves the queue default.`,
    ),
  ];
}

export async function checkWebhooks(db: Database): Promise<Finding> {
  const isFailing = and(inArray(webhooks.disabledReason, ["failing", "gone"]), isNull(webhooks.deletedAt));
  const disabled = await db.$count(webhooks, and(isNotNull(webhooks.disabledAt), isFailing));
  if (disabled === 0) return good("No webhook is disabled because its endpoint fails.");
  return warning(
    `${disabled} webhook(s) are disabled because their endpoints fail. Their owners can enable them: PATCH /api/v1/webhooks/{webhook_id}`,
  );
}

export async function checkMail(
  { mail: { server } }: Config,
  db: Database,
  limitMs = MAIL_MS,
): Promise<Finding> {
  const waiting = await db.$count(mails, eq(mails.state, "queued"));
  if (!server) {
    const text = "No mail server is configured";
    return waiting === 0
      ? good(`${text}.`)
      : warning(`${text}, and ${waiting} mail(s) wait. Set SMTP_URL or EMAIL_HOST.`);
  }
  const smtp = new SmtpClient(server, limitMs);
  const problem = await smtp.verify().finally(() => smtp.close());
  const name = `${server.host}:${server.port}`;
  if (problem === null) return good(`The mail server ${name} answers, and ${waiting} mail(s) wait.`);
  return bad(
    `The mail server ${name} cannot be used: ${problem}. Check SMTP_URL, or EMAIL_HOST and its password.`,
  );
}

export async function checkBackups({ backupCron, databaseBackend }: Config, db: Database): Promise<Finding> {
  if (databaseBackend !== "postgres")
    return warning(`Rowmill makes no backups of ${databaseBackend}. Use the tools of ${databaseBackend}.`);
  const age = await readBackupAge({ db });
  const [latest] = await db
    .select({ state: backups.state, error: backups.error })
    .from(backups)
    .orderBy(sql`created_at DESC`)
    .limit(1);
  if (latest?.state === "failed") {
    return bad(`The latest backup has failed: ${latest.error} Repeat it: npm run cli -- backup`);
  }
  if (backupCron === "") {
    const text = "Rowmill makes no backups, because BACKUP_CRON is empty";
    return age === null ? warning(`${text}. Set it, or use the tools of PostgreSQL.`) : good(`${text}.`);
  }
  if (age === null) return warning("No backup exists yet. Make one: npm run cli -- backup");
  const days = Math.floor(age / DAY_SECONDS);
  if (days < OLD_BACKUP_DAYS) return good(`The latest backup is ${Math.round(age / 3600)} hours old.`);
  return bad(
    `The latest backup is ${days} days old. Check that a worker serves the queue default, or run: npm run cli -- backup`,
  );
}

/** The folder of the embedded database and of backups on this machine. */
export async function checkDisk({ dataDir }: Config): Promise<Finding[]> {
  const stats = await statfs(dataDir).catch(() => null);
  if (!stats) return [];
  const free = stats.bavail * stats.bsize;
  const text = `${(free / GIB).toFixed(1)} GiB are free in ${dataDir}`;
  return [
    free > LEAST_FREE_BYTES
      ? good(`${text}.`)
      : bad(`${text}. Free some room, or move DATA_DIR to a larger disk.`),
  ];
}
