/** What the API tells of a target: its columns, their rules, and a file to begin with. */
import Type, { type Static } from "typebox";
import { batchMode } from "../schema/batches.ts";
import { modesOf } from "./registry.ts";
import type { Target } from "./target.ts";

const ColumnView = Type.Object({
  name: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
  required: Type.Boolean({ description: "A file without it is refused, and a row without it fails." }),
  min_length: Type.Integer({ description: "In characters, spaces around the cell taken away." }),
  max_length: Type.Union([Type.Integer(), Type.Null()]),
  pattern: Type.Union([Type.String(), Type.Null()], { description: "A regular expression." }),
  default: Type.Union([Type.String(), Type.Null()], { description: "Where the file does not have it." }),
  example: Type.Union([Type.String(), Type.Null()]),
  aliases: Type.Array(Type.String(), { description: "Other header names that mean it." }),
  secret: Type.Boolean({ description: "No answer and no file shows it." }),
});

export const TargetView = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    columns: Type.Array(ColumnView),
    open: Type.Boolean({ description: "Takes a file of any header." }),
    strict: Type.Boolean({ description: "A row with more fields than the header fails." }),
    key: Type.Array(Type.String(), {
      description: "The columns that tell records apart, without regard to case.",
    }),
    modes: Type.Array(Type.Enum(batchMode.enumValues), {
      description:
        "What a row does whose key is taken. insert: it fails as a duplicate. skip_existing: it succeeds and changes " +
        "nothing. upsert: it changes the record. append: it becomes one more record.",
    }),
    undo: Type.Boolean({ description: "Whether its batches can be undone." }),
    role: Type.Union([Type.Literal("admin"), Type.Null()], {
      description: "Who may upload; null: everybody.",
    }),
    template: Type.String({ description: "A CSV file to begin with." }),
  },
  {
    $id: "Target",
    examples: [
      {
        name: "books",
        description: "Books of the user who uploads them.",
        columns: [
          {
            name: "title",
            description: null,
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
        undo: true,
        role: null,
        template: "/api/v1/targets/books/template.csv",
      },
    ],
  },
);

export function viewTarget(target: Target): Static<typeof TargetView> {
  return {
    name: target.name,
    description: target.description,
    columns: rulesOf(target).map(([name, rules]) => ({
      name,
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
    undo: target.undo !== undefined,
    role: target.role ?? null,
    template: `/api/v1/targets/${target.name}/template.csv`,
  };
}

/** The header and, where the columns have examples, a row of them. A target that takes any header has some made up. */
export function templateOf(target: Target): string {
  const columns = rulesOf(target);
  if (columns.length === 0) return "name,note\r\nAda,any columns will do\r\n";
  const lines = [columns.map(([name]) => name), columns.map(([, rules]) => exampleOf(rules) ?? "")];
  return lines.map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

/** What `Type.String` was given. */
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

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
