/** The contract of a target: its columns, and the function that writes valid rows. */
import type { Static, TObject, TString } from "typebox";
import type { Context, Tx } from "../context.ts";
import type { BatchMode, RowEffect, RowError } from "../schema/batches.ts";
import type { Definition } from "./definition/definition.ts";
import type { Locale } from "./definition/locale.ts";
import type { NewRecords } from "./new-records.ts";
import type { PlainInserts } from "./plain-inserts.ts";

/** Column names and the rules for their cells, which are text. */
export type Columns = TObject<Record<string, TString>>;

/**
 * Column names to the values of a row. A defined target has values in the text form of PostgreSQL: null sets the column to
 * null, and undefined leaves it to the default, or an existing record as it is.
 */
export type Values = Readonly<Record<string, string | null | undefined>>;

/** A row after the check by the rules of its target. */
export type CheckedRow<V> = { readonly values: V } | { readonly errors: readonly RowError[] };

/** A later row of the same file that had created the record, because its chunk was processed first. */
export interface DisplacedRow {
  readonly row: number;
  /** Why the displaced row has failed; null: it has left the record unchanged. */
  readonly error: RowError | null;
  /** The message of other rows that failed because of the displaced row. They get the new error as well. */
  readonly formerMessage: string;
}

/** The outcome of one row. An exception says nothing about a single row, so outcomes are values. */
export type Outcome =
  | {
      readonly kind: "success";
      /** null: the record is in a table of its own and has a `recordKey`, or it is outside of the database. */
      readonly recordId: number | null;
      /** Identifies a record that is not in a table of Rowmill, for example `{"external_id":"DE1042"}`. */
      readonly recordKey?: string;
      /** A hash of the record after the write, by which undo finds out whether it was changed later. */
      readonly recordVersion?: string;
      readonly effect: RowEffect;
      /** The record before the update, for `undo`. */
      readonly before?: object;
      readonly displaces?: DisplacedRow;
    }
  | { readonly kind: "failed"; readonly errors: readonly RowError[] }
  | { readonly kind: "retry"; readonly reason: RowError; readonly afterSeconds?: number }
  /** The row is handled again later, and this does not count as an attempt. Only row targets return it. */
  | {
      readonly kind: "wait";
      readonly reason: RowError;
      readonly afterSeconds: number;
      /** Whether the other rows of the chunk wait as well. */
      readonly isForAll: boolean;
    };

export interface TargetBatch {
  readonly id: string;
  readonly userId: number;
  readonly mode: BatchMode;
  /** The columns of the file. */
  readonly header: readonly string[];
  /** Columns of the target to their positions in `header`. The file does not have the others, which get their default. */
  readonly mapping: Readonly<Record<string, number>>;
  /** The parameters of the upload, as `params` of the target describes them. Absent: it has none. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** How the file writes numbers, dates and booleans, where it differs from the target. */
  readonly locale?: Locale;
  /** Only for defined targets. */
  readonly facts?: UploadFacts;
  /** Whether the records are rolled back, so that nothing need be kept for undo. */
  readonly isDryRun?: boolean;
}

/** Facts about an upload that columns of the type `constant` can have. */
export interface UploadFacts {
  readonly filename: string;
  readonly createdAt: Date;
  /** Of the user who uploaded the file. */
  readonly username?: string;
  /** null: the user has none. */
  readonly email?: string | null;
}

export interface TargetRow<V> {
  /** The row number that a spreadsheet shows. */
  readonly row: number;
  /** Reserved for the record by a target with `plain`, so that ids have the order of the file. Absent: `write` takes new ones. */
  readonly id?: number | undefined;
  readonly values: V;
  /** The cells of the file, in the order of `batch.header`. */
  readonly fields: readonly string[];
}

/** A successful row that is being undone. */
export interface WrittenRow {
  readonly row: number;
  /** 0: the record has a `recordKey`. */
  readonly recordId: number;
  readonly recordKey: string | null;
  readonly recordVersion: string | null;
  readonly effect: "created" | "updated";
  readonly before: object | null;
}

/** `kept`: the record was changed later, so it stays unchanged. */
export type UndoOutcome =
  | { readonly kind: "reversed" }
  | { readonly kind: "kept" | "failed"; readonly reason: string };

