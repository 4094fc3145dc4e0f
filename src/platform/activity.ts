/** Reports what this process does, as it happens: for its statistics and metrics. It costs nothing while nobody listens. */
import { EventEmitter } from "node:events";

/** `retried`: the task runs again. `stopped`: it was cancelled, deleted or started by another worker. */
export type AttemptOutcome = "completed" | "failed" | "retried" | "stopped";

export interface EndedRequest {
  /** When the request ended, in milliseconds since 1970. */
  readonly at: number;
  readonly requestId: string;
  readonly method: string;
  /** The template of the path, such as `/api/v1/batches/{batch_id}`; undefined: no route serves the path. */
  readonly route: string | undefined;
  readonly status: number;
  /** null for event streams, which are open as long as their clients like. */
  readonly ms: number | null;
  readonly userId: number | null;
  readonly address: string;
  /** Bytes on the connection, with headers. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}

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
