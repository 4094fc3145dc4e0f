import type { Context } from "./context.ts";
import { DAY_MS } from "./platform/durations.ts";

/**
 * Returns the moment before which things that ended have expired: batches, tasks, workflows and all that is kept for RETENTION_DAYS.
 * The jobs `clean` and `reconcile` (handlers.ts) list everything that removes data.
 */
export function retentionLimit({ config, now }: Pick<Context, "config" | "now">): Date {
  return new Date(now().getTime() - config.retentionDays * DAY_MS);
}
