/** What operators choose tasks by: in a query, and in a body. */
import Type, { type Static } from "typebox";
import { invalidField } from "../errors.ts";
import type { TaskFilter } from "../tasks/queries.ts";
import { TaskStatusName } from "../tasks/views.ts";
import { QueueNameSchema } from "./views.ts";

const NUL_FREE = "^[^\\u0000]*$";
const MAX_ID = Number.MAX_SAFE_INTEGER;

export const filterFields = {
  status: Type.Optional(
    Type.Array(TaskStatusName, { minItems: 1, maxItems: 5, description: "Any of these." }),
  ),
  type: Type.Optional(Type.String({ maxLength: 100, pattern: NUL_FREE, examples: ["generic"] })),
  queue: Type.Optional(QueueNameSchema),
  user_id: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_ID, description: "Of this user." })),
  group_id: Type.Optional(Type.String({ format: "uuid", description: "Created together." })),
  tag: Type.Optional(Type.String({ maxLength: 200, pattern: NUL_FREE })),
  created_from: Type.Optional(Type.String({ format: "date-time" })),
  created_before: Type.Optional(Type.String({ format: "date-time" })),
  search: Type.Optional(
    Type.String({
      maxLength: 500,
      pattern: NUL_FREE,
      description: "Words that each are in the title, the description or the file's name.",
    }),
  ),
};

/** A field that is none would choose more than was meant. */
export const FilterBody = Type.Object(filterFields, {
  propertyNames: { enum: Object.keys(filterFields) },
  description: "`{}`: every task.",
  examples: [{ status: ["failed"], type: "generic" }],
});

export function filterOf(query: Static<typeof FilterBody>): TaskFilter {
  const { status, type, queue, user_id, group_id, tag, created_from, created_before, search } = query;
  return {
    ...(status ? { statuses: status } : {}),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue }),
    ...(user_id === undefined ? {} : { userId: user_id }),
    ...(group_id === undefined ? {} : { groupId: group_id }),
    ...(tag === undefined ? {} : { tag }),
    ...(created_from === undefined ? {} : { from: momentOf(created_from, "created_from") }),
    ...(created_before === undefined ? {} : { before: momentOf(created_before, "created_before") }),
    ...(search === undefined ? {} : { search: search.split(/\s+/).filter(Boolean) }),
  };
}

/** Leap seconds, and a year that there was not, are of the format. */
function momentOf(text: string, field: string): Date {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime()) || moment.getUTCFullYear() < 1) throw invalidField(field, "is no time.");
  return moment;
}
