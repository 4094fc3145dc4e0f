import Type from "typebox";
import { Compile } from "typebox/compile";

export const CancelBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        maxLength: 1000,
        description: "Stored with the workflow, and with each task that is cancelled.",
        examples: ["Wrong file."],
      }),
    ),
  },
  { additionalProperties: false },
);

export const cancelCheck = Compile(CancelBody);
