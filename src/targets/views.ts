/** Targets in answers, and their template files. */
import Type, { type Static } from "typebox";
import { csvRecords } from "../platform/csv/cells.ts";
import { MapOf, nullable } from "../platform/http/schemas.ts";
import { batchMode } from "../schema/batches.ts";
import { COLUMN_TYPES } from "./definition/column.ts";
import type { Definition } from "./definition/definition.ts";
import { Locale } from "./definition/locale.ts";
import type { Proposal } from "./propose-columns.ts";
import { modesOf } from "./registry.ts";
import type { Target } from "./target.ts";

const ColumnView = Type.Object({
  name: Type.String({ description: "The name of the column." }),
  label: nullable(Type.String(), "A heading for people. null: the name."),
  type: Type.Enum(COLUMN_TYPES, { description: "How a cell is read. Built-in targets have only `text`." }),
  values: nullable(Type.Array(Type.String()), "The values of an `enum`. null: the column is no enum."),
  formats: nullable(
    Type.Array(Type.String()),
    "The patterns of a date or a time. null: ISO 8601 and the order of the locale.",
  ),
  description: nullable(Type.String(), "The purpose of the column."),
  required: Type.Boolean({
    description: "A file without the column is refused, and a row without a value fails.",
  }),
  min_length: Type.Integer({
    description: "The least number of characters, without spaces around the cell.",
  }),
  max_length: nullable(Type.Integer(), "The greatest number of characters. null: no limit."),
  pattern: nullable(Type.String(), "A regular expression that cells must match."),
  default: nullable(Type.String(), "The value if the file does not have the column."),
  example: nullable(Type.String(), "An example of a cell."),
  aliases: Type.Array(Type.String(), { description: "Other header names for the column." }),
  secret: Type.Boolean({ description: "true: answers and files never show the cells." }),
});

export const TargetView = Type.Object(
  {
    name: Type.String({ description: "The name of the target." }),
    title: Type.String({ description: "A title for people." }),
    description: Type.String({ description: "A description of the target." }),
    version: nullable(
      Type.Integer(),
      "The version of the definition. null: the target is a part of Rowmill.",
    ),
    destination: Type.Enum(["built_in", "table", "http", "records"], { description: "What rows become." }),
    locale: nullable(
      Locale,
      "How files write numbers, dates and booleans, unless an upload says otherwise. null: every cell is text.",
    ),
    columns: Type.Array(ColumnView, { description: "The columns that the target knows." }),
    open: Type.Boolean({ description: "true: the target accepts any header." }),
    strict: Type.Boolean({ description: "true: a row with more cells than the header fails." }),
    key: Type.Array(Type.String(), {
      description: "The columns that identify a record, in any case.",
    }),
    modes: Type.Array(Type.Enum(batchMode.enumValues), {
      description:
        "How a row whose key is taken is handled. insert: the row fails as a duplicate. skip_existing: it succeeds and changes " +
        "nothing. upsert: it updates the record. update: it updates the record, or fails. append: it creates another record.",
    }),
    default_mode: Type.Enum(batchMode.enumValues, { description: "The mode of uploads that name none." }),
    max_rows: nullable(
      Type.Integer(),
      "The greatest number of rows per upload. null: UPLOAD_MAX_ROWS alone.",
    ),
    params: nullable(
      MapOf(Type.Unknown()),
      "The JSON Schema of the option `params` of an upload. null: the target has no parameters.",
    ),
    undo: Type.Boolean({ description: "Whether batches of this target can be undone." }),
    role: nullable(Type.Literal("admin"), "The role that may upload. null: everybody."),
    template: Type.String({ description: "The path of a CSV file to start with." }),
  },
  {
    $id: "Target",
    description: "A destination for the rows of an upload.",
    examples: [
      {
        name: "books",
        title: "books",
        description: "Books of the user who uploads them.",
        version: null,
        destination: "built_in",
        locale: null,
        columns: [
          {
            name: "title",
            label: null,
            type: "text",
            values: null,
            formats: null,
            description: "The title.",
            required: true,
            min_length: 1,
            max_length: 500,
            pattern: null,
            default: null,
            example: "Frankenstein",
            aliases: ["name", "original_title", "book_title"],
            secret: false,
          },
        ],
        open: false,
        strict: true,
        key: ["title", "author"],
        modes: ["insert", "skip_existing", "upsert", "append"],
        default_mode: "insert",
        max_rows: null,
        params: null,
        undo: true,
        role: null,
        template: "/api/v1/targets/books/template.csv",
      },
    ],
  },
);

