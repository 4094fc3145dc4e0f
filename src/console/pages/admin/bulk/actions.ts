export type BulkAction = "pause" | "resume" | "cancel" | "retry" | "delete";

export interface BulkTarget {
  readonly noun: "tasks" | "batches";
  readonly actions: readonly BulkAction[];
  /** As the list has it. Empty: everything, which no action may change. */
  readonly filter: object;
}

/** Actions whose reason the API stores. */
export function takesReason(noun: BulkTarget["noun"], action: BulkAction): boolean {
  return action === "cancel" || (noun === "batches" && action === "pause");
}
