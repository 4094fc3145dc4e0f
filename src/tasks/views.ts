/** What the API shows of a task: the schemas, and how a stored one becomes an answer. */
import Type, { type Static, type TInteger } from "typebox";
import { QUEUES } from "../jobs.ts";
import { versionOf } from "../platform/http/etag.ts";
import type { files } from "../schema/files.ts";
import {
  type TaskStatus,
  type taskEvents,
  taskEventType,
  type taskProgress,
  taskStatus,
} from "../schema/tasks.ts";
import { hasEnded } from "./state.ts";
import type { Task } from "./transitions.ts";

const Moment = Type.String({ format: "date-time" });
const NullableMoment = (description: string) => Type.Union([Moment, Type.Null()], { description });
const NullableText = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const Json = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

const TaskStatusName = Type.Enum(taskStatus.enumValues, {
  description:
    "pending: it waits for a worker, its next attempt or another task. processing. completed: it has its result. " +
    "failed: `error_code` and `error_message` say why. cancelled.",
});

export const TaskView = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    number: Type.Integer({ description: "The same task, for those who count." }),
    user_id: Type.Integer(),
    type: Type.String({ examples: ["image"] }),
    queue: Type.Enum([...QUEUES]),
    title: Type.String(),
    description: Type.String(),
    status: TaskStatusName,
    priority: Type.Integer({ description: "0 to 9; higher ones are taken first." }),
    progress: Type.Integer({ description: "Percent." }),
    params: Json("As the type takes them, its defaults included."),
    file: Type.Union(
      [
        Type.Object({
          id: Type.Union([Type.String({ format: "uuid" }), Type.Null()], {
            description: "null: it lies below FILES_ROOT, or was deleted.",
          }),
          path: Type.String(),
          name: Type.String(),
          bytes: Type.Integer(),
        }),
        Type.Null(),
      ],
      { description: "What it works on." },
    ),
    result: Type.Union([Json("What came of it; `message` is the same in a sentence."), Type.Null()]),
    error_code: NullableText("Why it failed, for programs."),
    error_message: NullableText(
      "The same for people; also of the attempt before, while it waits for the next.",
    ),
    retry_count: Type.Integer({
      description: "Retries that came by themselves since it was last asked for.",
    }),
    max_retries: Type.Integer(),
    attempt: Type.Integer({ description: "How often a worker has begun it." }),
    job_id: Type.String({ format: "uuid", description: "The queue's job." }),
    group_id: Type.Union([Type.String({ format: "uuid" }), Type.Null()], {
      description: "Tasks that were created together.",
    }),
    after_id: Type.Union([Type.String({ format: "uuid" }), Type.Null()], {
      description: "The task that it waits, or waited, for.",
    }),
    cancel_reason: NullableText("As it was given."),
    tags: Type.Array(Type.String()),
    metadata: Json("As it was given."),
    is_cancellable: Type.Boolean(),
    is_retryable: Type.Boolean({ description: "Without `force`." }),
    elapsed_seconds: Type.Union([Type.Number(), Type.Null()], {
      description: "Of the attempt that counts, up to now or its end.",
    }),
    created_at: Moment,
    updated_at: Moment,
    due_at: NullableMoment("From when a worker may take it; null while it waits for another task."),
    started_at: NullableMoment("Of the attempt that counts."),
    completed_at: NullableMoment("When it completed or failed."),
    cancelled_at: NullableMoment("When it was cancelled."),
  },
  { $id: "Task" },
);
export type TaskView = Static<typeof TaskView>;

export const TaskEventView = Type.Object({
  type: Type.Enum(taskEventType.enumValues),
  message: Type.String(),
  actor_id: Type.Union([Type.Integer(), Type.Null()], {
    description: "The user who did it; null: the service.",
  }),
  metadata: Type.Union([Json("What there is to say beside."), Type.Null()]),
  created_at: Moment,
});

export const TaskProgressView = Type.Object({
  progress: Type.Integer({ description: "Percent." }),
  message: Type.String(),
  data: Type.Union([Json("What the type has told."), Type.Null()]),
  created_at: Moment,
});

export const TaskFileView = Type.Object({
  id: Type.String({ format: "uuid" }),
  name: Type.String(),
  media_type: Type.String(),
  bytes: Type.Integer(),
  url: Type.String({ description: "Where its content is." }),
});

export const TaskCounts = Type.Object(
  {
    total: Type.Integer(),
    ...(Object.fromEntries(taskStatus.enumValues.map((status) => [status, Type.Integer()])) as Record<
      TaskStatus,
      TInteger
    >),
  },
  { examples: [{ total: 35, pending: 5, processing: 3, completed: 25, failed: 2, cancelled: 0 }] },
);

export function viewTask(task: Task, now: Date): TaskView {
  const { fileName, filePath, fileBytes } = task;
  const file = { id: task.fileId, path: filePath ?? "", name: fileName ?? "", bytes: fileBytes ?? 0 };
  return {
    id: task.id,
    number: task.number,
    user_id: task.userId,
    type: task.type,
    queue: task.queue as TaskView["queue"],
    title: task.title,
    description: task.description,
    status: task.status,
    priority: task.priority,
    progress: task.progress,
    params: task.params,
    file: fileName === null ? null : file,
    result: task.result,
    error_code: task.errorCode,
    error_message: task.errorMessage,
    retry_count: task.retryCount,
    max_retries: task.maxRetries,
    attempt: task.attempt,
    job_id: task.jobId,
    group_id: task.groupId,
    after_id: task.afterId,
    cancel_reason: task.cancelReason,
    tags: task.tags,
    metadata: task.metadata,
    is_cancellable: !hasEnded(task.status),
    is_retryable: task.status === "failed" || task.status === "cancelled",
    elapsed_seconds: elapsedSeconds(task, now),
    created_at: task.createdAt.toISOString(),
    updated_at: task.updatedAt.toISOString(),
    due_at: task.dueAt?.toISOString() ?? null,
    started_at: task.startedAt?.toISOString() ?? null,
    completed_at: task.completedAt?.toISOString() ?? null,
    cancelled_at: task.cancelledAt?.toISOString() ?? null,
  };
}

function elapsedSeconds({ startedAt, completedAt, cancelledAt }: Task, now: Date): number | null {
  if (!startedAt) return null;
  const end = completedAt ?? cancelledAt ?? now;
  return Math.max(0, end.getTime() - startedAt.getTime()) / 1000;
}

/** Of what is stored: the time that it has taken so far changes with the clock alone. */
export function taskVersion(view: TaskView): string {
  return versionOf({ ...view, elapsed_seconds: null });
}

export function viewEvent(event: typeof taskEvents.$inferSelect): Static<typeof TaskEventView> {
  const { type, message, actorId, metadata, createdAt } = event;
  return { type, message, actor_id: actorId, metadata, created_at: createdAt.toISOString() };
}

export function viewProgress(step: typeof taskProgress.$inferSelect): Static<typeof TaskProgressView> {
  const { progress, message, data, createdAt } = step;
  return { progress, message, data, created_at: createdAt.toISOString() };
}

export function viewFile({
  id,
  name,
  mediaType,
  bytes,
}: Pick<typeof files.$inferSelect, "id" | "name" | "mediaType" | "bytes">): Static<typeof TaskFileView> {
  return { id, name, media_type: mediaType, bytes, url: `/api/v1/files/${id}/content` };
}
