import Type from "typebox";
import { removeOldEntries } from "../../request-log/remove-old-entries.ts";
import type { TaskType } from "./task-type.ts";

const params = Type.Object({});

export const cleanupOldLogsType: TaskType<typeof params, "none"> = {
  name: "cleanup_old_logs",
  description: "Removes the request log of the days that are older than REQUEST_LOG_DAYS.",
  role: "admin",
  queue: "default",
  params,
  file: "none",
  limits: { timeoutSeconds: 3600 },

  async run(ctx, { signal }) {
    const { days, daysInUse, entries } = await removeOldEntries(ctx, signal);
    const removed = `Removed ${days} days and ${entries} single entries older than ${ctx.config.requestLogDays} days.`;
    const rest =
      daysInUse === 0 ? "" : ` ${daysInUse} more are in use and will be removed by a later cleanup.`;
    return { message: removed + rest, days_removed: days, entries_removed: entries };
  },
};
