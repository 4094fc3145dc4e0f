/** Filters for lists of workflows. */
import Type, { type Static } from "typebox";
import { momentFields, readMoment } from "../platform/http/read-moment.ts";
import { NUL_FREE } from "../platform/http/schemas.ts";
import { workflowKind, workflowState } from "../schema/workflows.ts";
import type { WorkflowFilter } from "./list-workflows.ts";

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
  ...momentFields("from", "to", "workflows created"),
  ...momentFields("ended_from", "ended_to", "workflows that ended"),
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

/** @throws DomainError `invalid_input` that names the parameter */
export function readWorkflowFilter({
  user_id: userId,
  from,
  to,
  ended_from: endedFrom,
  ended_to: endedTo,
  ...filter
}: Static<typeof Query>): WorkflowFilter {
  return {
    ...filter,
    ...(userId === undefined ? {} : { userId }),
    ...(from === undefined ? {} : { from: readMoment("from", from).start }),
    ...(to === undefined ? {} : { before: readMoment("to", to).end }),
    ...(endedFrom === undefined ? {} : { endedFrom: readMoment("ended_from", endedFrom).start }),
    ...(endedTo === undefined ? {} : { endedBefore: readMoment("ended_to", endedTo).end }),
  };
}
