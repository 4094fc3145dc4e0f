/** What the API shows of a batch and its rows: the schemas, and how a stored one becomes an answer. */
import Type, { type Static } from "typebox";
import { batchMode, batchPolicy, batchState, rowEffect, undoOutcome } from "../schema/batches.ts";

const Moment = (description: string) => Type.String({ format: "date-time", description });
const NullableMoment = (description: string) =>
  Type.Union([Type.String({ format: "date-time" }), Type.Null()], { description });

/** As PostgreSQL takes it: the format alone also allows `urn:uuid:`. */
export const Uuid = Type.String({
  format: "uuid",
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
});

export const RowStatus = Type.Enum(["pending", "processing", "success", "failed", "unprocessed", "undone"], {
  description:
    "unprocessed: its batch ended before it was its turn. undone: it succeeded, and its record was put back.",
});
export type RowStatus = Static<typeof RowStatus>;

export const NotReversed = Type.Enum(["kept", "failed"], {
  description:
    "Only rows whose records undoing the batch did not put back: kept because they were changed since, or failed.",
});
export type NotReversed = Static<typeof NotReversed>;

export const Counts = Type.Object(
  {
    total: Type.Integer({ description: "Rows in the file; grows while it is being received." }),
    pending: Type.Integer(),
    processing: Type.Integer(),
    success: Type.Integer(),
    failed: Type.Integer(),
    unprocessed: Type.Integer(),
    undone: Type.Integer(),
  },
  {
    description:
      "Rows by status; they add up to `total`. Costs the same to read for ten rows and for ten million.",
  },
);
export type Counts = Static<typeof Counts>;

export const BatchView = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    number: Type.Integer({ description: "The same batch, for those who count." }),
    target: Type.String({ description: "What the rows become." }),
    filename: Type.String(),
    sha256: Type.Union([Type.String(), Type.Null()], { description: "Of the file's bytes." }),
    state: Type.Enum(batchState.enumValues, {
      description:
        "receiving: the file is being stored. queued: all of it is stored, no worker has begun. processing. paused. " +
        "validated: the dry run is over. completed: every row succeeded. completed_with_errors: every row has a " +
        "result, some failed. failed: its policy ended it. cancelled. undoing, undone: its records are put back.",
    }),
    counts: Counts,
    reason: Type.Union([Type.String(), Type.Null()], { description: "Why it is in this state." }),
    records: Type.Object(
      { created: Type.Integer(), updated: Type.Integer(), unchanged: Type.Integer() },
      {
        description:
          "What the rows that succeeded did to the target's records. Of a dry run: what they would do.",
      },
    ),
    undo: Type.Union(
      [Type.Object({ reversed: Type.Integer(), kept: Type.Integer(), failed: Type.Integer() }), Type.Null()],
      { description: "Records put back, kept because they were changed since, and those that could not be." },
    ),
    header: Type.Array(Type.String(), { description: "The file's columns, made unique where names repeat." }),
    mapping: Type.Record(Type.String(), Type.String(), {
      description: "The target's columns that were found, and which of the file's columns each is.",
    }),
    dialect: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: "How the file was read: encoding, delimiter, quote, escape, line ends.",
    }),
    warnings: Type.Record(Type.String(), Type.Integer(), {
      description: "What was mended while reading, by kind: how many rows.",
    }),
    mode: Type.Enum(batchMode.enumValues),
    policy: Type.Enum(batchPolicy.enumValues),
    dry_run: Type.Boolean({ description: "Only checked so far; commit it to write records." }),
    max_errors: Type.Union([Type.String(), Type.Null()]),
    rows_per_second_limit: Type.Union([Type.Integer(), Type.Null()]),
    row_delay_ms: Type.Integer({ description: "Simulated processing time of a row." }),
    rows_per_second: Type.Union([Type.Number(), Type.Null()], {
      description: "Rows with a result a second, from the start on.",
    }),
    seconds_left: Type.Union([Type.Number(), Type.Null()], {
      description: "Estimated from the rate so far.",
    }),
    created_at: Moment("When the upload began."),
    queued_at: NullableMoment("When all of it was stored."),
    started_at: NullableMoment("When a worker took the first rows."),
    finished_at: NullableMoment("When it ended: it will not change any more by itself."),
  },
  {
    $id: "Batch",
    examples: [
      {
        id: "01a20159-f320-7af5-a6be-a1fe00000000",
        number: 1,
        target: "books",
        filename: "books.csv",
        sha256: "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
        state: "processing",
        reason: null,
        counts: {
          total: 320,
          pending: 120,
          processing: 100,
          success: 96,
          failed: 4,
          unprocessed: 0,
          undone: 0,
        },
        records: { created: 96, updated: 0, unchanged: 0 },
        undo: null,
        header: ["Title", "Book Author"],
        mapping: { title: "Title", author: "Book Author" },
        dialect: { encoding: "utf-8", delimiter: ",", quote: '"', newline: "lf" },
        warnings: {},
        mode: "insert",
        policy: "partial",
        dry_run: false,
        max_errors: null,
        rows_per_second_limit: null,
        row_delay_ms: 500,
        rows_per_second: 150.3,
        seconds_left: 1.5,
        created_at: "2026-11-22T03:43:21.893Z",
        queued_at: "2026-11-22T03:43:21.923Z",
        started_at: "2026-11-22T03:43:22.950Z",
        finished_at: null,
      },
    ],
  },
);

