/** What the API shows of a row: the schemas, and how a stored one becomes an answer. */
import Type, { type Static } from "typebox";
import { Moment, NullableMoment } from "../platform/http/schemas.ts";
import { rowEffect, undoOutcome } from "../schema/batches.ts";
import { uniqueNames } from "../targets/match-header.ts";
import { maskSecrets } from "../targets/secrets.ts";
import { batchJobId, chunkJobId } from "./batch-jobs.ts";
import { taskIdOf } from "./ids.ts";
import type { StoredBatch } from "./queries.ts";
import type { StoredRow, StoredRowDetail, StoredRowEvent } from "./row-queries.ts";
import { isWhole } from "./state.ts";
import { RowStatus } from "./views.ts";

const RowErrorView = Type.Object({
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

export type RowView = Static<typeof RowView>;

/** Cells by column; those beyond the header as `_extra`. */
function namedCells(
  batch: StoredBatch,
  fields: readonly string[],
  isMalformed: boolean,
): Record<string, string> {
  const { header } = batch;
  const extra = fields.length - header.length;
  const names = extra > 0 ? uniqueNames([...header, ...Array<string>(extra).fill("_extra")]) : header;
  const cells = maskSecrets(batch, fields, isMalformed);
  return Object.fromEntries(cells.map((cell, at) => [names[at] ?? "", cell]));
}

function jobIdOf(batch: StoredBatch, { firstRow, attempts, attempt }: StoredRow): string | null {
  if (firstRow === null) return null;
  if (!isWhole(batch)) return chunkJobId({ batchId: batch.id, firstRow }, attempts || (attempt ?? 1));
  const isUndo = batch.state === "undoing" || batch.state === "undone";
  return batchJobId("whole", batch.id, isUndo ? batch.run - 1 : batch.run);
}

export function viewRow(batch: StoredBatch, stored: StoredRow): RowView {
  return {
    row: stored.row,
    task_id: taskIdOf(batch.id, stored.row),
    batch_id: batch.id,
    status: stored.status,
    fields: namedCells(batch, stored.fields, stored.errorCode === "malformed"),
    attempts: stored.attempts,
    job_id: jobIdOf(batch, stored),
    record_id: stored.recordId === null ? null : Number(stored.recordId),
    effect: stored.effect,
    error_code: stored.errorCode,
    error_message: stored.errorMessage,
    errors: stored.errors ?? [],
    undo: stored.undo === null ? null : { outcome: stored.undo, reason: stored.undoReason },
    created_at: batch.createdAt.toISOString(),
    completed_at: stored.completedAt === null ? null : new Date(stored.completedAt).toISOString(),
  };
}

export function viewRowDetail(batch: StoredBatch, stored: StoredRowDetail): RowDetail {
  return { ...viewRow(batch, stored), history: stored.events.map((event) => viewRowEvent(batch, event)) };
}

function viewRowEvent(batch: StoredBatch, stored: StoredRowEvent): RowDetail["history"][number] {
  const { event, by, fields, attempts, errorCode, errorMessage } = stored;
  const at = new Date(stored.at).toISOString();
  if (event === "edited") return { event, at, edited_by: by, fields: namedCells(batch, fields ?? [], true) };
  return {
    event,
    at,
    retried_by: by,
    attempts: attempts ?? 0,
    error_code: errorCode,
    error_message: errorMessage,
  };
}
