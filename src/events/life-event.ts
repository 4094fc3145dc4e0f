/** The events of the feed: moments in the lives of tasks, batches, workflows, jobs and workers. */
export const EVENT_KINDS = ["task", "batch", "workflow", "job", "worker"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface LifeEvent {
  readonly kind: EventKind;
  readonly event: string;
  readonly id: string;
  /** The task type, the target of the batch, or the kind of the workflow or the job; null for workers. */
  readonly type: string | null;
  readonly userId: number | null;
  /** The id of the worker; null unless the event is of a job or a worker. */
  readonly worker: string | null;
  readonly at: Date;
  readonly details: Readonly<Record<string, string | number | null>>;
}

/** Absent: any. */
export interface EventFilter {
  readonly kinds?: ReadonlySet<EventKind>;
  readonly type?: string;
  readonly userId?: number;
}

export function matches(
  { kinds, type, userId }: EventFilter,
  event: Pick<LifeEvent, "kind" | "type" | "userId">,
): boolean {
  return (
    (kinds?.has(event.kind) ?? true) &&
    (type === undefined || event.type === type) &&
    (userId === undefined || event.userId === userId)
  );
}

export interface Read {
  readonly events: readonly LifeEvent[];
  /** About how many events were not read. */
  readonly unread: number;
}

/** Reads events while somebody watches. */
export interface EventSource {
  /** The kind of the events that it may leave unread. */
  readonly kind: EventKind;
  /** Remembers what happened before, which is not in the feed. */
  start(): Promise<void>;
  /** Reads the events since the last read. */
  read(): Promise<Read>;
  close(): void;
}
