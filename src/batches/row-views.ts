/** Rows in answers. */
import Type, { type Static } from "typebox";
import { uniqueNames } from "../platform/csv/unique-names.ts";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { rowEffect, undoOutcome } from "../schema/batches.ts";
import { EXTRA_COLUMN } from "../targets/match-header.ts";
import { maskSecrets } from "../targets/secrets.ts";
import { batchJobId, chunkJobId } from "./batch-jobs.ts";
import { rowIdOf } from "./ids.ts";
import type { StoredBatch } from "./queries.ts";
import type { StoredRowDetail, StoredRowEvent } from "./row-history.ts";
import type { StoredRow } from "./row-queries.ts";
import { isOneJob } from "./state.ts";
import { RowStatus } from "./views.ts";

const RowErrorView = Type.Object({
  column: nullable(Type.String({ examples: ["title"] }), "null: the error concerns the whole row."),
  code: Type.String({ description: "The broken rule, for programs.", examples: ["required"] }),
  message: Type.String({ description: "The broken rule, for people.", examples: ["title is required"] }),
});

const ROW_EXAMPLE = {
  row: 3,
  task_id: "01a20159-f320-7af5-a6be-a1fe00000003",
  batch_id: "01a20159-f320-7af5-a6be-a1fe00000000",
  status: "failed",
  fields: { Title: "", "Book Author": "Nobody" },
  attempts: 1,
  job_id: "fa80a633-7c36-8c61-b518-9158366a5671",
  record_id: null,
  record_key: null,
  effect: null,
  error_code: "required",
  error_message: "title is required",
  errors: [{ column: "title", code: "required", message: "title is required" }],
  waiting: null,
  undo: null,
  created_at: "2026-11-22T03:43:21.893Z",
  completed_at: "2026-11-22T03:43:23.486Z",
};

export const RowView = Type.Object(
  {
    row: Type.Integer({ description: "The row as a spreadsheet shows it: the header is row 1." }),
    task_id: { ...Uuid, description: "An id for the row that combines the batch and the row number." },
    batch_id: { ...Uuid, description: "The id of the batch." },
    status: RowStatus,
    fields: MapOf(Type.String(), {
      description: "The uploaded cells, by column.",
    }),
    attempts: Type.Integer({
      description: "How often a worker processed the row. 0: there is no result yet.",
    }),
    job_id: nullable(Type.String({ format: "uuid" }), "The job that processed the row."),
    record_id: nullable(
      Type.Integer(),
      "The record that the row created or updated. null: the row has no record, or its record has a `record_key`.",
    ),
    record_key: nullable(
      MapOf(nullable(Type.String(), "null: the column is empty."), { examples: [{ external_id: "DE1042" }] }),
      "Identifies that record if it is in a table of another application: the columns of its key, as text. Otherwise null.",
    ),
    effect: nullable(Type.Enum(rowEffect.enumValues), "The effect of the row on that record."),
    error_code: nullable(Type.String(), "The first broken rule, for programs."),
    error_message: nullable(Type.String(), "All broken rules, for people."),
    errors: Type.Array(RowErrorView, { description: "Every rule that the row breaks." }),
    waiting: nullable(
      Type.Object({
        until: Moment("When the row is tried again."),
        code: Type.String({ description: "The reason, for programs.", examples: ["mail_delayed"] }),
        message: Type.String({ description: "The reason, for people." }),
      }),
      "Why a pending row waits: a service, such as the mail server, cannot take it now. null: it does not.",
    ),
    undo: nullable(
      Type.Object({
        outcome: Type.Enum(undoOutcome.enumValues, { description: "Whether the record was reverted." }),
        reason: nullable(Type.String(), "Why the record was not reverted."),
      }),
      "The result of undoing the batch for this row.",
    ),
    created_at: Moment("When the upload started."),
    completed_at: NullableMoment("When the row got its result."),
  },
  {
    $id: "Row",
    description: "One row of an upload and its result.",
    examples: [ROW_EXAMPLE],
  },
);

const EVENT_EXAMPLE = {
  event: "edited",
  at: "2026-11-22T03:50:11.120Z",
  edited_by: "ada",
  fields: { Title: "", "Book Author": "" },
};

