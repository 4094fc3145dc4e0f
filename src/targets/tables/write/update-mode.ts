/** The modes `upsert` and `update`. If rows of a file have the same key, the last row wins, even if it is written first. */
import type { Tx } from "../../../context.ts";
import { failed, retry } from "../../outcomes.ts";
import type { Outcome, TargetBatch } from "../../target.ts";
import { withTargetRole } from "../access/with-role.ts";
import { type FoundRecord, findRecords, MAX_IMAGE_BYTES } from "./find-records.ts";
import { type Outcomes, writeGroups } from "./in-key-order.ts";
import { insertRecords } from "./insert-records.ts";
import { findLaterRows } from "./later-records.ts";
import {
  created,
  describeKey,
  keyError,
  refused,
  skippedByTrigger,
  type TableWriter,
  unchanged,
  updated,
} from "./table-outcomes.ts";
import type { TablePlan } from "./table-plan.ts";
import { groupByKey, hasKey, type TableRow } from "./table-rows.ts";
import { type Update, type UpdateResult, updateRecords } from "./update-records.ts";

/** Updates the records that have the keys of the rows. A row whose key no record has fails. */
export async function writeUpdates(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
): Promise<Outcomes> {
  const plan = batch.isDryRun ? { ...writer.plan, canUndo: false } : writer.plan;
  const groups = await withTargetRole(tx, plan.schema, () => groupByKey(tx, plan, rows));
  return writeGroups(groups, {
    isLastFirst: true,
    write: (candidates) => writeOnce(tx, { ...writer, plan }, batch, candidates),
    outcomeAfter: (_row, outcome) => {
      if (outcome.kind === "success") return unchanged(outcome.recordKey ?? null);
      // Not even the record that the earlier row names exists.
      return outcome.kind === "failed" && outcome.errors[0]?.code === NOT_FOUND ? outcome : undefined;
    },
  });
}

const NOT_FOUND = "not_found";

/** How often other transactions may create records with these keys meanwhile. */
const MAX_CONFLICTS = 3;

async function writeOnce(
  tx: Tx,
  writer: TableWriter,
  batch: TargetBatch,
  rows: readonly TableRow[],
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  let open = rows;
  for (let conflicts = 0; open.length > 0 && conflicts < MAX_CONFLICTS; conflicts++) {
    const records = await lockRecords(tx, writer.plan, open);
    const updates = [...records].flatMap(([row, { recordKey, image }]): Update[] => {
      const isTooMuch = writer.plan.canUndo && writer.plan.restored.length > 0 && image === null;
      if (isTooMuch) outcomes.set(row, TOO_MUCH);
      return isTooMuch ? [] : [{ row, recordKey }];
    });
    const due = await withoutDecided(tx, batch, updates, outcomes);
    const others = open.filter((row) => !records.has(row));
    open = await withTargetRole(tx, writer.plan.schema, async () => {
      const results = await updateRecords(tx, writer, due);
      for (const [update, result] of results)
        outcomes.set(update.row, outcomeOf(writer, update, result, records.get(update.row)));
      if (batch.mode === "upsert") return createRecords(tx, writer, others, outcomes);
      for (const row of others) outcomes.set(row, notFound(writer, row));
      return [];
    });
  }
  for (const row of open) outcomes.set(row, CONFLICT);
  return writer.facts.hasRowSecurity ? withPolicies(tx, writer, rows, outcomes) : outcomes;
}

/** A policy may show a record and not let it be locked for an update. The rows of such records look as if it were absent. */
async function withPolicies(
  tx: Tx,
  { plan }: TableWriter,
  rows: readonly TableRow[],
  outcomes: Outcomes,
): Promise<Outcomes> {
  const absent = rows.filter((row) => {
    const outcome = outcomes.get(row);
    const isNotFound = outcome?.kind === "failed" && outcome.errors[0]?.code === NOT_FOUND;
    return (outcome === CONFLICT || isNotFound) && hasKey(plan, row);
  });
  if (absent.length === 0) return outcomes;
  const seen = await withTargetRole(tx, plan.schema, () => findRecords(tx, plan, absent));
  const message = `A row-level security policy of ${plan.label} does not allow changes of this record.`;
  for (const position of seen.keys()) {
    const row = absent[position];
    if (row) outcomes.set(row, failed("forbidden_by_policy", message));
  }
  return outcomes;
}

