import Type, { type Static } from "typebox";
import { closed, Text, Words } from "./fields.ts";

export const Locale = Type.Object(
  {
    decimal: Type.Optional(
      Type.Enum([".", ","], { description: "The character before decimals. Default: `.`" }),
    ),
    group: Type.Optional(
      Type.Enum(["", ".", ",", " ", "'", "’", "\u00a0", "\u202f"], {
        description:
          "The character between groups of digits. Default: none. A blank also stands for the no-break spaces.",
      }),
    ),
    date_order: Type.Optional(
      Type.Enum(["ymd", "dmy", "mdy"], {
        description:
          "The order of day, month and year in dates for which the column has no formats. Default: ymd",
      }),
    ),
    timezone: Type.Optional(
      Text(60, "The time zone of times without an offset. Default: UTC", ["Europe/Berlin"]),
    ),
    true: Type.Optional(Words("Words that mean true, in any case. Default: true, t, yes, y, on, 1")),
    false: Type.Optional(
      Words(
        "Words that mean false, in any case. With `` an empty cell is false. Default: false, f, no, n, off, 0",
      ),
    ),
    null: Type.Optional(
      Words("Words that set a column to null, in any case. Empty cells follow `empty_cell`. Default: none"),
    ),
  },
  { ...closed, description: "How numbers, dates and booleans are written in files." },
);
export type Locale = Static<typeof Locale>;
