/** What operators choose tasks by, in a query and in a body: what owners do, and whose they are. */
import Type, { type Static } from "typebox";
import { readTaskFilter, TaskFilterQuery } from "../tasks/filter.ts";
import type { TaskFilter } from "../tasks/queries.ts";

export const filterFields = {
  ...TaskFilterQuery,
  user_id: Type.Optional(
    Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "Of this user." }),
  ),
};

/** A field that is none would choose more than was meant. */
export const FilterBody = Type.Object(filterFields, {
  propertyNames: { enum: Object.keys(filterFields) },
  description: "`{}`: every task.",
  examples: [{ status: ["failed"], type: "generic" }],
});

/** @throws DomainError `invalid_input` that names the field */
export function filterOf({ user_id: userId, ...query }: Static<typeof FilterBody>): TaskFilter {
  return { ...readTaskFilter(query), ...(userId === undefined ? {} : { userId }) };
}
