/** The parts of a definition of a target. */
import type { AnswerOf, OperationOf, Schemas } from "../../../../../client/operations.ts";

export type Definition = Schemas["TargetDefinition"];
export type Destination = Definition["destination"];
export type DestinationOf<T extends Destination["type"]> = Extract<Destination, { type: T }>;
export type Column = Definition["columns"][number];
export type ColumnType = Column["type"];
export type Locale = NonNullable<Definition["locale"]>;
export type Rule = NonNullable<Definition["rules"]>[number];
export type Transform = NonNullable<Column["transform"]>[number];
export type Mode = NonNullable<Definition["mode"]>["default"];
export type Version = AnswerOf<OperationOf<"get", "/api/v1/targets/{name}/definition">>;
export type TestResult = AnswerOf<OperationOf<"post", "/api/v1/targets/preview">>;
export type TestedRow = TestResult["rows"][number];

export const COLUMN_TYPES = [
  ...["text", "integer", "decimal", "boolean", "date", "timestamp", "email", "url", "uuid", "enum"],
  ...["json", "array", "lookup", "computed", "constant"],
] as readonly ColumnType[];

export const MODES: Readonly<Record<Destination["type"], readonly Mode[]>> = {
  table: ["insert", "upsert", "update", "skip_existing"],
  http: ["insert", "upsert", "update", "skip_existing"],
  records: ["insert"],
};

/** An empty destination of a kind. */
export function newDestination(type: Destination["type"]): Destination {
  if (type === "table") return { type, schema: "", table: "" };
  return type === "http" ? { type, url: "" } : { type };
}

/** Whether a column has cells in files. */
export function isInFiles({ type }: Column): boolean {
  return type !== "computed" && type !== "constant";
}

/** An object with one field changed; undefined removes it. The order of the fields stays. */
export function withField<T extends object, K extends keyof T>(
  object: T,
  name: K,
  value: T[K] | undefined,
): T {
  if (value !== undefined) return { ...object, [name]: value };
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name)) as T;
}

/** undefined if the object has no fields. */
export function unlessEmpty<T extends object>(object: T): T | undefined {
  return Object.keys(object).length > 0 ? object : undefined;
}
