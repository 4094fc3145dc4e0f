/** Filters for tasks in queries and bodies. */
import Type, { type Static } from "typebox";
import { invalidField } from "../errors.ts";
import { QUEUES } from "../jobs.ts";
import { momentFields, readMoment } from "../platform/http/read-moment.ts";
import { NUL_FREE, Uuid } from "../platform/http/schemas.ts";
import { type TaskStatus, taskStatus } from "../schema/tasks.ts";
import type { TaskFilter } from "./queries.ts";
import { requireTaskType } from "./types/registry.ts";

export const taskFilterFields = {
  status: Type.Optional(
    Type.Array(Type.String({ maxLength: 100 }), {
      maxItems: 20,
      description: `One or more of: ${taskStatus.enumValues.join(", ")}. Repeat the parameter, or separate them by commas.`,
      examples: [["pending", "processing"]],
    }),
  ),
  type: Type.Optional(
    Type.String({ maxLength: 100, description: "Only tasks of this type.", examples: ["image"] }),
  ),
  queue: Type.Optional(Type.Enum([...QUEUES], { description: "Only tasks of this queue." })),
  group_id: Type.Optional({ ...Uuid, description: "Only tasks that were created together." }),
  workflow_id: Type.Optional({ ...Uuid, description: "Only tasks of this workflow." }),
  tag: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 50,
      pattern: NUL_FREE,
      description: "Only tasks with this tag.",
      examples: ["may"],
    }),
  ),
  ...momentFields("from", "to", "tasks created"),
  ...momentFields("ended_from", "ended_to", "tasks that completed, failed or were cancelled"),
  search: Type.Optional(
    Type.String({
      maxLength: 200,
      pattern: NUL_FREE,
      description: "Words that must all occur in the title, the description or the file name.",
      examples: ["cat"],
    }),
  ),
};
const Query = Type.Object(taskFilterFields);

/** @throws DomainError `invalid_input` that names the parameter */
export function readTaskFilter(query: Static<typeof Query>): TaskFilter {
  const { status, type, queue, group_id: groupId, workflow_id: workflowId, tag, from, to, search } = query;
  const { ended_from: endedFrom, ended_to: endedTo } = query;
  if (type !== undefined) requireTaskType(type);
  return {
    ...(status === undefined ? {} : { statuses: readStatuses(status) }),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue }),
    ...(groupId === undefined ? {} : { groupId }),
    ...(workflowId === undefined ? {} : { workflowId }),
    ...(tag === undefined ? {} : { tag }),
    ...(from === undefined ? {} : { from: readMoment("from", from).start }),
    ...(to === undefined ? {} : { before: readMoment("to", to).end }),
    ...(endedFrom === undefined ? {} : { endedFrom: readMoment("ended_from", endedFrom).start }),
    ...(endedTo === undefined ? {} : { endedBefore: readMoment("ended_to", endedTo).end }),
    ...(search === undefined ? {} : { search: search.split(/\s+/).filter(Boolean) }),
  };
}

function readStatuses(parts: readonly string[]): TaskStatus[] {
  return parts
    .flatMap((part) => part.split(","))
    .map((name) => {
      const status = taskStatus.enumValues.find((known) => known === name.trim());
      const known = taskStatus.enumValues.join(", ");
      if (!status) throw invalidField("status", `"${name.slice(0, 100)}" is not one of: ${known}.`);
      return status;
    });
}

export const adminFilterFields = {
  ...taskFilterFields,
  ids: Type.Optional(
    Type.Array(Uuid, {
      minItems: 1,
      maxItems: 100,
      description: "Only these tasks.",
      examples: [["019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55"]],
    }),
  ),
  user_id: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Only tasks of this user.",
      examples: [1],
    }),
  ),
};

/** Rejects unknown fields: a typo would match more tasks than intended. */
export const AdminFilterBody = Type.Object(adminFilterFields, {
  propertyNames: { enum: Object.keys(adminFilterFields) },
  description: "The tasks to change. `{}` matches every task.",
  examples: [{ status: ["failed"], type: "generic" }],
});

/** @throws DomainError `invalid_input` that names the field */
export function readAdminTaskFilter({
  user_id: userId,
  ids,
  ...query
}: Static<typeof AdminFilterBody>): TaskFilter {
  return {
    ...readTaskFilter(query),
    ...(ids === undefined ? {} : { ids }),
    ...(userId === undefined ? {} : { userId }),
  };
}
