/** The messages that webhooks receive. */
import type { Kind } from "../announcements/kinds.ts";
import { storableJson } from "../platform/postgres/storable.ts";

/** Sent on request, to try a webhook. */
export const TEST_KIND = "webhook.test";

export interface Message {
  /** A UUID. The same message has the same id on every attempt and at every webhook. */
  readonly messageId: string;
  readonly kind: Kind | typeof TEST_KIND;
  /** When the event happened. */
  readonly occurredAt: Date;
  /** Increases with each message about the same thing. */
  readonly sequence: number;
  /** Ids, states and counts. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Receivers refuse bodies of more than about 20 kB. With this limit, the data of no kind needs that much. */
const MAX_TEXT = 500;

/** Returns the exact text that is signed and sent. */
export function bodyOf(publicUrl: string, { kind, occurredAt, sequence, data }: Message): string {
  const shortened = Object.entries(data).map(([name, value]) => [name, shorten(value)]);
  const link = LINKS[kind]?.(data);
  return storableJson({
    type: kind,
    timestamp: occurredAt.toISOString(),
    data: {
      ...Object.fromEntries(shortened),
      sequence,
      ...(link === undefined ? {} : { link: `${publicUrl}/api/v1/${link}` }),
    },
  });
}

type Link = (data: Message["data"]) => string;

const taskLink: Link = ({ task_id }) => `tasks/${task_id}`;
const workflowLink: Link = ({ workflow_id }) => `workflows/${workflow_id}`;

/** The resource that has the details. */
const LINKS: { readonly [K in Message["kind"]]?: Link } = {
  "batch.finished": ({ batch_id }) => `batches/${batch_id}`,
  "task.completed": taskLink,
  "task.failed": taskLink,
  "workflow.completed": workflowLink,
  "workflow.failed": workflowLink,
  "schedule.failed": ({ schedule_id }) => `schedules/${schedule_id}`,
  "webhook.disabled": ({ webhook_id }) => `webhooks/${webhook_id}`,
};

function shorten(value: unknown): unknown {
  return typeof value === "string" && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value;
}

/** The id in `webhook-id`. */
export function messageIdOf(messageId: string): string {
  return `msg_${messageId.replaceAll("-", "")}`;
}
