/** The page of the thing that a notification is about. */
import type { Schemas } from "../../../client/operations.ts";

type Notification = Schemas["Notification"];
export type Kind = Notification["kind"];

type PathOf = (id: string) => string;

const PATHS: Readonly<Record<Kind, PathOf | null>> = {
  "batch.finished": (id) => `/batches/${id}`,
  "task.completed": (id) => `/tasks/${id}`,
  "task.failed": (id) => `/tasks/${id}`,
  "schedule.failed": (id) => `/schedules/${id}`,
  "workflow.completed": (id) => `/workflows/${id}`,
  "workflow.failed": (id) => `/workflows/${id}`,
  "report.ready": (id) => `/admin/reports/${id}`,
  "backup.completed": () => "/admin/backups",
  "backup.failed": () => "/admin/backups",
  "webhook.disabled": (id) => `/webhooks/${id}`,
  "email.refused": () => "/account",
  message: null,
  "admin.alert": null,
};

export const KINDS = Object.keys(PATHS) as Kind[];

/** null: the text says everything, or a newer server has sent it. */
export function subjectPath({ kind, subject_id }: Pick<Notification, "kind" | "subject_id">): string | null {
  return PATHS[kind]?.(encodeURIComponent(subject_id)) ?? null;
}
