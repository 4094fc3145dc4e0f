/** Reports what this process does, as it happens: for its statistics and metrics. It costs nothing while nobody listens. */
import { EventEmitter } from "node:events";
import type { EndedRequest } from "./platform/http/ended-requests.ts";

/** `retried`: the task runs again. `stopped`: it was cancelled, deleted or started by another worker. */
export type AttemptOutcome = "completed" | "failed" | "retried" | "stopped";

interface Events {
  /** An attempt at a task has ended. `type` is the name of a known type, or `unknown`. */
  attemptEnded: [attempt: { type: string; outcome: AttemptOutcome; seconds: number }];
  /** A task of this type waits for the limit of its type. */
  taskWaits: [type: string];
  /** A task of this type has started or ended, so that another one may start. */
  startPossible: [type: string];
  /** An attempt to send a mail has ended. */
  mailAttempted: [outcome: string];
  /** An attempt at a delivery to a webhook has ended. */
  webhookAttempted: [outcome: "delivered" | "retried" | "failed"];
  /** A request to the API has ended. */
  requestEnded: [request: EndedRequest];
  /** Rows have got a final result. */
  rowsProcessed: [rows: { succeeded: number; failed: number }];
}

export class Activity extends EventEmitter<Events> {}
