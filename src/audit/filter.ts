import Type, { type Static } from "typebox";
import { readMoment } from "../platform/http/read-moment.ts";
import { NUL_FREE, NumericId } from "../platform/http/schemas.ts";
import type { AuditFilter } from "./queries.ts";
import { Action } from "./views.ts";

const Text = (maxLength: number, description: string, example: string) =>
  Type.Optional(
    Type.String({ minLength: 1, maxLength, pattern: NUL_FREE, description, examples: [example] }),
  );

export const auditFilterFields = {
  actor_id: Type.Optional(NumericId("Only what this user did.")),
  actor: Text(
    150,
    "Only what the user with this name did; `command line`: also commands. Slower than `actor_id`.",
    "ada",
  ),
  action: Type.Optional(Action),
  subject_type: Text(50, "Only changes of this kind of thing.", "account"),
  subject_id: Text(300, "Only changes of the thing with this id. Send `subject_type` as well.", "7"),
  owner_id: Type.Optional(NumericId("Only changes of things of this user.")),
  address: Text(300, "Only entries with this address.", "203.0.113.7"),
  request_id: Text(200, "Only entries of this request or job.", "req-1f"),
  from: Text(40, "Only entries from then on: a date (UTC), or a date and time as in RFC 3339.", "2026-11-01"),
  to: Text(40, "Only entries until then. A date includes the whole day.", "2026-11-30"),
};

const Query = Type.Object(auditFilterFields);

/** @throws DomainError `invalid_input` that names the parameter */
export function readAuditFilter(query: Static<typeof Query>): AuditFilter {
  const { actor_id, actor, action, subject_type, subject_id, owner_id, address, request_id, from, to } =
    query;
  const filter = {
    actorId: actor_id,
    actor,
    action,
    subjectType: subject_type,
    subjectId: subject_id,
    ownerId: owner_id,
    address,
    requestId: request_id,
    from: from === undefined ? undefined : readMoment("from", from).start,
    before: to === undefined ? undefined : readMoment("to", to).end,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
