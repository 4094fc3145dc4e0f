import Type, { type Static } from "typebox";
import { Moment, nullable } from "../platform/http/schemas.ts";
import { AUDIT_ACTIONS } from "./actions.ts";
import type { StoredEntry } from "./queries.ts";

export const AuditEntryView = Type.Object({
  id: Type.Integer({ description: "The id of the entry. Later entries have higher ids.", examples: [812] }),
  at: Moment("When it happened."),
  actor_id: nullable(
    Type.Integer({ examples: [1] }),
    "The user who did it. null: a command, Rowmill itself, or somebody who has not logged in.",
  ),
  actor: nullable(
    Type.String({ examples: ["ada"] }),
    "The name of the user at that time. `command line` without an `actor_id`: a command. null: Rowmill itself, or somebody who has not logged in.",
  ),
  actor_role: nullable(Type.String({ examples: ["admin"] }), "The role of the user at that time."),
  action: Type.String({ description: "What was done.", examples: ["account.role_changed"] }),
  subject_type: Type.String({ description: "The kind of thing that was changed.", examples: ["account"] }),
  subject_id: Type.String({
    description: "The id of the thing. `*`: several of them; `details` has their number.",
    examples: ["7"],
  }),
  owner_id: nullable(Type.Integer({ examples: [7] }), "The user whom the thing belongs to. null: nobody."),
  request_id: nullable(
    Type.String({ examples: ["req-1f"] }),
    "The id of the request or the job. null: a command, or the number of an hour.",
  ),
  address: nullable(
    Type.String({ examples: ["203.0.113.7"] }),
    "The address of the client. For a command: the user and the host that ran it.",
  ),
  details: Type.Unsafe<Record<string, unknown>>({
    type: "object",
    additionalProperties: true,
    description: "What was changed. Long texts and lists are cut.",
    examples: [{ username: "grace", from: "user", to: "operator" }],
  }),
});
export type AuditEntryView = Static<typeof AuditEntryView>;

export const Action = Type.Enum(Object.keys(AUDIT_ACTIONS) as (keyof typeof AUDIT_ACTIONS)[], {
  description: "Only entries with this action.",
});

export function viewEntry(entry: StoredEntry): AuditEntryView {
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    actor_id: entry.actorId,
    actor: entry.actorName,
    actor_role: entry.actorRole,
    action: entry.action,
    subject_type: entry.subjectType,
    subject_id: entry.subjectId,
    owner_id: entry.ownerId,
    request_id: entry.requestId,
    address: entry.address,
    details: entry.details,
  };
}
