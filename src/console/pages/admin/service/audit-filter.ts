import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import type { AuditSearch } from "../shared/search-shapes.ts";

export type Entry = ItemOf<OperationOf<"get", "/api/v1/admin/audit">>;

type Query = NonNullable<
  OperationOf<"get", "/api/v1/admin/audit"> extends { parameters: { query?: infer Q } } ? Q : never
>;
type Action = NonNullable<Query["action"]>;

/** TypeScript reports an action that the API has and this list lacks. */
const ACTIONS: Readonly<Record<Action, true>> = {
  "account.created": true,
  "account.role_changed": true,
  "account.email_changed": true,
  "account.email_confirmed": true,
  "account.disabled": true,
  "account.enabled": true,
  "account.password_changed": true,
  "account.password_reset_requested": true,
  "account.sessions_ended": true,
  "account.tokens_revoked": true,
  "account.removed": true,
  "sign_in.succeeded": true,
  "sign_in.failed": true,
  "sign_in.refused": true,
  "token.created": true,
  "token.revoked": true,
  "batch.deleted": true,
  "batches.paused": true,
  "batches.resumed": true,
  "batches.cancelled": true,
  "batches.retried": true,
  "batches.deleted": true,
  "task.created": true,
  "task.deleted": true,
  "task.cancelled": true,
  "task.retried": true,
  "tasks.cancelled": true,
  "tasks.retried": true,
  "tasks.deleted": true,
  "workflow.cancelled": true,
  "workflow.deleted": true,
  "schedule.updated": true,
  "schedule.run": true,
  "schedule.deleted": true,
  "file.deleted": true,
  "book.deleted": true,
  "notification.deleted": true,
  "webhook.deleted": true,
  "webhook.secret_rotated": true,
  "secret.set": true,
  "secret.deleted": true,
  "secrets.rotated": true,
  "queue.paused": true,
  "queue.resumed": true,
  "queue.purged": true,
  "task_limit.set": true,
  "task_limit.removed": true,
  "worker.shut_down": true,
  "backup.requested": true,
  "backup.downloaded": true,
  "backup.restored": true,
  "report.created": true,
  "mail.retried": true,
  "suppression.removed": true,
  "alert.sent": true,
  "audit.exported": true,
  "audit.removed": true,
};

export const AUDIT_ACTIONS = Object.keys(ACTIONS) as readonly Action[];

/** The parameters of the list and of the export. */
export function auditQueryOf({ actor, action, subject, id, owner, from, to }: AuditSearch) {
  return {
    ...(actor ? { actor } : {}),
    // The API refuses an unknown one, and names those that it knows.
    ...(action ? { action: action as Action } : {}),
    ...(subject ? { subject_type: subject } : {}),
    ...(id ? { subject_id: id } : {}),
    ...(owner ? { owner_id: owner } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
}
