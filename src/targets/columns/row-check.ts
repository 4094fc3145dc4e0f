/** Turns the cells of a row into the values of a defined target. The messages are for people who edit the spreadsheet. */
import type { RowError } from "../../schema/batches.ts";
import type { ColumnDefinition } from "../definition/column.ts";
import type { Definition } from "../definition/definition.ts";
import type { CheckedRow, TargetBatch, Values } from "../target.ts";
import { ruleChecks } from "./check-rules.ts";
import { resolveLocale } from "./locales.ts";
import { describeProblem, Problem } from "./problem.ts";
import { cellReader, mayUpdate } from "./read-cell.ts";
import { lengthCheck } from "./read-text.ts";
import { isCellColumn } from "./reader-of.ts";
import { fillTemplate, parseTemplate } from "./templates.ts";
import { transformer } from "./transforms.ts";

/** The facts about a batch that its rows need. `header` only serves messages. */
export type CheckedBatch = Pick<TargetBatch, "mapping" | "locale" | "facts" | "id" | "userId" | "mode"> &
  Partial<Pick<TargetBatch, "header">>;

/** Compiles a definition that `checkColumns` accepts, and returns the function that checks a row. */
export function rowCheck(
  definition: Definition,
  batch: CheckedBatch,
): (fields: readonly string[], row: number) => CheckedRow<Values> {
  const ownLocale = resolveLocale(definition.locale);
  const locale = resolveLocale(definition.locale, batch.locale);
  const positionOf = (name: string) =>
    Object.hasOwn(batch.mapping, name) ? (batch.mapping[name] ?? -1) : -1;
  const labels = new Map(
    definition.columns.map((column) => [
      column.name,
      labelOf(column, batch.header?.[positionOf(column.name)]),
    ]),
  );
  const cells = definition.columns.filter(isCellColumn).map((column) => ({
    name: column.name,
    read: cellReader(column, {
      position: positionOf(column.name),
      label: labels.get(column.name) ?? column.name,
      mode: batch.mode,
      locale,
      ownLocale,
      isKey: definition.key?.columns.includes(column.name) ?? false,
      emptyCell: column.empty_cell ?? definition.update?.empty_cell ?? "keep",
    }),
  }));
  const derived = derivedColumns(definition, batch, labels);
  const checkRules = ruleChecks(definition, labels, ownLocale, mayUpdate(batch.mode));
  return (fields, row) => {
    const values: Record<string, string | null | undefined> = {};
    const errors: RowError[] = [];
    for (const { name, read } of cells) {
      const value = read(fields);
      if (typeof value === "object" && value !== null) errors.push(value);
      else values[name] = value;
    }
    if (errors.length === 0) {
      for (const { name, derive } of derived) {
        const value = derive(values, row);
        if (typeof value === "object" && value !== null) errors.push(value);
        else values[name] = value;
      }
    }
    if (checkRules) {
      const failed = new Set(errors.flatMap(({ column }) => column ?? []));
      if (errors.length > 0) for (const { name } of derived) failed.add(name);
      errors.push(...checkRules(values, failed));
    }
    return errors.length === 0 ? { values } : { errors };
  };
}

function labelOf({ label, name }: ColumnDefinition, fileColumn: string | undefined): string {
  return label ?? (fileColumn || name);
}

interface DerivedColumn {
  readonly name: string;
  derive(values: Values, row: number): string | null | undefined | RowError;
}

/** Columns that are not in the file: constants, and then computed columns, which may name constants. */
function derivedColumns(
  { columns }: Definition,
  batch: CheckedBatch,
  labels: ReadonlyMap<string, string>,
): DerivedColumn[] {
  const constants = columns.filter(({ type }) => type === "constant");
  const computed = columns.filter(({ type }) => type === "computed");
  return [
    ...constants.map((column) => ({ name: column.name, derive: constantOf(column, batch) })),
    ...computed.map((column) => ({
      name: column.name,
      derive: computedOf(column, labels.get(column.name) ?? column.name, mayUpdate(batch.mode)),
    })),
  ];
}

function constantOf({ from, value }: ColumnDefinition, batch: CheckedBatch): DerivedColumn["derive"] {
  if (from === "row.number") return (_, row) => String(row);
  const fact = from === undefined ? String(value) : factOf(from, batch);
  return () => fact;
}

type Fact = Exclude<NonNullable<ColumnDefinition["from"]>, "row.number">;

function factOf(from: Fact, { id, userId, facts }: CheckedBatch): string | null {
  switch (from) {
    case "user.id":
      return String(userId);
    case "user.username":
      return facts?.username ?? null;
    case "user.email":
      return facts?.email ?? null;
    case "batch.id":
      return id;
    case "batch.filename":
      return facts?.filename ?? null;
    case "batch.created_at":
      return facts?.createdAt.toISOString().replace("Z", "+00:00") ?? null;
  }
}

function computedOf(column: ColumnDefinition, label: string, isUpdate: boolean): DerivedColumn["derive"] {
  const parts = parseTemplate(column.template ?? "");
  const transform = transformer(column.transform);
  const check = lengthCheck(column);
  return (values) => {
    const text = fillTemplate(parts, values, isUpdate);
    if (text === null || text === undefined) return text;
    const value = transform?.(text) ?? text;
    const problem = value instanceof Problem ? value : (check?.(value) ?? null);
    if (problem) return describeProblem(column.name, label, text, problem);
    return value instanceof Problem ? null : value;
  };
}
