/** Task types by name. types/all.ts lists them. */
import { invalidField } from "../../errors.ts";
import * as all from "./all.ts";
import type { TaskType } from "./task-type.ts";

export const taskTypes: readonly TaskType[] = Object.values<TaskType>(all);

const byName: ReadonlyMap<string, TaskType> = new Map(taskTypes.map((type) => [type.name, type]));

export const taskTypeNames: readonly string[] = [...byName.keys()];

/** Of a task that was created by a version that knew more types there may be none. */
export function findTaskType(name: string): TaskType | undefined {
  return byName.get(name);
}

/** @throws DomainError `invalid_input` where there is no such type */
export function taskTypeNamed(name: string, field = "type"): TaskType {
  const type = byName.get(name);
  if (!type) throw invalidField(field, `"${name.slice(0, 100)}" is not one of: ${taskTypeNames.join(", ")}.`);
  return type;
}
