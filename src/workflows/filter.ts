/** Filters for lists of workflows. */
import Type, { type Static } from "typebox";
import { NUL_FREE } from "../platform/http/schemas.ts";
import { workflowKind, workflowState } from "../schema/workflows.ts";
import type { WorkflowFilter } from "./queries.ts";

export const workflowFilterFields = {
  state: Type.Optional(Type.Enum(workflowState.enumValues, { description: "Only workflows in this state." })),
  kind: Type.Optional(Type.Enum(workflowKind.enumValues, { description: "Only workflows of this kind." })),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: NUL_FREE,
      description: "Only workflows with this text in their name, ignoring case.",
      examples: ["report"],
    }),
  ),
};

export const adminWorkflowFilterFields = {
  ...workflowFilterFields,
  user_id: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Only workflows of this user.",
      examples: [1],
    }),
  ),
};

const Query = Type.Object(adminWorkflowFilterFields);

export function readWorkflowFilter({ user_id: userId, ...filter }: Static<typeof Query>): WorkflowFilter {
  return { ...filter, ...(userId === undefined ? {} : { userId }) };
}
