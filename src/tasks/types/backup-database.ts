/** Backs up the database, as a task: for schedules, chains, and clients that follow tasks. */
import Type from "typebox";
import { createBackup } from "../../backups/create-backup.ts";
import { DomainError, Retryable } from "../../errors.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { plural } from "../../platform/plural.ts";
import type { TaskType } from "./task-type.ts";

const params = Type.Object({});

const BUSY_SECONDS = 60;

export const backupDatabaseType: TaskType<typeof params, "none"> = {
  name: "backup_database",
  description:
    "Backs up all tables to the place that BACKUP_TO sets, and verifies the backup. GET /api/v1/admin/backups lists it.",
  role: "admin",
  queue: "default",
  params,
  file: "none",
  // BACKUP_MAX_SECONDS is the limit of a backup, and at most this.
  limits: { timeoutSeconds: 22 * 3600 },

  async run(ctx, { task, signal, progress }) {
    const id = uuidV7(ctx.now());
    const onTable = ({ name, rows }: { name: string; rows: number }, percent: number) =>
      progress(percent, `Backed up ${plural(rows, "row")} of ${name}`);
    const run = { id, userId: task.userId, signal, onTable };
    const backup = await createBackup(ctx, run).catch((error) => {
      if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
      throw new Retryable("backup_running", error.message, { afterSeconds: BUSY_SECONDS, cause: error });
    });
    const rows = Object.values(backup?.rows ?? {}).reduce((sum, count) => sum + count, 0);
    const tables = Object.keys(backup?.rows ?? {}).length;
    return {
      message: `Backed up ${plural(rows, "row")} of ${plural(tables, "table")}.`,
      backup_id: id,
      bytes: backup?.bytes ?? 0,
      rows,
    };
  },
};