interface TargetDescription<C extends Columns> {
  readonly name: string;
  /** The definition of a target that an administrator has added. Absent: the target is a part of Rowmill. */
  readonly defined?: { readonly version: number; readonly definition: Definition };
  /** When the version of the definition was saved. */
  readonly savedAt?: Date;
  readonly description: string;
  /** A column with a default is optional: if the file does not have it, every row gets the default. */
  readonly columns: C;
  /** Parameters that an upload sends for all of its rows. */
  readonly params?: TObject;
  /** Other header names of a column. */
  readonly aliases: Readonly<Partial<Record<keyof Static<C> & string, readonly string[]>>>;
  /** Accepts any header: `columns` is empty, `batch.mapping` names the kept columns, and `fields` has the cells of a row. */
  readonly isOpen?: boolean;
  /** Fails a row that has more fields than the header, instead of keeping the rest as `_extra`. */
  readonly isStrict?: boolean;
  /** Columns that no answer and no file shows. Their cells are emptied when the row has succeeded. */
  readonly secrets?: readonly (keyof Static<C> & string)[];
  /** The columns that identify a record of one owner, without regard to case. */
  readonly key?: readonly (keyof Static<C> & string)[];
  /** Whether a key identifies a record among those of all owners, not of one. */
  readonly isKeyShared?: boolean;
  /** The records that the target writes, if other targets may write them too, such as `shop.customers`. */
  readonly recordsName?: string;
  /** The modes that an upload may choose; `write` finds the chosen one in `batch.mode`. Absent: only `insert`. */
  readonly modes?: readonly BatchMode[];
  /** The mode of uploads that name none. Absent: `insert`. */
  readonly defaultMode?: BatchMode;
  /** Refuses a file with columns that the target does not know and the mapping does not ignore. */
  readonly isClosed?: boolean;
  /** The greatest number of rows per upload. Absent: UPLOAD_MAX_ROWS alone. */
  readonly maxRows?: number;
  /** Limits chunks for a target that takes long per row: a chunk is repeated if its worker dies, and delays others. */
  readonly maxChunkRows?: number;
  /** The role that may upload. Absent: every user. */
  readonly role?: "admin";
  /** Refuses API tokens for uploads and for changes of batches, because the rows change what users log in with. */
  readonly needsLogin?: boolean;
  /**
   * Returns the function that checks the cells of a row and converts them. Absent: the rules of `columns` say it all
   * (validate-row.ts).
   */
  check?(batch: TargetBatch): (fields: readonly string[], row: number) => CheckedRow<Values>;
  /**
   * Restores the records to their state before the rows, unless they were changed later. Returns one outcome per row, in
   * the order of the rows. No record is named twice. Without `undo`, a batch of this target cannot be undone.
   */
  undo?(tx: Tx, batch: TargetBatch, rows: readonly WrittenRow[]): Promise<UndoOutcome[]>;
}

/** Writes many rows with one statement, in the transaction that also stores their results and completes the job. */
export interface SetTarget<C extends Columns = Columns, V = Static<C>> extends TargetDescription<C> {
  /**
   * Returns one outcome per row, in the order of the rows. If it throws, Rowmill rolls back the slice and tries each half,
   * until the rows that cause the exception are isolated.
   */
  write(tx: Tx, batch: TargetBatch, rows: readonly TargetRow<V>[]): Promise<Outcome[]>;
  readonly plain?: PlainInserts<TargetBatch>;
  /** @returns null: rows of the batch may do more than create records */
  newRecords?(tx: Tx, batch: TargetBatch): Promise<NewRecords | null>;
}

/** One attempt at one row. */
export interface Attempt {
  /** The same for every attempt at the row. Send it to other services as an idempotency key. */
  readonly rowId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when the row takes longer than ROW_TIMEOUT_SECONDS, the batch is paused or cancelled, or the worker stops. */
  readonly signal: AbortSignal;
}

