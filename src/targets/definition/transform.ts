import Type, { type Static } from "typebox";
import { NUL_FREE } from "../../platform/http/schemas.ts";
import { closed, Text } from "./fields.ts";

export const Transform = Type.Union(
  [
    Type.Enum(["trim", "upper", "lower", "title", "collapse_spaces", "digits_only", "unaccent"]),
    Type.Object({ strip_prefix: Text(100, "A text to remove from the beginning.") }, closed),
    Type.Object(
      {
        replace: Type.Object(
          {
            from: Text(100, "The text to replace, wherever it is."),
            to: Type.String({ maxLength: 100, pattern: NUL_FREE, description: "The new text." }),
          },
          closed,
        ),
      },
      closed,
    ),
    Type.Object(
      {
        split_take: Type.Object(
          {
            separator: Text(10, "The text between the parts."),
            index: Type.Integer({
              minimum: -20,
              maximum: 20,
              description: "The part to keep, from 0. Negative numbers count from the end.",
            }),
          },
          closed,
        ),
      },
      closed,
    ),
    Type.Object(
      {
        e164: Type.Object(
          {
            country_code: Type.String({
              pattern: "^[1-9][0-9]{0,2}$",
              description: "The code of numbers that begin with one 0.",
              examples: ["49"],
            }),
          },
          closed,
        ),
      },
      { ...closed, description: "Writes phone numbers as +491234567." },
    ),
  ],
  { description: "A change of the text of a cell." },
);
export type Transform = Static<typeof Transform>;
