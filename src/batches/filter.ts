/** Filters for batches in queries and bodies. */
import Type, { type Static } from "typebox";
import { invalidField } from "../errors.ts";
import { readMoment } from "../platform/http/read-moment.ts";
import { NUL_FREE, Uuid } from "../platform/http/schemas.ts";
import { type BatchState, batchState } from "../schema/batches.ts";
import type { BatchFilter } from "./match-batches.ts";

export const batchFilterFields = {
  state: Type.Optional(
    Type.Array(Type.String({ maxLength: 100 }), {
      maxItems: 20,
      description: `One or more of: ${batchState.enumValues.join(", ")}. Repeat the parameter, or separate them by commas.`,
      examples: [["queued", "processing"]],
    }),
  ),
  target: Type.Optional(
    Type.String({
      maxLength: 100,
      pattern: NUL_FREE,
      description: "Only batches of this target.",
      examples: ["books"],
    }),
  ),
  q: Type.Optional(
    Type.String({
      maxLength: 200,
      pattern: NUL_FREE,
      description: "A part of the file name, ignoring case; or the whole id or number of a batch.",
      examples: ["may.csv"],
    }),
  ),
  from: Type.Optional(
    Type.String({
      maxLength: 40,
      description: "Only batches created then or later: a date (UTC), or a date and time as in RFC 3339.",
      examples: ["2026-11-01", "2026-11-01T08:00:00Z"],
    }),
  ),
  to: Type.Optional(
    Type.String({
      maxLength: 40,
      description: "Only batches created then or earlier. A date includes the whole day.",
      examples: ["2026-11-30"],
    }),
  ),
};
const Query = Type.Object(batchFilterFields);

export const adminBatchFilterFields = {
  ...batchFilterFields,
  user_id: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Only batches of this user.",
      examples: [1],
    }),
  ),
  batch_id: Type.Optional({ ...Uuid, description: "Only this batch." }),
};

/** Rejects unknown fields: a typo would match more batches than intended. */
export const AdminBatchFilter = Type.Object(adminBatchFilterFields, {
  minProperties: 1,
  propertyNames: { enum: Object.keys(adminBatchFilterFields) },
  description: "The batches to change. At least one condition.",
  examples: [{ state: ["processing"], user_id: 1 }],
});

/** @throws DomainError `invalid_input` that names the parameter */
export function readBatchFilter({ state, target, q, from, to }: Static<typeof Query>): BatchFilter {
  return {
    ...(state === undefined ? {} : { states: state.flatMap((part) => part.split(",")).map(readState) }),
    ...(target === undefined ? {} : { target }),
    ...(q === undefined ? {} : { search: readSearch(q) }),
    ...(from === undefined ? {} : { from: readMoment("from", from).start }),
    ...(to === undefined ? {} : { before: readMoment("to", to).end }),
  };
}

/** A blank text would match all batches. */
function readSearch(q: string): string {
  const text = q.trim();
  if (text === "")
    throw invalidField("q", "must have a character that is not blank. Leave it out to match all.");
  return text;
}

function readState(name: string): BatchState {
  const state = batchState.enumValues.find((known) => known === name.trim());
  const known = batchState.enumValues.join(", ");
  if (!state) throw invalidField("state", `"${name.slice(0, 100)}" is not one of: ${known}.`);
  return state;
}

/** @throws DomainError `invalid_input` that names the field */
export function readAdminBatchFilter({
  user_id: userId,
  batch_id: batchId,
  ...query
}: Static<typeof AdminBatchFilter>): BatchFilter {
  return {
    ...readBatchFilter(query),
    ...(userId === undefined ? {} : { userId }),
    ...(batchId === undefined ? {} : { batchId }),
  };
}
