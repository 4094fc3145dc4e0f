import Type, { type Static, type TInteger } from "typebox";
import type { Context } from "../context.ts";
import { QUEUES } from "../jobs.ts";
import { AllowedActions } from "../platform/http/allowed-actions.ts";
import { versionOf } from "../platform/http/etag.ts";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import type { files } from "../schema/files.ts";
import {
  type TaskStatus,
  type taskEvents,
  taskEventType,
  type taskProgress,
  taskStatus,
} from "../schema/tasks.ts";
import { allowedActions, TASK_ACTIONS } from "./allowed-actions.ts";
import type { TaskSummary } from "./queries.ts";
import { allows } from "./state.ts";
import type { Task } from "./transitions.ts";

const Json = (description: string) => MapOf(Type.Unknown(), { description });

const TaskStatusName = Type.Enum(taskStatus.enumValues, {
  description:
    "pending: waits for a worker, its next attempt or another task. processing: a worker runs it. completed: it has its " +
    "result. failed: `error_code` and `error_message` say why. cancelled: a user cancelled it, or a task before it failed.",
});

const TASK_EXAMPLE = {
  id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55",
  number: 17,
  user_id: 1,
  type: "image",
  queue: "file_processing",
  title: "Pictures of May",
  description: "",
  status: "processing",
  priority: 5,
  progress: 65,
  params: { resize: [1920, 1080] },
  file: {
    id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e01",
    path: "/path/to/image.jpg",
    name: "image.jpg",
    bytes: 482113,
  },
  result: null,
  error_code: null,
  error_message: null,
  retry_count: 0,
  max_retries: 3,
  attempt: 1,
  job_id: "fa80a633-7c36-4c61-b518-9158366a5671",
  group_id: null,
  after_id: null,
  schedule_id: null,
  workflow_id: null,
  cancel_reason: null,
  tags: ["may"],
  metadata: { order: 4711 },
  is_cancellable: true,
  is_retryable: false,
  allowed_actions: ["cancel", "delete"],
  elapsed_seconds: 1.2,
  created_at: "2026-11-22T03:43:21.893Z",
  updated_at: "2026-11-22T03:43:23.486Z",
  due_at: "2026-11-22T03:43:21.893Z",
  started_at: "2026-11-22T03:43:22.286Z",
  completed_at: null,
  cancelled_at: null,
};

export const TaskView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the task." },
    number: Type.Integer({ description: "A short number for the same task, counted up per installation." }),
    user_id: Type.Integer({ description: "The owner of the task." }),
    type: Type.String({ description: "The task type.", examples: ["image"] }),
    queue: Type.Enum([...QUEUES], { description: "The queue that the task runs in." }),
    title: Type.String({ description: "A title for people, or empty." }),
    description: Type.String({ description: "A longer text for people, or empty." }),
    status: TaskStatusName,
    priority: Type.Integer({ description: "0 to 9. Tasks with a higher priority are taken first." }),
    progress: Type.Integer({ description: "The progress in percent." }),
    params: Json("The parameters of the type, with defaults."),
    file: nullable(
      Type.Object({
        id: nullable(
          Type.String({ format: "uuid" }),
          "null: the file is below FILES_ROOT, or it was deleted.",
        ),
        path: Type.String({ description: "The path that the task was created with." }),
        name: Type.String({ description: "The name of the file." }),
        bytes: Type.Integer({ description: "The size in bytes." }),
      }),
      "The file that the task reads.",
    ),
    result: nullable(
      MapOf(Type.Unknown()),
      "The result. `message` is one sentence; the other fields depend on the type.",
    ),
    error_code: nullable(Type.String(), "Why the task failed, for programs."),
    error_message: nullable(
      Type.String(),
      "Why the task failed, for people. While it waits for its next attempt: why the last attempt failed.",
    ),
    retry_count: Type.Integer({ description: "Automatic retries since the last request to run the task." }),
    max_retries: Type.Integer({ description: "The limit of automatic retries." }),
    attempt: Type.Integer({ description: "How often a worker has started the task." }),
    job_id: { ...Uuid, description: "The job of the task." },
    group_id: nullable(Type.String({ format: "uuid" }), "The same for all tasks that were created together."),
    after_id: nullable(Type.String({ format: "uuid" }), "The task that this task waits or waited for."),
    schedule_id: nullable(Type.String({ format: "uuid" }), "The schedule that created the task."),
    workflow_id: nullable(Type.String({ format: "uuid" }), "The workflow that the task is a step of."),
    cancel_reason: nullable(Type.String(), "The reason for cancelling the task."),
    tags: Type.Array(Type.String(), { description: "Words to find the task by." }),
    metadata: Json("Your own data, unchanged."),
    is_cancellable: Type.Boolean({ description: "Whether the task can be cancelled now." }),
    is_retryable: Type.Boolean({ description: "Whether the task can be retried now without `force`." }),
    allowed_actions: AllowedActions(
      TASK_ACTIONS,
      "`retry` of a completed task needs `force`. A step of a workflow is retried and deleted with its workflow; after the workflow " +
        "has ended, the step can also be deleted alone.",
    ),
    elapsed_seconds: nullable(
      Type.Number(),
      "How long the latest attempt has taken so far, or took until its end.",
    ),
    created_at: Moment("When the task was created."),
    updated_at: Moment("When the task last changed."),
    due_at: NullableMoment("When a worker may take the task. null: it waits for another task."),
    started_at: NullableMoment("When the latest attempt started."),
    completed_at: NullableMoment("When the task completed or failed."),
    cancelled_at: NullableMoment("When the task was cancelled."),
  },
  { $id: "Task", description: "A task and its progress.", examples: [TASK_EXAMPLE] },
);
export type TaskView = Static<typeof TaskView>;

