/** Metrics of the request log and of backups. */
import type { Registry } from "prom-client";
import { readBackupAge } from "../../backups/read-backup-age.ts";
import type { Context } from "../../context.ts";
import { Meter } from "../../platform/metrics/meter.ts";
import { withinTime } from "../../platform/metrics/within-time.ts";
import { readMissingOfLastDay } from "../../request-log/read-missing.ts";

export function addUpkeepMetrics(registry: Registry, ctx: Context): void {
  const meter = new Meter(registry);
  meter.gauge(
    "rowmill_request_log_missing",
    "Requests of the last 24 hours that the request log lacks, on all API processes together.",
    // Keeps the last number if the database does not answer.
    (gauge) =>
      withinTime(readMissingOfLastDay(ctx)).then(
        (missing) => gauge.set(missing),
        () => {},
      ),
  );
  meter.gauge(
    "rowmill_backup_age_seconds",
    "Seconds since the latest complete backup has ended. Missing: no backup exists.",
    async (gauge) => {
      const age = await withinTime(readBackupAge(ctx)).catch(() => null);
      gauge.remove();
      if (age !== null) gauge.set(age);
    },
  );
}
