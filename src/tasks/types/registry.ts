/** Task types by name. types/all.ts lists them. */
import { invalidField } from "../../errors.ts";
import * as all from "./all.ts";
import type { TaskType } from "./task-type.ts";

/** Sorted: the order of a module's exports depends on the program that loads it, and the OpenAPI document on this order. */
export const taskTypes: readonly TaskType[] = Object.values<TaskType>(all).toSorted((one, other) =>
  one.name < other.name ? -1 : 1,
);

const byName: ReadonlyMap<string, TaskType> = new Map(taskTypes.map((type) => [type.name, type]));

export const taskTypeNames: readonly string[] = [...byName.keys()];

/** @returns undefined for the type of a task that a version with more types created */
export function findTaskType(name: string): TaskType | undefined {
  return byName.get(name);
}

/** @throws DomainError `invalid_input` if the type does not exist */
export function requireTaskType(name: string, field = "type"): TaskType {
  const type = byName.get(name);
  if (!type) throw invalidField(field, `"${name.slice(0, 100)}" is not one of: ${taskTypeNames.join(", ")}.`);
  return type;
}
