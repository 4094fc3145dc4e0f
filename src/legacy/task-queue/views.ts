/** What the Task Queue & Notification API shows of a task. */
import Type, { type Static } from "typebox";
import type { TaskDetail } from "../shared/task-detail.ts";

const Moment = Type.String({ format: "date-time" });
export const StatusName = Type.Enum(["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"]);

const id = Type.Integer({ description: "The task's number.", examples: [1] });
const Owner = Type.Object({
  id: Type.Integer({ examples: [1] }),
  username: Type.String({ examples: ["john_doe"] }),
  email: Type.String({ examples: ["john@example.com"] }),
});

export const QueuedTask = Type.Object({
  id,
  user: Owner,
  title: Type.String(),
  description: Type.String(),
  status: StatusName,
  result: Type.Union([Type.String(), Type.Null()], { description: "What came of it, in a sentence." }),
  celery_task_id: Type.String({ format: "uuid", description: "The queue's job." }),
  created_at: Moment,
  updated_at: Moment,
});

const listed = { title: Type.String(), status: StatusName, created_at: Moment, updated_at: Moment };
export const ListedTask = Type.Object({ id, ...listed });
export const TaskOfAll = Type.Object({ id, user: Owner, ...listed });

export const QueuedTaskAnswer = Type.Object({
  task: QueuedTask,
  cached: Type.Boolean({ description: "Whether it came from this process's memory." }),
});

/** toUpperCase() forgets which words there are. */
export function upper<S extends string>(text: S): Uppercase<S> {
  return text.toUpperCase() as Uppercase<S>;
}

export function viewListed({ task }: TaskDetail): Static<typeof ListedTask> {
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

/** As it was made, although a worker may have it by now. */
export function asMade({ task, owner }: TaskDetail): Static<typeof QueuedTask> {
  return viewQueuedTask({
    task: { ...task, status: "pending", result: null, updatedAt: task.createdAt },
    owner,
  });
}
