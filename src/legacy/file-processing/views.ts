/** Tasks as the Celery file-processing service shows them. */
import Type, { type Static } from "typebox";
import type { Context } from "../../context.ts";
import { Moment, NullableMoment, nullable, Uuid } from "../../platform/http/schemas.ts";
import type { Task } from "../../tasks/transitions.ts";
import { taskTypeNames } from "../../tasks/types/registry.ts";
import { TaskView, viewTask } from "../../tasks/views.ts";
import type { ListedTaskDetail } from "../shared/task-order.ts";

const id = { ...Uuid, description: "The id of the task." };
const completed_at = NullableMoment("When the task completed or failed.");

const facts = {
  celery_task_id: { ...Uuid, description: "The job of the task." },
  status: TaskView.properties.status,
  progress: Type.Integer({ description: "The progress in percent." }),
  file_name: nullable(Type.String({ examples: ["image.jpg"] }), "The name of the file."),
  file_size: nullable(Type.Integer({ examples: [482113] }), "The size of the file in bytes."),
  created_at: Moment("When the task was created."),
};

export const TaskType = Type.String({
  description: `The task type, one of: ${taskTypeNames.join(", ")}.`,
  examples: ["image"],
});

export const ListedTask = Type.Object({
  id,
  ...facts,
  task_type: TaskType,
  completed_at,
});

/** The service did not show the `id`, although clients need it to get the task. */
export const NewTask = Type.Object(
  { id, ...facts, task_type: TaskType },
  { description: "The task is stored and queued." },
);

export const FileTask = Type.Object({
  id,
  ...facts,
  error_message: nullable(Type.String({ examples: ["image.jpg is damaged."] }), "Why the task failed."),
  retry_count: Type.Integer({ description: "Automatic retries." }),
  started_at: NullableMoment("When the latest attempt started."),
  completed_at,
  is_cancellable: Type.Boolean({ description: "Whether the task can be cancelled now." }),
  is_retryable: Type.Boolean({ description: "Whether the task can be retried now." }),
  elapsed_time: nullable(Type.Number(), "The time of the latest attempt in seconds."),
});

type Listed = ListedTaskDetail["task"];

function viewFacts({ jobId, status, progress, fileName, fileBytes, createdAt }: Listed) {
  return {
    celery_task_id: jobId,
    status,
    progress,
    file_name: fileName,
    file_size: fileName === null ? null : (fileBytes ?? 0),
    created_at: createdAt.toISOString(),
  };
}

export function viewListed(task: Listed): Static<typeof ListedTask> {
  const completed_at = task.completedAt?.toISOString() ?? null;
  return { id: task.id, ...viewFacts(task), task_type: task.type, completed_at };
}

/** Shows the task as it was created, even if a worker has started it meanwhile. */
export function viewNew(task: Task): Static<typeof NewTask> {
  return { id: task.id, ...viewFacts(task), task_type: task.type, status: "pending", progress: 0 };
}

export function viewFileTask(task: Task, ctx: Context): Static<typeof FileTask> {
  const view = viewTask(task, ctx);
  return {
    id: view.id,
    ...viewFacts(task),
    error_message: view.error_message,
    retry_count: view.retry_count,
    started_at: view.started_at,
    completed_at: view.completed_at,
    is_cancellable: view.is_cancellable,
    is_retryable: view.is_retryable,
    elapsed_time: view.elapsed_seconds,
  };
}
