/** A column of a defined target, and the rules for its cells. */
import Type, { type Static } from "typebox";
import { NUL_FREE } from "../../platform/http/schemas.ts";
import { closed, Name, Text } from "./fields.ts";
import { Lookup } from "./lookup.ts";
import { Transform } from "./transform.ts";

export const COLUMN_TYPES = [
  "text",
  "integer",
  "decimal",
  "boolean",
  "date",
  "timestamp",
  "email",
  "url",
  "uuid",
  "enum",
  "json",
  "array",
  "lookup",
  "computed",
  "constant",
] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** The types of the items of an array. */
export const ITEM_TYPES = [
  "text",
  "integer",
  "decimal",
  "boolean",
  "date",
  "timestamp",
  "email",
  "url",
  "uuid",
] as const;

const Limit = Type.Union([
  Type.Number(),
  Text(40, "A number, a date or a time, or `today`.", ["1900-01-01"]),
]);

export const ColumnDefinition = Type.Object(
  {
    name: Name("The name of the column in files.", ["full_name"]),
    to: Type.Optional(Name("The name in the destination. Default: `name`", ["country_id"])),
    label: Type.Optional(Text(100, "A heading for people. Files may use it as well.", ["Full name"])),
    description: Type.Optional(Text(500, "The purpose of the column.")),
    aliases: Type.Optional(
      Type.Array(Text(100, "Another name.", ["customer name"]), {
        maxItems: 50,
        description: "Other names of the column in files.",
      }),
    ),
    type: Type.Enum(COLUMN_TYPES, { description: "How a cell is read." }),
    required: Type.Optional(
      Type.Boolean({
        description: "A file without the column is refused, and a row without a value fails. Default: false",
      }),
    ),
    default: Type.Optional(
      Type.Union([Type.String({ maxLength: 10_000, pattern: NUL_FREE }), Type.Number(), Type.Boolean()], {
        description: "The value of new records if the file has none, as a cell would have it.",
      }),
    ),
    example: Type.Optional(Text(500, "A cell for the template.", ["Ada Byron"])),
    trim: Type.Optional(
      Type.Boolean({ description: "Whether blanks around a cell are removed. Default: true" }),
    ),
    transform: Type.Optional(
      Type.Array(Transform, {
        maxItems: 10,
        description: "Changes of the text of a cell, in this order, before it is checked.",
      }),
    ),
    min_length: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    max_length: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000_000, description: "The greatest number of characters." }),
    ),
    pattern: Type.Optional(
      Text(500, "A regular expression that the whole or a part of a text must match.", ["^[A-Z]{2}[0-9]+$"]),
    ),
    pattern_message: Type.Optional(
      Text(200, "What the pattern means, to follow the name of the column.", [
        "is two letters and digits, such as DE1042",
      ]),
    ),
    values: Type.Optional(
      Type.Array(
        Type.Object(
          {
            value: Text(200, "The value to write.", ["gold"]),
            synonyms: Type.Optional(
              Type.Array(Text(200, "Another spelling.", ["premium"]), {
                maxItems: 50,
                description: "Other spellings in files.",
              }),
            ),
          },
          closed,
        ),
        {
          minItems: 1,
          maxItems: 1000,
          description: "For the type `enum`: its values. Cells match in any case.",
        },
      ),
    ),
    precision: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: "For `decimal`: the greatest number of digits.",
      }),
    ),
    scale: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description: "For `decimal`: the greatest number of decimals.",
      }),
    ),
    rounding: Type.Optional(
      Type.Enum(["refuse", "half_up", "half_even", "truncate"], {
        description: "What happens to more decimals than `scale`. Default: refuse",
      }),
    ),
    minimum: Type.Optional(Limit),
    maximum: Type.Optional(Limit),
    currency: Type.Optional(
      Type.Object(
        {
          symbols: Type.Array(Text(10, "A symbol or a code.", ["€"]), {
            minItems: 1,
            maxItems: 20,
            description: "Texts that may stand before or after the number.",
          }),
        },
        { ...closed, description: "For numbers with a currency." },
      ),
    ),
    formats: Type.Optional(
      Type.Array(Text(40, "A pattern.", ["dd.MM.yyyy"]), {
        minItems: 1,
        maxItems: 10,
        description:
          "For `date` and `timestamp`: the accepted patterns, from yyyy, yy, MM, M, MMM, MMMM, dd, d, HH, H, hh, h, mm, ss, SSS, a, XXX and other characters. " +
          "Default: ISO 8601 and the order of the locale.",
      }),
    ),
    two_digit_year_pivot: Type.Optional(
      Type.Integer({
        minimum: 1900,
        maximum: 2100,
        description: "The first of the hundred years that yy stands for. Default: 1970",
      }),
    ),
    items: Type.Optional(
      Type.Object(
        {
          type: Type.Enum(ITEM_TYPES, { description: "The type of the items." }),
          max_length: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
        },
        { ...closed, description: "For the type `array`." },
      ),
    ),
    separator: Type.Optional(Text(10, "For `array`: the text between items. Default: `,`", ["|"])),
    max_items: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: "For `array`. Default: 1000" }),
    ),
    lookup: Type.Optional(Lookup),
    template: Type.Optional(
      Text(500, "For `computed`: a text with other columns in `{{ }}`.", ["{{full_name}} {{external_id}}"]),
    ),
    from: Type.Optional(
      Type.Enum(
        [
          "user.id",
          "user.username",
          "user.email",
          "batch.id",
          "batch.filename",
          "batch.created_at",
          "row.number",
        ],
        {
          description: "For `constant`: a fact about the upload.",
        },
      ),
    ),
    value: Type.Optional(
      Type.Union([Type.String({ maxLength: 1000, pattern: NUL_FREE }), Type.Number(), Type.Boolean()], {
        description: "For `constant`: the value.",
      }),
    ),
    unique: Type.Optional(
      Type.Object(
        {
          in_file: Type.Boolean({
            description: "Whether a row fails if an earlier row of the file has the same value.",
          }),
          ignore_case: Type.Optional(Type.Boolean({ description: "Default: false" })),
        },
        { ...closed, description: "Empty cells are never the same." },
      ),
    ),
    on_update: Type.Optional(
      Type.Enum(["write", "never"], {
        description: "Whether an update of an existing record writes the column. Default: write",
      }),
    ),
    empty_cell: Type.Optional(
      Type.Enum(["keep", "null", "default"], { description: "Instead of `empty_cell` of the target." }),
    ),
    database_type: Type.Optional(
      Name(
        "For tables: the type that the text of a cell is cast to. Default: the type of the column of the table.",
        ["int4"],
      ),
    ),
  },
  {
    ...closed,

    description: "A column of a target and the rules for its cells.",
  },
);
export type ColumnDefinition = Static<typeof ColumnDefinition>;
