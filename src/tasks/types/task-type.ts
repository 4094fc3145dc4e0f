/** The contract of task types. A type is one file with its parameters, its limits and the function that does the work. */
import type { Readable } from "node:stream";
import type { Static, TObject } from "typebox";
import type { Config } from "../../config/config.ts";
import type { Context, Tx } from "../../context.ts";
import type { ReadableFile } from "../../files/readable-file.ts";
import type { QueueName } from "../../jobs.ts";
import type { Pace } from "../lanes/lane.ts";

/** A file that a task created. It becomes visible when the task completes, and is deleted with the task. */
export interface OutputFile {
  readonly id: string;
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number;
}

/** The part of a task that its type can read. */
export interface RunningTask {
  readonly id: string;
  readonly userId: number;
  readonly title: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The `checkpoint` of an earlier attempt that did not finish. */
  readonly result: Readonly<Record<string, unknown>> | null;
  /** When the task became due: after the request to retry it, if there was one. */
  readonly dueAt: Date | null;
  /** The number of jobs that the task has had. A task whose worker was lost keeps its job. */
  readonly run: number;
  /** Automatic retries since the task was created or retried by hand. */
  readonly retryCount: number;
}

type FileUse = "required" | "optional" | "none";

type FileFor<F extends FileUse> = F extends "required"
  ? ReadableFile
  : F extends "none"
    ? null
    : ReadableFile | null;

export interface TaskInput<P extends TObject, F extends FileUse = FileUse> {
  readonly task: RunningTask;
  readonly params: Static<P>;
  /** null if the task has no file. */
  readonly file: FileFor<F>;
  /** The state that the type gave to `ContinueLater`; null at the beginning of an attempt. */
  readonly state: unknown;
  /** Aborts if the task is cancelled or deleted, if it times out, or if its worker stops. Throw soon after that. */
  readonly signal: AbortSignal;
  /** Reports progress. Call it at any rate: at most two reports per second are written, and always the last one. */
  progress(percent: number, message?: string, data?: Record<string, unknown>): void;
  /**
   * Stores an output file while it arrives. Files of attempts that do not complete are removed.
   * @throws Permanent `quota_exceeded` if the file does not fit into the quota of the owner
   */
  store(content: Buffer | Readable, file: { name: string; mediaType: string }): Promise<OutputFile>;
  /**
   * Saves the state of the work for the next attempt, which finds it as `task.result`. Call it in the transaction that
   * does that work.
   * @throws Error if the task was cancelled, deleted or started by another worker, so that the transaction rolls back
   */
  checkpoint(tx: Tx, result: Record<string, unknown>): Promise<void>;
}

/** The result for the user, as JSON. `message` is one sentence for people. */
export type TaskResult = { readonly message: string } & Readonly<Record<string, unknown>>;

/** `nobody`: a setting has turned the type off. */
export type TypeRole = "admin" | "nobody";

/** Parameters of a task that is created now or later. */
interface ParamsToCheck<P> {
  readonly params: P;
  /** The path of the parameters in the request, for errors. */
  readonly field: string;
}

export interface TaskType<P extends TObject = TObject, F extends FileUse = FileUse> {
  /** Clients send it as `type`. */
  readonly name: string;
  readonly description: string;
  /** The role that may create and retry tasks of this type. Absent: every user. */
  readonly role?: TypeRole | ((config: Config) => TypeRole | undefined);
  /** Decides which workers run the tasks (WORKER_QUEUES). */
  readonly queue: QueueName;
  /** Every parameter needs a description; a parameter with a default is optional for clients. */
  readonly params: P;
  /** Whether a task of this type has a file. Checked when a task is created. */
  readonly file: F;
  /** The fields of results besides `message`. Absent: workflows cannot check which fields their templates use. */
  readonly result?: TObject;
  readonly limits: {
    /** An attempt that takes longer fails. */
    readonly timeoutSeconds: number;
    /** A larger file is refused when the task is created. */
    readonly maxFileBytes?: number;
  };
  /** Checks parameters against settings. @throws DomainError `invalid_input` */
  checkParams?(config: Config, params: Static<P>, field: string): void;
  /**
   * Checks parameters of tasks of one user against the database. Call `checkParams` first.
   * @throws DomainError `invalid_input`
   */
  requireUsable?(ctx: Context, userId: number, tasks: readonly ParamsToCheck<Static<P>>[]): Promise<void>;
  /** The pace of the task, which it shares with the other tasks of its user to the same host (tasks/lanes/). */
  paceOf?(params: Static<P>): Pace;
  /** Derives parameters from `metadata`, for clients that do not send `params`. */
  readonly paramsFrom?: (metadata: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /**
   * Does the work.
   * @throws Permanent if another attempt cannot succeed, ContinueLater to wait; any other error is retried up to
   * `max_retries` times
   */
  run(ctx: Context, input: TaskInput<P, F>): Promise<TaskResult>;
  /** Cleans up other things that the task started. Runs in the transaction that cancels or deletes the task. */
  onCancelled?(tx: Tx, task: RunningTask): Promise<void>;
}
