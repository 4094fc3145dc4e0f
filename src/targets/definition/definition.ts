/** A target that an administrator has defined: its destination, its columns and their rules, as JSON. */
import Type, { type Static } from "typebox";
import { MapOf, NUL_FREE } from "../../platform/http/schemas.ts";
import { batchMode } from "../../schema/batches.ts";
import { ColumnDefinition } from "./column.ts";
import { Destination } from "./destination.ts";
import { DEFINITION_EXAMPLE } from "./example.ts";
import { closed, columnNames, Text } from "./fields.ts";
import { Locale } from "./locale.ts";
import { Rule } from "./rule.ts";

const NAME_PATTERN = /^[a-z][a-z0-9_-]*$/;
const MAX_NAME = 60;

export const TargetName = Type.String({
  minLength: 1,
  maxLength: MAX_NAME,
  pattern: NAME_PATTERN.source,
  description: "The name of the target: small letters, digits, `_` and `-`.",
  examples: ["customers"],
});

export function isTargetName(name: string): boolean {
  return name.length <= MAX_NAME && NAME_PATTERN.test(name);
}

const definitionFields = {
  title: Type.Optional(Text(100, "A title for people.", ["Customers of the shop"])),
  description: Type.Optional(Text(1000, "A description for people.")),
  destination: Destination,
  key: Type.Optional(
    Type.Object(
      {
        columns: columnNames(
          "The columns, by `name`. For tables: a unique constraint or index must have them.",
        ),
      },
      { ...closed, description: "The columns that identify a record." },
    ),
  ),
  mode: Type.Optional(
    Type.Object(
      {
        default: Type.Enum(batchMode.enumValues, { description: "The mode of uploads that name none." }),
        allowed: Type.Array(Type.Enum(batchMode.enumValues), {
          minItems: 1,
          maxItems: 5,
          description: "The modes that uploads may choose.",
        }),
      },
      { ...closed, description: "Default: insert only." },
    ),
  ),
  unknown_columns: Type.Optional(
    Type.Enum(["ignore", "refuse"], {
      description: "Whether a file with columns that the target does not know is refused. Default: ignore",
    }),
  ),
  locale: Type.Optional(Locale),
  columns: Type.Array(ColumnDefinition, { minItems: 1, maxItems: 400, description: "The columns." }),
  rules: Type.Optional(Type.Array(Rule, { maxItems: 100, description: "Rules about several columns." })),
  update: Type.Optional(
    Type.Object(
      {
        columns: Type.Optional(
          columnNames("The columns that updates write, by `name`. Default: all except the key"),
        ),
        empty_cell: Type.Optional(
          Type.Enum(["keep", "null", "default"], {
            description:
              "What an empty cell means in the modes `update` and `upsert`; other modes write the default. Default: keep",
          }),
        ),
        only_if_changed: Type.Optional(
          Type.Boolean({
            description:
              "Whether a record that would stay the same is left alone and counts as unchanged. Default: true",
          }),
        ),
      },
      {
        ...closed,
        description: "How existing records are updated. A column that the file lacks is never written.",
      },
    ),
  ),
  undo: Type.Optional(
    Type.Enum(["record_before_image", "none"], {
      description:
        "Whether batches can be undone, for which records are stored before they change. Default: record_before_image",
    }),
  ),
  permissions: Type.Optional(
    Type.Object(
      {
        roles: Type.Optional(
          Type.Array(Type.Enum(["user", "operator", "admin"]), {
            maxItems: 2,
            description: "The roles that may upload. Default: all roles, or none if `users` is given",
          }),
        ),
        users: Type.Optional(
          Type.Array(Text(150, "A username."), {
            maxItems: 1000,
            description: "Users that may upload, whatever their role.",
          }),
        ),
        max_rows: Type.Optional(
          Type.Integer({ minimum: 1, description: "The greatest number of rows per upload." }),
        ),
      },
      { ...closed, description: "Who may upload. Administrators always may." },
    ),
  ),
  example_rows: Type.Optional(
    Type.Array(MapOf(Type.String({ maxLength: 10_000, pattern: NUL_FREE })), {
      maxItems: 20,
      description: "Rows for the template and for tests, by the names of their columns.",
    }),
  ),
};

export const Definition = Type.Object(definitionFields, {
  ...closed,
  $id: "TargetDefinition",
  examples: [DEFINITION_EXAMPLE],
  description: "A target that an administrator defines.",
});
export type Definition = Static<typeof Definition>;

/** The greatest size of a definition as JSON. Every process keeps the definitions that it has used lately in memory. */
export const MAX_DEFINITION_BYTES = 256 * 1024;
