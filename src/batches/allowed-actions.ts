/** The commands that a caller can send for a batch, from the table of transitions. They cost no statement. */
import type { Context } from "../context.ts";
import { hasRights, traitsOfBatch } from "../targets/rights.ts";
import type { ListedBatch } from "./queries.ts";
import { allows, type Edge, leavesUnprocessed } from "./state.ts";

export const BATCH_ACTIONS = [
  "pause",
  "resume",
  "cancel",
  "commit",
  "undo",
  "retry",
  "edit_rows",
  "delete",
] as const;
export type BatchAction = (typeof BATCH_ACTIONS)[number];

/** The commands that operators can send for the batches of other users. */
export const ADMIN_BATCH_ACTIONS = ["pause", "resume", "cancel", "retry", "delete"] as const;
export type AdminBatchAction = (typeof ADMIN_BATCH_ACTIONS)[number];

const isForAdmins = (action: BatchAction) => ADMIN_BATCH_ACTIONS.some((name) => name === action);

/** The edge that each command takes. Only rows that a retry would process again can be edited. */
const EDGES: Readonly<Record<BatchAction, Edge>> = {
  pause: "pause",
  resume: "resume",
  cancel: "cancel",
  commit: "commit",
  undo: "undo",
  retry: "retry",
  edit_rows: "retry",
  delete: "delete",
};

type Facts = Pick<
  ListedBatch,
  | "userId"
  | "target"
  | "targetTraits"
  | "state"
  | "isDryRun"
  | "totalRows"
  | "succeeded"
  | "failed"
  | "kept"
  | "undoFailed"
>;

/** Without a user who acts, these are the commands of the owner after a login. */
export function allowedActions(ctx: Pick<Context, "actor">, batch: Facts): BatchAction[] {
  if (!hasRights(ctx, traitsOfBatch(batch))) return [];
  const isOwner = ctx.actor === null || ctx.actor.id === batch.userId;
  return BATCH_ACTIONS.filter(
    (action) =>
      (isOwner || isForAdmins(action)) && allows(EDGES[action], batch.state) && hasWork(action, batch),
  );
}

/** Whether the command finds something to do in a batch whose state allows it. */
function hasWork(action: BatchAction, batch: Facts): boolean {
  const { state, isDryRun, totalRows, succeeded, failed, kept, undoFailed } = batch;
  switch (action) {
    case "commit":
      return isDryRun;
    case "undo":
      return traitsOfBatch(batch).canUndo && (state !== "undone" || kept + undoFailed > 0);
    case "retry":
    case "edit_rows":
      return failed > 0 || (leavesUnprocessed(state) && succeeded < totalRows);
    default:
      return true;
  }
}