const CONFLICT = retry(
  "database_conflict",
  "The record was created and removed again while the row was being written.",
);

/**
 * Written by a further attempt at the chunk, which counts from here. A batch that is processed as a whole has no such attempt:
 * it fails.
 */
const TOO_MUCH = retry(
  "too_much_to_keep",
  `The former values of the records of this chunk, which undo needs, have more than ${MAX_IMAGE_BYTES / 2 ** 20} MiB. ` +
    'Retry the row, or set `undo` of the target to "none".',
);

function notFound(writer: TableWriter, { values }: TableRow): Outcome {
  const message = `No record has ${describeKey(writer, values)}. The mode update creates none.`;
  return { kind: "failed", errors: [keyError(writer, NOT_FOUND, message)] };
}

/** Locks the records of the rows, in the order of the rows, so that they stay unchanged until the commit. */
async function lockRecords(
  tx: Tx,
  plan: TablePlan,
  rows: readonly TableRow[],
): Promise<ReadonlyMap<TableRow, FoundRecord>> {
  const keyed = rows.filter((row) => hasKey(plan, row));
  if (keyed.length === 0) return new Map();
  const options = { lockFor: "update", withImage: plan.canUndo } as const;
  const found = await withTargetRole(tx, plan.schema, () => findRecords(tx, plan, keyed, options));
  return new Map(
    keyed.flatMap((row, position) => {
      const record = found.get(position);
      return record ? [[row, record] as const] : [];
    }),
  );
}

/** A later row of the file has decided its record. @returns the other updates */
async function withoutDecided(
  tx: Tx,
  batch: TargetBatch,
  updates: readonly Update[],
  outcomes: Outcomes,
): Promise<Update[]> {
  const written = updates.map(({ row, recordKey }) => ({ row: row.row, recordKey }));
  const later = await findLaterRows(tx, batch.id, written, "last");
  return updates.filter(({ row, recordKey }) => {
    const isDecided = (later.get(recordKey)?.row ?? 0) > row.row;
    if (isDecided) outcomes.set(row, unchanged(recordKey));
    return !isDecided;
  });
}

function outcomeOf(
  writer: TableWriter,
  { row, recordKey }: Update,
  result: UpdateResult,
  record: FoundRecord | undefined,
): Outcome {
  switch (result.kind) {
    case "updated":
      return updated(result, imageOf(writer.plan, record));
    case "unchanged":
      return unchanged(recordKey);
    case "skipped":
      return skippedByTrigger(writer);
    case "failed":
      return refused(writer, result.failure, row.values);
  }
}

function imageOf({ restored, canUndo }: TablePlan, record: FoundRecord | undefined): object | null {
  const image = record?.image;
  if (!canUndo || !image) return null;
  return Object.fromEntries(restored.map(({ to }, index) => [to, image[index] ?? null]));
}

/** @returns the rows whose record another transaction has created meanwhile */
async function createRecords(
  tx: Tx,
  writer: TableWriter,
  rows: readonly TableRow[],
  outcomes: Outcomes,
): Promise<TableRow[]> {
  const filled = new Map<TableRow, TableRow>();
  for (const row of rows) {
    const whole = withDefaults(writer, row);
    const errors = writer.checkNew(whole.values);
    if (errors.length > 0) outcomes.set(row, { kind: "failed", errors });
    else filled.set(whole, row);
  }
  const results = await insertRecords(tx, writer, [...filled.keys()]);
  const taken: TableRow[] = [];
  for (const [given, result] of results) {
    const row = filled.get(given) ?? given;
    if (result.kind === "taken") taken.push(row);
    else if (result.kind === "created") outcomes.set(row, created(result));
    else if (result.kind === "skipped") outcomes.set(row, skippedByTrigger(writer));
    else outcomes.set(row, refused(writer, result.failure, given.values));
  }
  return taken;
}

/** A row of the mode `upsert` leaves columns without a value open, because it may update a record. */
export function withDefaults({ defaults }: TableWriter, row: TableRow): TableRow {
  if (Object.keys(defaults).length === 0) return row;
  const given = Object.entries(row.values).filter(([, value]) => value !== undefined);
  return { row: row.row, values: { ...defaults, ...Object.fromEntries(given) } };
}
