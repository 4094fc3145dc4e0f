/** What the Celery file-processing service shows of a task. */
import Type, { type Static } from "typebox";
import type { Task } from "../../tasks/transitions.ts";
import { taskTypeNames } from "../../tasks/types/registry.ts";
import { TaskView, viewTask } from "../../tasks/views.ts";

const Uuid = Type.String({ format: "uuid" });
const Moment = Type.String({ format: "date-time" });
const NullableMoment = Type.Union([Moment, Type.Null()]);
const NullableText = Type.Union([Type.String(), Type.Null()]);
const NullableInteger = Type.Union([Type.Integer(), Type.Null()]);

const facts = {
  celery_task_id: Type.String({ format: "uuid", description: "The queue's job." }),
  status: TaskView.properties.status,
  progress: Type.Integer({ description: "Percent." }),
  file_name: NullableText,
  file_size: NullableInteger,
  created_at: Moment,
};

export const TaskType = Type.String({
  description: `One of: ${taskTypeNames.join(", ")}.`,
  examples: ["image"],
});

export const ListedTask = Type.Object({
  id: Uuid,
  ...facts,
  task_type: TaskType,
  completed_at: NullableMoment,
});

/** The service did not show the `id`, by which it asked for a task. */
export const NewTask = Type.Object({ id: Uuid, ...facts, task_type: TaskType });

export const FileTask = Type.Object({
  id: Uuid,
  ...facts,
  error_message: NullableText,
  retry_count: Type.Integer(),
  started_at: NullableMoment,
  completed_at: NullableMoment,
  is_cancellable: Type.Boolean(),
  is_retryable: Type.Boolean(),
  elapsed_time: Type.Union([Type.Number(), Type.Null()], { description: "Seconds." }),
});

function viewFacts(task: Task) {
  const { job_id, status, progress, file, created_at } = viewTask(task, task.createdAt);
  const named = { file_name: file?.name ?? null, file_size: file?.bytes ?? null };
  return { celery_task_id: job_id, status, progress, ...named, created_at };
}

export function viewListed(task: Task): Static<typeof ListedTask> {
  const completed_at = task.completedAt?.toISOString() ?? null;
  return { id: task.id, ...viewFacts(task), task_type: task.type, completed_at };
}

/** As it was made, although a worker may have it by now. */
export function viewNew(task: Task): Static<typeof NewTask> {
  return { id: task.id, ...viewFacts(task), task_type: task.type, status: "pending", progress: 0 };
}

export function viewFileTask(task: Task, now: Date): Static<typeof FileTask> {
  const view = viewTask(task, now);
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
