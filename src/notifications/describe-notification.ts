import type { AnnouncementData, Kind } from "../announcements/kinds.ts";
import { plural } from "../platform/plural.ts";
import type { ListedNotification } from "./queries.ts";

type Texts = { readonly [K in Kind]: (data: AnnouncementData<K>) => string };

const texts: Texts = {
  "batch.finished": ({ file_name, state, total, succeeded }) =>
    `${file_name} ${OUTCOMES[state] ?? `is ${state}`}: ${succeeded} of ${plural(total, "row")} succeeded.`,
  "task.completed": ({ title, type, message }) => `${title || type} has completed. ${message}`,
  "task.failed": ({ title, type, message }) => `${title || type} has failed. ${message}`,
  "schedule.failed": ({ name, tick_at, reason }) =>
    `The schedule ${name} has failed at its tick of ${tick_at}. ${reason}`,
  "workflow.completed": ({ name, message }) => `${name || "A workflow"} has completed. ${message}`,
  "workflow.failed": ({ name, message }) => `${name || "A workflow"} has failed. ${message}`,
  "report.ready": ({ kind, period_start }) => `The ${kind} report of ${period_start} is ready.`,
  "backup.completed": ({ bytes }) => `A backup of ${bytes} bytes was written.`,
  "backup.failed": ({ message }) => `A backup has failed. ${message}`,
  "webhook.disabled": ({ url, reason }) => `The webhook ${url} was disabled. ${reason}`,
  "email.refused": ({ address, reply }) =>
    `${address} refuses mail, so Rowmill sends no more to it. ${reply}`,
  message: ({ subject, message }) => `${subject}: ${message}`,
  "admin.alert": ({ subject, message }) => (message ? `${subject}: ${message}` : subject),
};

const OUTCOMES: Readonly<Record<string, string>> = {
  completed: "has completed",
  completed_with_errors: "has completed with errors",
  failed: "has failed",
  cancelled: "was cancelled",
  validated: "was validated",
  undone: "was undone",
};

/** Returns the event in one sentence. */
export function describeNotification({ kind, data }: Pick<ListedNotification, "kind" | "data">): string {
  const describe = texts[kind as Kind] as ((data: unknown) => string) | undefined;
  // A later version may have written it.
  return describe?.(data) ?? kind;
}