export const RowErrorView = Type.Object({
  column: Type.Union([Type.String(), Type.Null()], {
    description: "null where the row as a whole is wrong.",
  }),
  code: Type.String(),
  message: Type.String(),
});

export const RowView = Type.Object(
  {
    row: Type.Integer({ description: "As a spreadsheet shows it: the header is row 1." }),
    task_id: Type.String({ format: "uuid" }),
    batch_id: Type.String({ format: "uuid" }),
    status: RowStatus,
    fields: Type.Record(Type.String(), Type.String(), {
      description: "The cells as they were uploaded, by column.",
    }),
    attempts: Type.Integer({ description: "0 while there is no result." }),
    job_id: Type.Union([Type.String({ format: "uuid" }), Type.Null()], {
      description: "The queue's job for the row's chunk.",
    }),
    record_id: Type.Union([Type.Integer(), Type.Null()], { description: "The record that the row became." }),
    effect: Type.Union([Type.Enum(rowEffect.enumValues), Type.Null()], {
      description: "What the row did to that record.",
    }),
    error_code: Type.Union([Type.String(), Type.Null()]),
    error_message: Type.Union([Type.String(), Type.Null()]),
    errors: Type.Array(RowErrorView, { description: "Every rule that the row breaks." }),
    undo: Type.Union(
      [
        Type.Object({
          outcome: Type.Enum(undoOutcome.enumValues),
          reason: Type.Union([Type.String(), Type.Null()]),
        }),
        Type.Null(),
      ],
      { description: "What undoing the batch came to for this row." },
    ),
    created_at: Moment("When the upload began."),
    completed_at: NullableMoment("When the row had its result."),
  },
  {
    $id: "Row",
    examples: [
      {
        row: 3,
        task_id: "01a20159-f320-7af5-a6be-a1fe00000003",
        batch_id: "01a20159-f320-7af5-a6be-a1fe00000000",
        status: "failed",
        fields: { Title: "", "Book Author": "Nobody" },
        attempts: 1,
        job_id: "fa80a633-7c36-8c61-b518-9158366a5671",
        record_id: null,
        effect: null,
        error_code: "required",
        error_message: "title is required",
        errors: [{ column: "title", code: "required", message: "title is required" }],
        undo: null,
        created_at: "2026-11-22T03:43:21.893Z",
        completed_at: "2026-11-22T03:43:23.486Z",
      },
    ],
  },
);

const RowEvent = Type.Union([
  Type.Object({
    event: Type.Literal("failed"),
    at: Moment("When it failed."),
    retried_by: Type.String(),
    attempts: Type.Integer(),
    error_code: Type.Union([Type.String(), Type.Null()]),
    error_message: Type.Union([Type.String(), Type.Null()]),
  }),
  Type.Object({
    event: Type.Literal("edited"),
    at: Moment("When it was edited."),
    edited_by: Type.String(),
    fields: Type.Record(Type.String(), Type.String(), { description: "The cells before." }),
  }),
]);

export const RowDetail = Type.Object(
  {
    ...RowView.properties,
    history: Type.Array(RowEvent, { description: "What became of the row before, oldest first." }),
  },
  { $id: "RowDetail" },
);

export type RowDetail = Static<typeof RowDetail>;
export type BatchView = Static<typeof BatchView>;
export type RowView = Static<typeof RowView>;