/** Calls a service outside the database for each row. A row may be handled again after a crash. */
export interface RowTarget<C extends Columns = Columns, V = Static<C>> extends TargetDescription<C> {
  /** The number of rows of a chunk that are handled at the same time. */
  readonly concurrency: number;
  /**
   * @returns the id of the record
   * @throws Retryable if another attempt may succeed, Permanent if it cannot, MustWait if the row cannot be handled now;
   * any other exception is retried
   */
  handle(ctx: Context, batch: TargetBatch, row: TargetRow<V>, attempt: Attempt): Promise<number>;
  /** Gives up what rows without a result have left behind, in the transaction that ends the batch. */
  end?(tx: Tx, batchId: string): Promise<void>;
}

/** The answer of a service to a group of rows. */
export type GroupAnswer =
  /** `outcomes` are those of the first rows of the group, in their order. The others were not sent. */
  | { readonly kind: "answered"; readonly outcomes: readonly Outcome[] }
  /** The service refused the first `count` rows together, which are more than one. Fewer at a time may succeed. */
  | { readonly kind: "divide"; readonly count: number }
  /** The service could not process the first `count` rows. `isDown`: it may take no rows at all. */
  | {
      readonly kind: "retry";
      readonly count: number;
      readonly reason: RowError;
      readonly afterSeconds?: number;
      readonly isDown: boolean;
    }
  /** Nothing was sent: others use the service up to its limits. */
  | { readonly kind: "wait"; readonly afterSeconds: number }
  /** The service refuses all rows until an administrator changes something. `reason` is a sentence for people. */
  | { readonly kind: "stop"; readonly reason: string };

/** One attempt at a group of rows. */
export interface GroupAttempt {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Changes when a person has the rows processed again. */
  readonly run: number;
  /** Returns the id of a row, which is the same for every attempt at it. */
  readonly rowIdOf: (row: number) => string;
  /** Whether the service must check the rows only. */
  readonly isDryRun: boolean;
  /** Aborts when the worker stops. A request that was sent is repeated later. */
  readonly signal: AbortSignal;
}

/** A successful row whose undo is asked of a service. */
export interface SentRow {
  readonly row: number;
  readonly recordKey: string | null;
  readonly effect: "created" | "updated";
}

/** `undefined`: the service asks to try the row again. */
export type GroupUndoAnswer =
  | { readonly kind: "answered"; readonly outcomes: readonly (UndoOutcome | undefined)[] }
  | Exclude<GroupAnswer, { kind: "answered" }>;

/**
 * Sends groups of rows to a service outside of the database. A group may be sent again after a crash. The results of a
 * group are stored before the next group of its chunk is sent.
 */
export interface GroupTarget<C extends Columns = Columns, V = Static<C>> extends TargetDescription<C> {
  /** The number of chunks of a batch that may be sent at the same time. */
  readonly lanes: number;
  /** The greatest number of attempts at a row. */
  readonly maxAttempts: number;
  /** Seconds until the first retry. Each later one takes twice as long, at most an hour. */
  readonly firstRetrySeconds: number;
  /** The longest time that `send` takes. */
  readonly maxSeconds: number;
  /** Whether dry runs are sent. Otherwise they only check the rules of the columns. */
  readonly sendsDryRuns: boolean;
  /**
   * Sends the first rows of a group, as many as one request can have.
   * @param ctx outside the transaction
   * @param tx holds a place for the request until it ends
   * @throws the reason of the signal
   */
  send(
    ctx: Context,
    tx: Tx,
    batch: TargetBatch,
    rows: readonly TargetRow<V>[],
    attempt: GroupAttempt,
  ): Promise<GroupAnswer>;
  /** As `send`, for rows whose records the service restores. Without it, batches cannot be undone. */
  sendUndo?(
    ctx: Context,
    tx: Tx,
    batch: TargetBatch,
    rows: readonly SentRow[],
    attempt: GroupAttempt,
  ): Promise<GroupUndoAnswer>;
}

export type Target<C extends Columns = Columns, V = Values> =
  | SetTarget<C, V>
  | RowTarget<C, V>
  | GroupTarget<C, V>;

export function isRowTarget(target: Target): target is RowTarget<Columns, Values> {
  return "handle" in target;
}

export function isGroupTarget(target: Target): target is GroupTarget<Columns, Values> {
  return "send" in target;
}

/** Whether the rows have effects outside of the database, which no transaction rolls back. */
export function isRemote(
  target: Target,
): target is RowTarget<Columns, Values> | GroupTarget<Columns, Values> {
  return isRowTarget(target) || isGroupTarget(target);
}
