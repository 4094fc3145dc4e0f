/** Path parameters for a batch and a row. */
import Type from "typebox";
import { Uuid } from "../platform/http/schemas.ts";
import { MAX_ROW_NUMBER } from "./ids.ts";

const batch_id = { ...Uuid, description: "The id of the batch." };

export const BatchParams = Type.Object({ batch_id });

export const RowParams = Type.Object({
  batch_id,
  row: Type.Integer({
    minimum: 1,
    maximum: MAX_ROW_NUMBER,
    description: "The row as a spreadsheet shows it: the header is row 1.",
    examples: [3],
  }),
});
