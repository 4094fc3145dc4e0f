/** Requests for lists and counts, with each filter at its worst values: rare (and at the far end), absent, frequent. */

import { KNOWN } from "./fill.ts";
import {
  auditFilters,
  BATCH_FILTERS,
  cursor,
  daysAgo,
  longAgo,
  NUMBER_CURSORS,
  OLD,
  TASK_FILTERS,
  times,
  type UserIds,
  UUID_CURSORS,
  WORKFLOW_FILTERS,
} from "./filters.ts";

export interface ListQuery {
  readonly who: keyof UserIds;
  /** As the OpenAPI document names it. */
  readonly route: string;
  readonly query: string;
}

const of = (who: keyof UserIds, route: string, queries: readonly string[] = [""]): ListQuery[] =>
  queries.map((query) => ({ who, route, query }));

/** The items of everybody, with those of one user. @param ids of users */
function ofAll(ids: UserIds, route: string, queries: readonly string[]): ListQuery[] {
  const rare = queries
    .filter((query) => !query.startsWith("cursor"))
    .map((query) => `user_id=${ids.other}&${query}`);
  return of("admin", route, [...queries, ...rare, `user_id=${ids.owner}&${queries[3]}`, "user_id=999999999"]);
}

const TICKS = "/api/v1/schedules/{schedule_id}/ticks";
const DELIVERIES = "/api/v1/webhooks/{webhook_id}/deliveries";
const FILTERED_BATCH = "/api/v1/batches/{batch_id}/rows";

export function listQueries(ids: UserIds): ListQuery[] {
  return [
    ...of("owner", "/api/v1/tasks", TASK_FILTERS),
    ...of("other", "/api/v1/tasks", ["", "status=failed", "type=image"]),
    ...of("owner", "/api/v1/tasks/stats", [
      ...TASK_FILTERS.filter((query) => !/\b(cursor|limit)=/.test(query)),
      "exact=true",
    ]),
    ...of("other", "/api/v1/tasks/stats"),
    ...ofAll(ids, "/api/v1/admin/tasks", [...TASK_FILTERS, `ids=${KNOWN.absent}`]),
    ...of("owner", "/api/v1/batches", BATCH_FILTERS),
    ...of("other", "/api/v1/batches", ["", "state=failed"]),
    ...ofAll(ids, "/api/v1/admin/batches", [...BATCH_FILTERS, `batch_id=${KNOWN.batch}`]),
    ...[KNOWN.batch, KNOWN.failedBatch].flatMap((batch) => ofBatch(batch)),
    ...of("owner", "/api/v1/workflows", WORKFLOW_FILTERS),
    ...ofAll(ids, "/api/v1/admin/workflows", WORKFLOW_FILTERS),
    ...of("owner", "/api/v1/schedules", ["", cursor(4000)]),
    ...of("admin", "/api/v1/admin/schedules", ["", cursor(4000)]),
    ...of("owner", TICKS.replace("{schedule_id}", KNOWN.schedule)),
    ...of("owner", "/api/v1/files", ["", ...UUID_CURSORS, "origin=upload", "origin=result"]),
    ...of("owner", "/api/v1/books", [
      "",
      "search=needle",
      "search=absent",
      "sort=title",
      "sort=-title",
      "sort=-id",
    ]),
    ...of("owner", "/api/v1/records", [
      "",
      ...NUMBER_CURSORS,
      `batch_id=${KNOWN.batch}`,
      `batch_id=${KNOWN.absent}`,
    ]),
    ...of("owner", "/api/v1/notifications", [
      "",
      ...UUID_CURSORS,
      "unread=true",
      "kind=task.failed",
      "kind=backup.failed",
      "kind=task.completed",
      "unread=true&kind=task.completed",
    ]),
    ...of("owner", "/api/v1/notifications/unread-count"),
    ...of("owner", "/api/v1/webhooks"),
    ...of("owner", DELIVERIES.replace("{webhook_id}", KNOWN.webhook), [
      "",
      ...UUID_CURSORS,
      "state=failed",
      "state=pending",
      "state=delivered",
    ]),
    ...of("owner", "/api/v1/auth/sessions", ["", ...UUID_CURSORS]),
    ...of("owner", "/api/v1/auth/tokens", ["", cursor(400)]),
    ...of("owner", "/api/v1/auth/me/usage"),
    ...of("admin", "/api/v1/accounts", [
      "",
      ...NUMBER_CURSORS,
      "username=member-77",
      "search=member-77",
      "search=absent",
      "role=operator",
      "role=admin",
      "role=user",
      "disabled=true",
      "disabled=false",
      "role=admin&disabled=true",
    ]),
    ...of("admin", "/api/v1/admin/audit", ["", ...NUMBER_CURSORS, ...auditFilters(ids)]),
    ...of("admin", "/api/v1/admin/audit/export.csv", auditFilters(ids)),
    ...of("admin", "/api/v1/outbox", [
      "",
      ...UUID_CURSORS,
      "state=failed",
      "state=queued",
      "state=sent",
      "kind=schedule_failed",
      "kind=daily_report",
      "kind=welcome",
      "address=RARE@example.com",
      "address=absent@example.com",
      "address=owner@example.com",
      "state=failed&kind=welcome",
      "state=failed&address=owner@example.com",
      ...times(),
      longAgo(),
    ]),
    ...of("admin", "/api/v1/suppressions", ["", "address=gone-7@example.com"]),
    ...of(
      "admin",
      "/api/v1/admin/jobs",
      ["active", "waiting", "scheduled", "failed"].flatMap((state) => [
        `state=${state}`,
        `state=${state}&queue=http`,
      ]),
    ),
    ...of("admin", "/api/v1/admin/queues"),
    ...of("admin", "/api/v1/admin/workers"),
    ...of(
      "admin",
      "/api/v1/admin/statistics",
      ["1h", "24h", "7d"].map((range) => `range=${range}`),
    ),
    ...of("admin", "/api/v1/admin/backups", ["", ...UUID_CURSORS]),
    ...of("admin", "/api/v1/reports", ["", "kind=weekly", "kind=daily"]),
    ...LEGACY,
  ];
}

