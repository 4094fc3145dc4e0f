/** For the filter of the list, in its address too. */
export const TASK_STATUSES = ["pending", "processing", "completed", "failed", "cancelled"] as const;
