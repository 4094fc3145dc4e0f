import type { Schemas } from "../../../client/operations.ts";
import { scheduleWords as words } from "../../words/schedules.ts";
import { titleOf } from "../tasks/form/fields.ts";

export type Schedule = Schemas["Schedule"];
export type Tick = Schemas["ScheduleTick"];

/** The work of a tick, in words. */
export function describeWork({
  task,
  workflow,
  builtin,
}: Pick<Schemas["ListedSchedule"], "task" | "workflow" | "builtin">): string {
  if (builtin !== null) return words.builtin(titleOf(builtin));
  if (task) return words.task(titleOf(String(task.type)));
  return words.workflow(typeof workflow?.name === "string" ? workflow.name : words.unnamedWorkflow);
}
