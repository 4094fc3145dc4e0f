/** The values that the addresses of these pages can have. */
import type { BatchState, RowStatus } from "./data/types.ts";

/** The API does not list batches that are being deleted. */
export const BATCH_STATES = [
  "receiving",
  "queued",
  "processing",
  "paused",
  "validated",
  "completed",
  "completed_with_errors",
  "failed",
  "cancelled",
  "undoing",
  "undone",
] as const satisfies readonly BatchState[];

export const ROW_STATUSES = [
  "success",
  "failed",
  "undone",
  "unprocessed",
  "processing",
  "pending",
] as const satisfies readonly RowStatus[];

export const TABS = ["overview", "failed", "rows", "file"] as const;
export type Tab = (typeof TABS)[number];

/** States in which the counts of a batch change without a command of the user. */
const MOVING: readonly BatchState[] = ["receiving", "queued", "processing", "undoing", "deleting"];

export function isMoving(state: BatchState): boolean {
  return MOVING.includes(state);
}

const ENDED: readonly BatchState[] = [
  "validated",
  "completed",
  "completed_with_errors",
  "failed",
  "cancelled",
  "undone",
];

export function hasEnded(state: BatchState): boolean {
  return ENDED.includes(state);
}
