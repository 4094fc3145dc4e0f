import { invalidField } from "../../errors.ts";
import { type TaskStatus, taskStatus } from "../../schema/tasks.ts";

const known = taskStatus.enumValues;

/** Finds a status by its name in any case. @throws DomainError `invalid_input` if it does not exist */
export function statusesNamed(text: string): TaskStatus[] {
  const status = known.find((name) => name === text.toLowerCase());
  if (status) return [status];
  throw invalidField("status", `"${text.slice(0, 100)}" is not a valid choice: ${known.join(", ")}.`);
}
