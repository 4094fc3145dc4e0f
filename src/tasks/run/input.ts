import type { Context } from "../../context.ts";
import type { Task } from "../take-edge.ts";
import type { TaskInput, TaskType } from "../task-type.ts";
import type { Progress } from "./progress.ts";

/** What a type gets to work with; disposing of it closes the file. */
export async function inputOf(
  _ctx: Context,
  _type: TaskType,
  task: Task,
  signal: AbortSignal,
  progress: Progress,
): Promise<TaskInput<TaskType["params"]> & AsyncDisposable> {
  return {
    task,
    params: task.params,
    file: null,
    signal,
    progress: (percent, message, data) => progress.report(percent, message, data),
    store: () => {
      throw new Error("not yet");
    },
    async [Symbol.asyncDispose]() {},
  };
}