function ofBatch(batch: string): ListQuery[] {
  const route = FILTERED_BATCH.replace("{batch_id}", batch);
  const filters = ["success", "failed", "pending", "processing", "unprocessed", "undone"].map(
    (status) => `status=${status}`,
  );
  return [
    ...of("owner", route, [
      "",
      "from_row=100000",
      cursor(900),
      ...filters,
      "undo=kept",
      "error_code=rare",
      "error_code=absent",
      "error_code=required&error_column=title",
    ]),
    ...of("owner", `/api/v1/batches/${batch}/errors`),
    ...of("owner", `/api/v1/batches/${batch}/results/all.csv`),
    ...of("owner", `/api/v1/batches/${batch}`),
  ];
}

const LEGACY: ListQuery[] = [
  ...of("owner", "/api/tasks", [
    "",
    "status=FAILED",
    "task_type=document",
    "search=needle",
    "search=absent",
    `from_date=${daysAgo(2)}`,
    `to_date=${daysAgo(OLD)}`,
    "page=3",
  ]),
  ...of("owner", "/api/tasks/tasks", [
    "",
    "status=FAILED",
    "status=COMPLETED",
    "search=needle",
    "ordering=title",
    "ordering=-updated_at",
    "ordering=-created_at,status,updated_at",
    "ordering=created_at",
    "ordering=status",
    `start_date=${daysAgo(2)}`,
    `end_date=${daysAgo(OLD)}`,
    "page=3",
  ]),
  ...of("owner", "/api/tasks/stats"),
  ...of("admin", "/api/admin/tasks", ["", "status=FAILED"]),
  ...of("owner", "/books"),
  ...of("owner", "/batch-status", [`batch_id=${KNOWN.batch}`]),
];
