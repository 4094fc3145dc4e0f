import { invalidField } from "../../errors.ts";
import { type TaskStatus, taskStatus } from "../../schema/tasks.ts";

const known = taskStatus.enumValues;

/** @throws DomainError `invalid_input` where there is no such status; its case does not matter */
export function statusesNamed(text: string): TaskStatus[] {
  const status = known.find((name) => name === text.toLowerCase());
  if (status) return [status];
  throw invalidField("status", `"${text.slice(0, 100)}" is not a valid choice: ${known.join(", ")}.`);
}
