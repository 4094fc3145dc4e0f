/** What a task can be. A type is one file that states its parameters and limits, and does the work. */
import type { Readable } from "node:stream";
import type { Static, TObject } from "typebox";
import type { Context, Tx } from "../../context.ts";
import type { ReadableFile } from "../../files/readable-file.ts";
import type { QueueName } from "../../jobs.ts";

/** A file that a task has made. It is shown once the task has completed, and goes with it. */
export interface MadeFile {
  readonly id: string;
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number;
}

/** The task as its type sees it. */
export interface RunningTask {
  readonly id: string;
  readonly userId: number;
  readonly title: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What an attempt before has kept, where that one did not come to its end. */
  readonly result: Readonly<Record<string, unknown>> | null;
}

export interface TaskInput<P extends TObject> {
  readonly task: RunningTask;
  readonly params: Static<P>;
  /** null where none was given; never null for a type whose file is required. */
  readonly file: ReadableFile | null;
  /** Aborts when the task is cancelled or deleted, runs out of time, or its worker stops. Give up soon then, by throwing. */
  readonly signal: AbortSignal;
  /** Costs nothing: written at most twice a second, the last one always. Percent are cut to 0-100. */
  progress(percent: number, message?: string, data?: Record<string, unknown>): void;
  /**
   * Stores a file that the task has made, as it comes. What an attempt has stored that did not complete is removed.
   * @throws Permanent `quota_exceeded` where its owner's files have all that is theirs
   */
  store(content: Buffer | Readable, file: { name: string; mediaType: string }): Promise<MadeFile>;
  /**
   * Keeps how far it has come, in the transaction that takes it there: the next attempt finds it as `task.result`.
   * @throws where the task was cancelled, deleted or begun by another meanwhile, so that the transaction is undone
   */
  keep(tx: Tx, result: Record<string, unknown>): Promise<void>;
}

/** What came of it, for the one who asked: plain JSON. `message` is the same in a sentence. */
export type TaskResult = { readonly message: string } & Readonly<Record<string, unknown>>;

export interface TaskType<P extends TObject = TObject> {
  /** As clients write it. */
  readonly name: string;
  readonly description: string;
  /** Which workers take it (WORKER_QUEUES). */
  readonly queue: QueueName;
  /** Every parameter has a description; one with a default may be left out. */
  readonly params: P;
  readonly file: "required" | "optional" | "none";
  readonly limits: {
    /** An attempt that takes longer has failed. */
    readonly timeoutSeconds: number;
    /** A larger file is refused when the task is created. */
    readonly maxFileBytes?: number;
  };
  /** Parameters that follow from `metadata`, for clients that know no `params`. */
  readonly paramsFrom?: (metadata: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /**
   * Throws Permanent where trying again can't mend it. Anything else that it throws is taken for a failure that may
   * pass, and tried again up to `max_retries` times.
   */
  run(ctx: Context, input: TaskInput<P>): Promise<TaskResult>;
  /** Ends what the task has started elsewhere, in the transaction that cancels or deletes it before its end. */
  onCancelled?(tx: Tx, task: RunningTask): Promise<void>;
}
