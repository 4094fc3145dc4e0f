import { type ColumnDefinition, ITEM_TYPES } from "../../definition/column.ts";
import type { Category, CheckForm, ColumnFacts, ForeignKeyFacts, TableFacts } from "../read/table-facts.ts";
import { conditionOf } from "../read/texts.ts";
import { dateLimits, formsFor, numberLimits, textLimits, valuesOf } from "./column-limits.ts";

/** @returns the column, or why it is left out, to follow its name and type */
export function proposeColumn(
  facts: TableFacts,
  column: ColumnFacts,
  lookup: ForeignKeyFacts | undefined,
): ColumnDefinition | string {
  if (column.identity === "always") return "is left out: PostgreSQL numbers it, and accepts no other value.";
  if (column.isGenerated) return "is left out: PostgreSQL computes it.";
  if (!column.canInsert) return "is left out: the role may not insert values.";
  const forms = formsFor(facts, column);
  const isRequired = isRequiredColumn(column, forms);
  const kind = lookup ? lookupOf(column, lookup) : typeOf(column, forms);
  if (kind === null && !isRequired)
    return "is left out. To import it as text, add a column with the type text: PostgreSQL converts it.";
  return {
    name: column.name,
    ...describe(facts, column),
    ...(isRequired ? { required: true } : {}),
    // An update must not set it to null.
    ...(kind ?? { type: "text" as const }),
  };
}

function isRequiredColumn({ isNotNull, hasDefault }: ColumnFacts, forms: readonly CheckForm[]): boolean {
  return (isNotNull || forms.some(({ kind }) => kind === "not_null")) && !hasDefault;
}

type Kind = Omit<ColumnDefinition, "name"> & { readonly name?: string };

const MAX_MATCHES = 5;

function lookupOf(
  { name }: ColumnFacts,
  { schema, table, uniqueTextColumns, otherColumns }: ForeignKeyFacts,
): Kind {
  const [value = ""] = otherColumns;
  const short = name.replace(/_id$/i, "");
  return {
    ...(short === name || short === "" ? {} : { name: short, to: name }),
    type: "lookup",
    lookup: { schema, table, match: uniqueTextColumns.slice(0, MAX_MATCHES), value },
  };
}

const PLAIN: Readonly<Partial<Record<Category, ColumnDefinition["type"]>>> = {
  boolean: "boolean",
  uuid: "uuid",
  json: "json",
  time: "text",
  interval: "text",
  network: "text",
};

/** Null: no type of Rowmill reads it. */
function typeOf(column: ColumnFacts, forms: readonly CheckForm[]): Kind | null {
  const { category, isArray } = column;
  if (isArray) return arrayOf(column);
  const values = valuesOf(column, forms);
  if (values) return { type: "enum", values: values.map((value) => ({ value })) };
  switch (category) {
    case "text":
      return { type: "text", ...textLimits(column, forms) };
    case "enum":
      return { type: "text" };
    case "integer":
      return { type: "integer", ...numberLimits(column, forms) };
    case "decimal":
    case "float":
      return { type: "decimal", ...numberLimits(column, forms) };
    case "date":
    case "timestamp":
      return { type: category, ...dateLimits(forms, category === "date") };
    default: {
      const type = PLAIN[category];
      return type ? { type } : null;
    }
  }
}

function arrayOf({ category, maxLength }: ColumnFacts): Kind | null {
  const name = category === "enum" ? "text" : category === "float" ? "decimal" : category;
  const type = ITEM_TYPES.find((item) => item === name);
  if (!type) return null;
  const isLimited = type === "text" && maxLength !== null;
  return { type: "array", items: { type, ...(isLimited ? { max_length: maxLength } : {}) } };
}

const MAX_DESCRIPTION = 500;

/** The comment, and the text of each constraint, which explains why a row fails. */
function describe({ checks }: TableFacts, { name, comment, domain }: ColumnFacts): { description?: string } {
  const own = checks.filter(({ columns: [only, ...others] }) => only === name && others.length === 0);
  const conditions = [...own, ...(domain?.checks ?? [])].map(({ text }) => conditionOf(text));
  const rules = conditions.length > 0 ? [`Rules: ${conditions.join("; ")}`] : [];
  const description = [...(comment?.trim() ? [comment.trim()] : []), ...rules].join("\n");
  return description === "" ? {} : { description: shorten(description, MAX_DESCRIPTION) };
}

export function shorten(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, "")}…` : text;
}
