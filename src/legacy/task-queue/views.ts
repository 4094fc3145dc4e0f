/** Tasks as the Django task queue service shows them. */
import Type, { type Static } from "typebox";
import { Moment, nullable, Uuid } from "../../platform/http/schemas.ts";
import type { TaskDetail } from "../shared/task-detail.ts";
import type { ListedTaskDetail } from "../shared/task-order.ts";

export const StatusName = Type.Enum(["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"], {
  description: "The status of the task.",
});

const id = Type.Integer({ description: "The number of the task.", examples: [1] });
const Owner = Type.Object(
  {
    id: Type.Integer({ description: "The id of the user.", examples: [1] }),
    username: Type.String({ description: "The name of the user.", examples: ["john_doe"] }),
    email: Type.String({ description: "The email address, or empty.", examples: ["john@example.com"] }),
  },
  { description: "The owner of the task." },
);
const listed = {
  title: Type.String({ description: "A title for people.", examples: ["Process Customer Data"] }),
  status: StatusName,
  created_at: Moment("When the task was created."),
  updated_at: Moment("When the task last changed."),
};

export const QueuedTask = Type.Object({
  id,
  user: Owner,
  ...listed,
  description: Type.String({
    description: "A longer text for people, or empty.",
    examples: ["Import and process customer CSV file"],
  }),
  result: nullable(
    Type.String({ examples: ["Task completed successfully in 12 seconds at 2026-11-22T03:43:35.000Z"] }),
    "The result in one sentence.",
  ),
  celery_task_id: { ...Uuid, description: "The job of the task." },
});

export const ListedTask = Type.Object({ id, ...listed });
export const TaskOfAll = Type.Object({ id, user: Owner, ...listed });

export const QueuedTaskAnswer = Type.Object({
  task: QueuedTask,
  cached: Type.Boolean({ description: "Whether the answer came from the memory of this process." }),
});

/** toUpperCase() with a precise type. */
export function upper<S extends string>(text: S): Uppercase<S> {
  return text.toUpperCase() as Uppercase<S>;
}

export function viewListed({ task }: Pick<ListedTaskDetail, "task">): Static<typeof ListedTask> {
  return {
    id: task.number,
    title: task.title,
    status: upper(task.status),
    created_at: task.createdAt.toISOString(),
    updated_at: task.updatedAt.toISOString(),
  };
}

export function viewQueuedTask(detail: TaskDetail): Static<typeof QueuedTask> {
  const { task, owner } = detail;
  const message = task.result?.message;
  return {
    ...viewListed(detail),
    user: owner,
    description: task.description,
    result: typeof message === "string" ? message : null,
    celery_task_id: task.jobId,
  };
}

/** Shows the task as it was created, even if a worker has started it meanwhile. */
export function viewNew({ task, owner }: TaskDetail): Static<typeof QueuedTask> {
  return viewQueuedTask({
    task: { ...task, status: "pending", result: null, updatedAt: task.createdAt },
    owner,
  });
}