export const TaskEventView = Type.Object({
  type: Type.Enum(taskEventType.enumValues, { description: "The kind of event." }),
  message: Type.String({ description: "The event, for people.", examples: ["Task created"] }),
  actor_id: nullable(Type.Integer(), "The user who caused the event. null: the service."),
  metadata: nullable(MapOf(Type.Unknown()), "Details of the event."),
  created_at: Moment("When it happened."),
});

export const TaskProgressView = Type.Object({
  progress: Type.Integer({ description: "The progress in percent.", examples: [65] }),
  message: Type.String({
    description: "The current step, for people.",
    examples: ["Detecting colours"],
  }),
  data: nullable(MapOf(Type.Unknown()), "Details of the step."),
  created_at: Moment("When the task reported it."),
});

export const TaskFileView = Type.Object({
  id: { ...Uuid, description: "The id of the file." },
  name: Type.String({ description: "The name of the file.", examples: ["image.webp"] }),
  media_type: Type.String({ description: "Detected from the content.", examples: ["image/webp"] }),
  bytes: Type.Integer({ description: "The size in bytes.", examples: [48211] }),
  url: Type.String({
    description: "The path of the content.",
    examples: ["/api/v1/files/019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e02/content"],
  }),
});

export const TaskCounts = Type.Object(
  {
    total: Type.Integer({ description: "All tasks." }),
    ...(Object.fromEntries(
      taskStatus.enumValues.map((status) => [
        status,
        Type.Integer({ description: `Tasks that are ${status}.` }),
      ]),
    ) as Record<TaskStatus, TInteger>),
    is_lower_bound: Type.Optional(
      Type.Boolean({
        description:
          "Present, and true, only if there may be more tasks than counted. Send `exact=true` to count all.",
      }),
    ),
  },
  {
    description: "The numbers of tasks.",
    examples: [{ total: 35, pending: 5, processing: 3, completed: 25, failed: 2, cancelled: 0 }],
  },
);

export const CreatedTasksView = Type.Object({
  group_id: { ...Uuid, description: "For GET /api/v1/tasks?group_id=." },
  count: Type.Integer({ description: "The number of tasks." }),
  tasks: Type.Array(
    Type.Object({
      id: { ...Uuid, description: "The id of the task." },
      number: Type.Integer({ description: "A short number for the same task." }),
      job_id: { ...Uuid, description: "The job of the task." },
    }),
    { description: "In the order of the request." },
  ),
});

type TaskSummaryView = Omit<TaskView, "params" | "result" | "metadata">;

/** The user who sees the task, and the time of the answer. */
type Viewer = Pick<Context, "actor" | "config" | "now">;

export function viewTask(task: Task, viewer: Viewer): TaskView {
  const { params, result, metadata } = task;
  return { ...viewTaskSummary(task, viewer), params, result, metadata };
}

export function viewTaskSummary(task: TaskSummary, viewer: Viewer): TaskSummaryView {
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
    file: fileName === null ? null : file,
    error_code: task.errorCode,
    error_message: task.errorMessage,
    retry_count: task.retryCount,
    max_retries: task.maxRetries,
    attempt: task.attempt,
    job_id: task.jobId,
    group_id: task.groupId,
    after_id: task.afterId,
    schedule_id: task.scheduleId,
    workflow_id: task.workflowId,
    cancel_reason: task.cancelReason,
    tags: task.tags,
    is_cancellable: allows("cancel", task.status),
    is_retryable: task.workflowId === null && allows("retry", task.status),
    allowed_actions: allowedActions(viewer, task),
    elapsed_seconds: elapsedSeconds(task, viewer.now()),
    created_at: task.createdAt.toISOString(),
    updated_at: task.updatedAt.toISOString(),
    due_at: task.dueAt?.toISOString() ?? null,
    started_at: task.startedAt?.toISOString() ?? null,
    completed_at: task.completedAt?.toISOString() ?? null,
    cancelled_at: task.cancelledAt?.toISOString() ?? null,
  };
}

function elapsedSeconds({ startedAt, completedAt, cancelledAt }: TaskSummary, now: Date): number | null {
  if (!startedAt) return null;
  const end = completedAt ?? cancelledAt ?? now;
  return Math.max(0, end.getTime() - startedAt.getTime()) / 1000;
}

/** The ETag. It ignores `elapsed_seconds`, which changes without a change of the task. */
export function taskVersion(view: TaskSummaryView): string {
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
