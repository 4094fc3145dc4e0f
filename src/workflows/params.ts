import Type from "typebox";
import { Uuid } from "../platform/http/schemas.ts";

export const WorkflowParams = Type.Object({
  workflow_id: { ...Uuid, description: "The id of the workflow." },
});

export const StepParams = Type.Object({
  ...WorkflowParams.properties,
  name: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: "^[A-Za-z0-9_-]+$",
    description: "The name of the step.",
    examples: ["report"],
  }),
});
