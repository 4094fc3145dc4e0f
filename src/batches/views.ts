/** What the API shows of a batch and its rows: the schemas, and how a stored one becomes an answer. */
import Type, { type Static } from "typebox";
import { batchState, type rowStatus } from "../schema/batches.ts";

const Moment = (description: string) => Type.String({ format: "date-time", description });
const NullableMoment = (description: string) =>
  Type.Union([Type.String({ format: "date-time" }), Type.Null()], { description });

/** As PostgreSQL takes it: the format alone also allows `urn:uuid:`. */
export const Uuid = Type.String({
  format: "uuid",
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
});

export const RowStatus = Type.Enum(["pending", "processing", "success", "failed"]);
export type RowStatus = (typeof rowStatus.enumValues)[number] | "pending" | "processing";

export const Counts = Type.Object(
  {
    total: Type.Integer({ description: "Rows in the file; grows while it is being received." }),
    pending: Type.Integer(),
    processing: Type.Integer(),
    success: Type.Integer(),
    failed: Type.Integer(),
  },
  { description: "Rows by status. Costs the same to read for ten rows and for ten million." },
);

export const BatchView = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    target: Type.String({ description: "What the rows become." }),
    filename: Type.String(),
    state: Type.Enum(batchState.enumValues, {
      description:
        "receiving: the file is being stored. queued: all of it is stored, no worker has begun. processing. " +
        "completed: every row succeeded. completed_with_errors: every row has a result, some failed.",
    }),
    counts: Counts,
    header: Type.Array(Type.String(), { description: "The file's columns, made unique where names repeat." }),
    mapping: Type.Record(Type.String(), Type.String(), {
      description: "The target's columns that were found, and which of the file's columns each is.",
    }),
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
    finished_at: NullableMoment("When the last row had its result."),
  },
  {
    $id: "Batch",
    examples: [
      {
        id: "01a20159-f320-7af5-a6be-a1fe00000000",
        target: "books",
        filename: "books.csv",
        state: "processing",
        counts: { total: 320, pending: 120, processing: 100, success: 96, failed: 4 },
        header: ["Title", "Book Author"],
        mapping: { title: "Title", author: "Book Author" },
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
    error_code: Type.Union([Type.String(), Type.Null()]),
    error_message: Type.Union([Type.String(), Type.Null()]),
    errors: Type.Array(RowErrorView, { description: "Every rule that the row breaks." }),
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
        error_code: "required",
        error_message: "title is required",
        errors: [{ column: "title", code: "required", message: "title is required" }],
        created_at: "2026-11-22T03:43:21.893Z",
        completed_at: "2026-11-22T03:43:23.486Z",
      },
    ],
  },
);

export type BatchView = Static<typeof BatchView>;
export type RowView = Static<typeof RowView>;
