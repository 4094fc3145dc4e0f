import Type, { type Static } from "typebox";
import { closed, Name } from "./fields.ts";

export const Lookup = Type.Object(
  {
    schema: Name("The schema of the other table.", ["shop"]),
    table: Name("The other table.", ["countries"]),
    match: Type.Array(Name("A column of text.", ["iso2"]), {
      minItems: 1,
      maxItems: 5,
      description: "The columns that a cell is compared with. The first that has a match counts.",
    }),
    value: Name("The column whose value is written.", ["id"]),
    ignore_case: Type.Optional(Type.Boolean({ description: "Default: false" })),
    on_missing: Type.Optional(
      Type.Enum(["fail", "null"], { description: "What a cell without a match does. Default: fail" }),
    ),
    on_many: Type.Optional(
      Type.Enum(["fail", "first"], {
        description: "What a cell with several matches does. first: the smallest value. Default: fail",
      }),
    ),
  },
  { ...closed, description: "For the type `lookup`: where the value of a cell is looked up." },
);
export type Lookup = Static<typeof Lookup>;
