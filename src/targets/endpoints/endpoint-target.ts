/** A defined target whose rows go to an HTTP endpoint. */
import { describeTarget, type TargetVersion } from "../columns/describe-target.ts";
import { rowCheck } from "../columns/row-check.ts";
import type { Definition } from "../definition/definition.ts";
import type { HttpDestination } from "../definition/destination.ts";
import type { Columns, GroupTarget, Values } from "../target.ts";
import { DEFAULT_TIMEOUT_SECONDS } from "./post-request.ts";
import { rowSender } from "./send-rows.ts";
import { undoSender } from "./send-undo.ts";
import { DEFAULT_IN_FLIGHT, maxRowsOf } from "./take-turn.ts";

/** With twice as long after each of them, the last attempt is about 45 minutes after the first. */
const MAX_ATTEMPTS = 10;
const FIRST_RETRY_SECONDS = 5;
/** For the statements before and after a request. */
const SPARE_SECONDS = 30;

export function endpointTarget(
  definition: Definition & { readonly destination: HttpDestination },
  version: TargetVersion,
): GroupTarget<Columns, Values> {
  const { destination } = definition;
  const { timeout_seconds = DEFAULT_TIMEOUT_SECONDS, undo_url } = destination;
  const mayUndo = undo_url !== undefined && definition.undo !== "none";
  return {
    ...describeTarget(definition, version),
    check: (batch) => rowCheck(definition, batch),
    maxChunkRows: maxRowsOf(destination),
    lanes: destination.max_in_flight ?? DEFAULT_IN_FLIGHT,
    maxAttempts: MAX_ATTEMPTS,
    firstRetrySeconds: FIRST_RETRY_SECONDS,
    maxSeconds: timeout_seconds + SPARE_SECONDS,
    sendsDryRuns: destination.supports_dry_run ?? false,
    send: rowSender(version.name, definition),
    ...(mayUndo ? { sendUndo: undoSender(version.name, destination, undo_url) } : {}),
  };
}