export function viewTarget(target: Target): Static<typeof TargetView> {
  const definition = target.defined?.definition;
  return {
    name: target.name,
    title: definition?.title ?? target.name,
    description: target.description,
    version: target.defined?.version ?? null,
    destination: definition?.destination.type ?? "built_in",
    locale: definition ? { ...definition.locale } : null,
    columns: rulesOf(target).map(([name, rules]) => ({
      name,
      ...typeOf(definition, name),
      description: rules.description ?? null,
      required: !("default" in rules),
      min_length: rules.minLength ?? 0,
      max_length: rules.maxLength ?? null,
      pattern: rules.pattern === undefined ? null : String(rules.pattern),
      default: "default" in rules ? String(rules.default) : null,
      example: exampleOf(rules),
      aliases: [...(target.aliases[name] ?? [])],
      secret: target.secrets?.includes(name) ?? false,
    })),
    open: target.isOpen ?? false,
    strict: target.isStrict ?? false,
    key: [...(target.key ?? [])],
    modes: [...modesOf(target)],
    default_mode: target.defaultMode ?? "insert",
    max_rows: target.maxRows ?? null,
    params: target.params === undefined ? null : JSON.parse(JSON.stringify(target.params)),
    undo: target.undo !== undefined,
    role: target.role ?? null,
    template: `/api/v1/targets/${target.name}/template.csv`,
  };
}

function typeOf(definition: Definition | undefined, name: string) {
  const column = definition?.columns.find((column) => column.name === name);
  return {
    label: column?.label ?? null,
    type: column?.type ?? "text",
    values: column?.values?.map(({ value }) => value) ?? null,
    formats: column?.formats ?? null,
  };
}

/** A CSV with the header and the example rows, or one row of the examples of the columns. For a target that accepts any header, both are invented. */
export function templateOf(target: Target): string {
  const columns = rulesOf(target);
  if (columns.length === 0)
    return csvRecords([
      ["name", "note"],
      ["Ada", "any columns will do"],
    ]);
  const names = columns.map(([name]) => name);
  const examples = target.defined?.definition.example_rows ?? [];
  const rows = examples.map((row) => names.map((name) => row[name] ?? ""));
  return csvRecords([
    names,
    ...(rows.length > 0 ? rows : [columns.map(([, rules]) => exampleOf(rules) ?? "")]),
  ]);
}

/** The options of `Type.String`. */
interface Rules {
  readonly type: "string";
  readonly description?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string | RegExp;
  readonly default?: unknown;
  readonly examples?: unknown;
}

function rulesOf(target: Target): [name: string, rules: Rules][] {
  return Object.entries(target.columns.properties);
}

function exampleOf({ examples }: Rules): string | null {
  return Array.isArray(examples) && examples.length > 0 ? String(examples[0]) : null;
}

export const MatchBody = Type.Object(
  {
    header: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 20_000,
      description: "The column names of the file, in their order.",
      examples: [["Name", "Writer", "Notes"]],
    }),
  },
  { additionalProperties: false },
);

export const Match = Type.Object(
  {
    columns: Type.Array(
      Type.Object({
        name: Type.String({ description: "The column of the target.", examples: ["title"] }),
        required: Type.Boolean({ description: "An upload without the column is refused." }),
        file_column: nullable(
          Type.String({ examples: ["Name"] }),
          "The column of the file, with a suffix if its name is repeated. null: the file has none.",
        ),
        source: nullable(
          Type.Enum(["remembered", "name", "alias"]),
          "remembered: the mapping of an earlier upload has it. name, alias: the names match. null: the file has no such column.",
        ),
      }),
      {
        description: "The columns of the target. For an open target: the columns of the file that are kept.",
      },
    ),
    unknown: Type.Array(Type.String({ examples: ["Notes"] }), {
      description: "The columns of the file that no column of the target gets.",
    }),
    remembered: nullable(
      Type.Object({
        mapping: MapOf(nullable(Type.String(), "null: the column is ignored."), {
          description: "The `mapping` of that upload.",
        }),
        options: MapOf(Type.String(), { description: "Its `mode`, `policy` and `max_errors`." }),
        used_at: Type.String({ format: "date-time", description: "When the upload was accepted." }),
      }),
      "Your last upload with a mapping for these columns. null: there was no such upload.",
    ),
  },
  { description: "The proposal." },
);

export function viewMatch(target: Target, { columns, unknown, remembered }: Proposal): Static<typeof Match> {
  const rules = new Map(rulesOf(target));
  return {
    columns: columns.map(({ name, fileColumn, source }) => ({
      name,
      required: rules.has(name) && !("default" in (rules.get(name) ?? {})),
      file_column: fileColumn,
      source,
    })),
    unknown: [...unknown],
    remembered: remembered && {
      mapping: { ...remembered.mapping },
      options: { ...remembered.options },
      used_at: remembered.usedAt.toISOString(),
    },
  };
}
