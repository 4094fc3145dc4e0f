/** The filters and open items that the addresses of the pages for operators have. */
import { moment, oneOf, type SearchOf, text, wholeNumber } from "../../../api/search.ts";
import { BATCH_STATES } from "../../batches/choices.ts";
import { TASK_STATUSES } from "../../tasks/statuses.ts";
import { WORKFLOW_STATES } from "../../workflows/states.ts";
import { TABS } from "../targets/definition/tabs.ts";

export const RANGES = ["1h", "24h", "7d"] as const;
export const QUEUES = ["bulk_processing", "file_processing", "default", "notifications", "http"] as const;
export const JOB_STATES = ["active", "waiting", "scheduled", "failed"] as const;
export const MAIL_STATES = [
  "queued",
  "sending",
  "sent",
  "failed",
  "uncertain",
  "suppressed",
  "cancelled",
] as const;
export const ROLES = ["user", "operator", "admin"] as const;
export const REPORT_KINDS = ["daily", "weekly"] as const;

const user = () => wholeNumber({ min: 1 });

export const overviewShape = { range: oneOf(RANGES) };
export const taskShape = {
  status: oneOf(TASK_STATUSES),
  type: text(100),
  queue: oneOf(QUEUES),
  user: user(),
  q: text(),
  tag: text(50),
  group: text(36),
  workflow: text(36),
  from: moment(),
  to: moment(),
  ended_from: moment(),
  ended_to: moment(),
  /** Ids, separated by commas. */
  selected: text(3700),
};
export const batchShape = {
  state: oneOf(BATCH_STATES),
  target: text(100),
  q: text(),
  user: user(),
  from: moment(),
  to: moment(),
};
export const workflowShape = {
  state: oneOf(WORKFLOW_STATES),
  name: text(100),
  user: user(),
  from: moment(),
  to: moment(),
  ended_from: moment(),
  ended_to: moment(),
};
export const jobShape = { state: oneOf(JOB_STATES), queue: oneOf(QUEUES), job: text(36) };
export const reportShape = { kind: oneOf(REPORT_KINDS) };
export const outboxShape = {
  state: oneOf(MAIL_STATES),
  address: text(254),
  from: moment(),
  to: moment(),
  mail: text(36),
};
/** With `user`, the account is open. */
export const userShape = { q: text(150), role: oneOf(ROLES), disabled: oneOf(["yes", "no"]), user: user() };
export const auditShape = {
  actor: text(150),
  action: text(100),
  owner: user(),
  subject: text(50),
  id: text(100),
  from: moment(),
  to: moment(),
  entry: wholeNumber(),
};

export type OverviewSearch = SearchOf<typeof overviewShape>;
export type TaskSearch = SearchOf<typeof taskShape>;
export type BatchSearch = SearchOf<typeof batchShape>;
export type WorkflowSearch = SearchOf<typeof workflowShape>;
export type JobSearch = SearchOf<typeof jobShape>;
export type ReportSearch = SearchOf<typeof reportShape>;
export type OutboxSearch = SearchOf<typeof outboxShape>;
export type UserSearch = SearchOf<typeof userShape>;
export type AuditSearch = SearchOf<typeof auditShape>;

export const targetShape = {
  tab: oneOf(TABS),
  version: wholeNumber({ min: 1, max: 2 ** 31 - 1 }),
};