export const RowEvent = Type.Union(
  [
    Type.Object({
      event: Type.Literal("failed"),
      at: Moment("When the row failed."),
      retried_by: Type.String({ description: "The user who retried it." }),
      attempts: Type.Integer({ description: "How often the row had been processed." }),
      error_code: nullable(Type.String(), "The first broken rule, for programs."),
      error_message: nullable(Type.String(), "All broken rules, for people."),
    }),
    Type.Object({
      event: Type.Literal("edited"),
      at: Moment("When the cells were changed."),
      edited_by: Type.String({ description: "The user who changed them." }),
      fields: MapOf(Type.String(), { description: "The old cells." }),
    }),
  ],
  { examples: [EVENT_EXAMPLE] },
);

export const RowDetail = Type.Object(
  {
    ...RowView.properties,
    history: Type.Array(RowEvent, {
      description:
        "The latest failures and changes of the row, oldest first: up to 100, and fewer if they are longer than 1 MB.",
    }),
    history_truncated: Type.Boolean({
      description: "true: the row has older entries. Its list of `history` has all of them.",
    }),
  },
  {
    $id: "RowDetail",
    description: "One row of an upload, its result and its history.",
    examples: [
      {
        ...ROW_EXAMPLE,
        history: [EVENT_EXAMPLE],
        history_truncated: false,
      },
    ],
  },
);

export type RowDetail = Static<typeof RowDetail>;

export type RowView = Static<typeof RowView>;

/**
 * The cells by column name, with secrets masked. Cells beyond the header are named `_extra`, `_extra_2` and so on.
 * @param isMalformed whether the cells of the row may be in the wrong columns
 */
function namedCells(
  batch: StoredBatch,
  fields: readonly string[],
  isMalformed: boolean,
): Record<string, string> {
  const { header } = batch;
  const extra = fields.length - header.length;
  const names = extra > 0 ? uniqueNames([...header, ...Array<string>(extra).fill(EXTRA_COLUMN)]) : header;
  const cells = maskSecrets(batch, fields, isMalformed);
  return Object.fromEntries(cells.map((cell, at) => [names[at] ?? "", cell]));
}

function jobIdOf(batch: StoredBatch, { firstRow, attempts, attempt }: StoredRow): string | null {
  if (firstRow === null) return null;
  if (!isOneJob(batch)) return chunkJobId({ batchId: batch.id, firstRow }, attempts || (attempt ?? 1));
  const isUndo = batch.state === "undoing" || batch.state === "undone";
  return batchJobId("whole", batch.id, isUndo ? batch.run - 1 : batch.run);
}

function viewWait({ status, wait }: StoredRow): RowView["waiting"] {
  return status === "pending" && wait ? { ...wait, until: new Date(wait.until).toISOString() } : null;
}

export function viewRow(batch: StoredBatch, stored: StoredRow): RowView {
  return {
    row: stored.row,
    task_id: rowIdOf(batch.id, stored.row),
    batch_id: batch.id,
    status: stored.status,
    fields: namedCells(batch, stored.fields, stored.errorCode === "malformed"),
    attempts: stored.attempts,
    job_id: jobIdOf(batch, stored),
    record_id: stored.recordId === null ? null : Number(stored.recordId),
    record_key: stored.recordKey,
    effect: stored.effect,
    error_code: stored.errorCode,
    error_message: stored.errorMessage,
    errors: stored.errors ?? [],
    waiting: viewWait(stored),
    undo: stored.undo === null ? null : { outcome: stored.undo, reason: stored.undoReason },
    created_at: batch.createdAt.toISOString(),
    completed_at: stored.completedAt === null ? null : new Date(stored.completedAt).toISOString(),
  };
}

export function viewRowDetail(batch: StoredBatch, stored: StoredRowDetail): RowDetail {
  return {
    ...viewRow(batch, stored),
    history: stored.events.map((event) => viewRowEvent(batch, event)),
    history_truncated: stored.hasOlderEvents,
  };
}

export function viewRowEvent(batch: StoredBatch, stored: StoredRowEvent): RowDetail["history"][number] {
  const { event, by, fields, attempts, errorCode, errorMessage } = stored;
  const at = stored.at.toISOString();
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
