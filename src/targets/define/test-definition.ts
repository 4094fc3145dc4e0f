/** Runs rows through a definition as an import would, and writes nothing. */
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { MustPause, Permanent, Retryable } from "../../errors.ts";
import { underSavepoint } from "../../platform/postgres/database.ts";
import type { RowEffect, RowError } from "../../schema/batches.ts";
import { type AmbiguousColumn, ambiguousDates } from "../columns/ambiguous-dates.ts";
import type { Definition } from "../definition/definition.ts";
import { matchHeader } from "../match-header.ts";
import type { Target, TargetBatch, TargetRow, Values } from "../target.ts";
import { checkDefinition } from "./check-definition.ts";
import { compileDefinition } from "./compile-definition.ts";

export interface Sample {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

interface TestedRow {
  readonly row: number;
  /** null: the row fails, or the destination is outside of the database and was not asked. */
  readonly effect: RowEffect | null;
  readonly values: Readonly<Record<string, string | null>> | null;
  readonly errors: readonly RowError[];
}

export interface DefinitionTest {
  readonly rows: readonly TestedRow[];
  /** Columns of the target to their names in the sample. */
  readonly mapping: Readonly<Record<string, string>>;
  readonly unknown: readonly string[];
  readonly missing: readonly string[];
  readonly ambiguousDates: readonly AmbiguousColumn[];
  readonly notes: readonly string[];
}

/** The number of the first row after the header. */
const FIRST_ROW = 2;

/** The example rows of a definition as a file. */
export function examplesOf({ example_rows: rows = [] }: Definition): Sample {
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { header, rows: rows.map((row) => header.map((name) => row[name] ?? "")) };
}

/**
 * @param name the target that has the definition; null: none has it yet
 * @throws DomainError `invalid_input` if the definition is wrong
 */
export async function testDefinition(
  ctx: Context,
  name: string | null,
  definition: Definition,
  sample: Sample,
): Promise<DefinitionTest> {
  const notes = await checkDefinition(ctx, definition);
  const target = await compileDefinition(ctx, { name: "preview", version: 0, definition });
  const { header, mapping } = matchHeader(target, sample.header, {}, { mayMiss: true });
  const used = new Set(Object.values(mapping));
  const batch: TargetBatch = {
    id: PREVIEW_ID,
    userId: ctx.actor?.id ?? 0,
    mode: target.defaultMode ?? "insert",
    header,
    mapping,
    facts: { filename: "preview.csv", createdAt: ctx.now() },
  };
  const columns = Object.entries(target.columns.properties);
  const details = { destination: definition.destination.type, rows: sample.rows.length };
  const subject = { type: "target", id: name ?? "preview" };
  await inTransaction(ctx, (tx) => recordOwn(tx, { action: "target.tested", subject, details }));
  return {
    rows: await testRows(ctx, target, batch, sample.rows),
    mapping: Object.fromEntries(
      Object.entries(mapping).map(([name, position]) => [name, header[position] ?? ""]),
    ),
    unknown: header.filter((_, position) => !used.has(position)),
    missing: columns.flatMap(([name, rules]) => (name in mapping || "default" in rules ? [] : name)),
    ambiguousDates: ambiguousDates(definition, sample.rows, mapping),
    notes,
  };
}

/** No batch has it, because ids begin with the time of creation. */
const PREVIEW_ID = "00000000-0000-7000-8000-000000000000";

class Discard extends Error {}

async function testRows(
  ctx: Context,
  target: Target,
  batch: TargetBatch,
  rows: readonly (readonly string[])[],
): Promise<TestedRow[]> {
  const check = target.check?.(batch);
  if (!check) throw new Error("A defined target checks its rows.");
  const tested: TestedRow[] = [];
  try {
    await inTransaction(ctx, async (tx) => {
      for (const [index, fields] of rows.entries()) {
        const row = FIRST_ROW + index;
        const checked = check(fields, row);
        if ("errors" in checked) tested.push({ row, effect: null, values: null, errors: checked.errors });
        else tested.push(await testRow(tx, target, batch, { row, fields, values: checked.values }));
      }
      throw new Discard();
    });
  } catch (error) {
    if (!(error instanceof Discard)) throw error;
  }
  return tested;
}

async function testRow(
  tx: Tx,
  target: Target,
  batch: TargetBatch,
  row: TargetRow<Values>,
): Promise<TestedRow> {
  const values = Object.fromEntries(
    Object.entries(row.values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  if (!("write" in target)) return { row: row.row, effect: null, values, errors: [] };
  try {
    const [outcome] = await underSavepoint(tx, () => target.write(tx, batch, [row]));
    if (outcome?.kind === "success") return { row: row.row, effect: outcome.effect, values, errors: [] };
    if (!outcome) throw new Error(`The target ${target.name} returned no outcome.`);
    const errors = outcome.kind === "failed" ? outcome.errors : [outcome.reason];
    return { row: row.row, effect: null, values: null, errors };
  } catch (error) {
    if (!(error instanceof Permanent || error instanceof Retryable || error instanceof MustPause))
      throw error;
    const { message } = error;
    const column = error instanceof Permanent ? error.column : null;
    const code = error instanceof MustPause ? "configuration" : error.code;
    return { row: row.row, effect: null, values: null, errors: [{ column, code, message }] };
  }
}
