import Type, { type Static } from "typebox";
import { MapOf, NUL_FREE } from "../../platform/http/schemas.ts";
import { closed, columnNames, Name, Text } from "./fields.ts";

export const Condition = Type.Union([
  Type.String({ maxLength: 1000, pattern: NUL_FREE }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
  Type.Array(
    Type.Union([Type.String({ maxLength: 1000, pattern: NUL_FREE }), Type.Number(), Type.Boolean()]),
    {
      minItems: 1,
      maxItems: 100,
    },
  ),
]);

export const Rule = Type.Object(
  {
    name: Type.String({
      pattern: "^[a-z][a-z0-9_]{0,59}$",
      description: "The code of its errors.",
      examples: ["gold_needs_email"],
    }),
    if: Type.Optional(
      MapOf(Condition, {
        maxProperties: 10,
        description:
          "The rows that the rule is for: columns and their values. A list: one of them. null: no value.",
      }),
    ),
    require: Type.Optional(columnNames("Columns that must have a value.")),
    require_one: Type.Optional(columnNames("Columns of which at least one must have a value.")),
    forbid: Type.Optional(columnNames("Columns that must have no value.")),
    compare: Type.Optional(
      Type.Object(
        {
          left: Name("A column.", ["starts_on"]),
          operator: Type.Enum(["<", "<=", "=", "<>", ">=", ">"]),
          right: Name("A column of the same type.", ["ends_on"]),
        },
        { ...closed, description: "How two columns must compare, if both have a value." },
      ),
    ),
    message: Text(300, "The error, for the person who edits the file.", [
      "gold customers need an e-mail address",
    ]),
  },
  { ...closed, description: "A rule about several columns of a row." },
);
export type RowRule = Static<typeof Rule>;
