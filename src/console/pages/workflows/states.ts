/** For the filters of the lists, in their addresses too. */
export const WORKFLOW_STATES = ["running", "completed", "failed", "cancelled"] as const;
export const STEP_STATES = [
  "waiting",
  "queued",
  "running",
  "completed",
  "failed",
  "skipped",
  "cancelled",
] as const;
