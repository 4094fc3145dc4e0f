/** The fields of a schedule that clients set, and their checks. */
import type { Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { checkTask } from "../../tasks/create/create-tasks.ts";
import { type TaskBody, taskRequestOf } from "../../tasks/create/task-body.ts";
import { prepareSteps } from "../../workflows/create/create-workflow.ts";
import { readWorkflow } from "../../workflows/create/read-workflow.ts";
import type { WorkflowBody } from "../../workflows/create/workflow-body.ts";
import type { Schedule } from "../queries.ts";

export interface ScheduleFields
  extends Partial<
    Pick<
      Schedule,
      | "name"
      | "description"
      | "cron"
      | "timezone"
      | "isEnabled"
      | "startsAt"
      | "endsAt"
      | "missed"
      | "overlap"
      | "jitterSeconds"
    >
  > {
  readonly task?: TaskBody;
  readonly workflow?: WorkflowBody;
}

/** Checks fields that do not depend on others. @throws DomainError `invalid_input`, `forbidden` */
export async function checkFields(tx: Tx, userId: number, fields: ScheduleFields): Promise<void> {
  const { name, description, task, workflow, endsAt } = fields;
  if (name !== undefined) requireStorable(name, "name");
  if (description !== undefined) requireStorable(description, "description");
  if (endsAt && endsAt <= tx.now()) throw invalidField("ends_at", "must be in the future.");
  if (task && workflow) throw invalidField("workflow", "cannot be combined with `task`.");
  if (task) await checkTask(tx, userId, taskRequestOf(task, "task"), "task");
  if (workflow) await prepareSteps(tx, userId, readWorkflow(workflow, "workflow"));
}
