/** The queries of lists that have many filters: each filter at its worst values, rare (and at the far end), absent and frequent. */
import { DAYS, KNOWN } from "./fill.ts";

/** The ids of the users who send requests. */
export type UserIds = Readonly<Record<"owner" | "other" | "admin", number>>;

const DAY_MS = 86_400_000;
export const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
export const cursor = (key: string | number) => `cursor=${Buffer.from(String(key)).toString("base64url")}`;

export const OLD = DAYS - 1;
const old = (name = "") => `${name}from=${daysAgo(DAYS + 1)}&${name}to=${daysAgo(OLD)}`;
const recent = (name = "") => `${name}from=${daysAgo(1)}`;
/** Of times without any item. */
const before = (name = "") => `${name}to=${daysAgo(DAYS + 30)}`;
/** More items are of these days than are sorted. */
export const longAgo = (name = "") => `${name}from=${daysAgo(60)}&${name}to=${daysAgo(20)}`;
export const times = (name = "") => [old(name), recent(name), before(name), `${name}to=${daysAgo(OLD)}`];

export const UUID_CURSORS = [
  cursor("ffffffff-ffff-7fff-bfff-ffffffffffff"),
  cursor("019a0000-0000-7000-8000-000000000001"),
];
export const NUMBER_CURSORS = [cursor(400), cursor(9_000_000)];

export const TASK_FILTERS = [
  "",
  ...NUMBER_CURSORS,
  "limit=1000",
  "status=failed",
  "status=cancelled",
  "status=completed",
  "status=pending",
  "status=processing",
  "status=failed,cancelled",
  "status=pending,processing",
  "type=document",
  "type=video",
  "type=image",
  "queue=file_processing",
  "queue=http",
  `group_id=${KNOWN.rareGroup}`,
  `group_id=${KNOWN.largeGroup}`,
  `group_id=${KNOWN.absent}`,
  `workflow_id=${KNOWN.workflow}`,
  `workflow_id=${KNOWN.absent}`,
  "tag=rare",
  "tag=frequent",
  "tag=absent",
  ...times(),
  ...times("ended_"),
  longAgo(),
  longAgo("ended_"),
  `status=completed&type=image&${longAgo("ended_")}`,
  "search=needle",
  "search=absent",
  "search=task",
  "status=failed&type=document",
  "status=failed&type=image",
  "status=completed&type=document",
  "status=completed&type=image",
  "status=completed&tag=rare",
  "type=image&tag=even",
  `tag=frequent&${old("ended_")}`,
  `${recent("ended_")}&${NUMBER_CURSORS[0]}`,
  "status=completed&search=needle",
  `status=failed&${old()}`,
  `status=failed&${recent()}`,
  `status=failed&${recent("ended_")}`,
  `status=completed&${recent("ended_")}`,
  `type=document&${recent()}`,
  `group_id=${KNOWN.largeGroup}&status=failed`,
  `workflow_id=${KNOWN.workflow}&status=failed`,
];

export const BATCH_FILTERS = [
  "",
  ...UUID_CURSORS,
  "state=failed",
  "state=undone",
  "state=completed",
  "state=paused",
  "state=queued,processing",
  "target=records",
  "target=absent",
  "q=needle",
  "q=absent",
  "q=12345",
  "q=file-9",
  ...times(),
  "state=failed&target=books",
  "state=failed&q=absent",
];

export const WORKFLOW_FILTERS = [
  "",
  ...NUMBER_CURSORS,
  "state=failed",
  "state=cancelled",
  "state=running",
  "kind=chord",
  "kind=steps",
  "name=needle",
  "name=absent",
  ...times(),
  ...times("ended_"),
  longAgo(),
  longAgo("ended_"),
  `kind=chord&${longAgo("ended_")}`,
  "state=failed&kind=chain",
  "state=completed&kind=steps",
];

export const auditFilters = (ids: UserIds) => [
  `actor_id=${ids.other}`,
  "actor_id=999999999",
  "actor=other",
  "actor=absent",
  "actor=owner",
  "action=queue.paused",
  "action=webhook.deleted",
  "action=file.deleted",
  "subject_type=queue",
  "subject_type=absent",
  "subject_type=user&subject_id=7",
  "subject_id=7",
  "subject_id=absent",
  `owner_id=${ids.owner}`,
  "owner_id=999999999",
  "address=203.0.113.7",
  "address=203.0.113.1",
  "address=absent",
  "request_id=request-5",
  "request_id=absent",
  ...times(),
  `actor_id=${ids.owner}&action=queue.paused`,
  `actor=owner&${recent()}`,
];
