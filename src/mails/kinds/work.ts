/** Mails about batches, tasks, workflows and schedules. */
import { plural } from "../../platform/plural.ts";
import { bars, button, facts, list, paragraph } from "../layout/blocks.ts";
import { oneLine } from "../layout/plain.ts";
import type { MailTemplate } from "./kind.ts";

const MAX_NAME = 80;

const BATCH_STATES: Readonly<Record<string, string>> = {
  completed: "is complete",
  completed_with_errors: "has failed rows",
  failed: "has failed",
  cancelled: "was cancelled",
  validated: "was checked",
  undone: "was undone",
};

export const batchFinished: MailTemplate<"batch_finished"> = {
  description: "Reports the end of a batch: counts, causes of failures, and a link to the failed rows.",
  subscription: () => "batch.finished",
  title: ({ file_name, state }) => `${oneLine(file_name, MAX_NAME)} ${BATCH_STATES[state] ?? `is ${state}`}`,
  blocks: (data, { home }) => {
    const batch = `${home}/api/v1/batches/${encodeURIComponent(data.batch_id)}`;
    return [
      paragraph(data.reason ?? "Every row of the file has been handled."),
      bars("Rows", [
        { label: "Succeeded", value: data.succeeded },
        { label: "Failed", value: data.failed },
        { label: "Without a result", value: data.unprocessed },
      ]),
      facts([
        ["File", data.file_name],
        ["Target", data.target],
        ["Batch", data.batch_id],
      ]),
      ...(data.causes.length > 0
        ? [
            list(
              "Why rows have failed",
              data.causes.map(({ message, rows }) => `${plural(rows, "row")}: ${message}`),
            ),
          ]
        : []),
      data.failed > 0
        ? button("Download the failed rows", `${batch}/results/failed.csv`)
        : button("Show the batch", batch),
    ];
  },
  reason: "You get this mail because a batch of yours has ended at",
};

export const taskEnded: MailTemplate<"task_ended"> = {
  description: "Reports that a task has completed or failed.",
  subscription: ({ state }) => `task.${state}`,
  title: ({ title, type, state }) =>
    `${oneLine(title, MAX_NAME) || type} ${state === "completed" ? "is complete" : "has failed"}`,
  blocks: (data, { home }) => [
    paragraph(data.message),
    facts([
      ["Task", data.title],
      ["Type", data.type],
      ["Id", data.task_id],
    ]),
    button("Show the task", `${home}/api/v1/tasks/${encodeURIComponent(data.task_id)}`),
  ],
  reason: "You get this mail because you created a task at",
};

export const workflowEnded: MailTemplate<"workflow_ended"> = {
  description: "Reports that a workflow has completed or failed.",
  subscription: ({ state }) => `workflow.${state}`,
  title: ({ name, state }) =>
    `${oneLine(name, MAX_NAME) || "A workflow"} ${state === "completed" ? "is complete" : "has failed"}`,
  blocks: (data, { home }) => [
    paragraph(data.message),
    facts([
      ["Workflow", data.name],
      ["Id", data.workflow_id],
    ]),
    button("Show the workflow", `${home}/api/v1/workflows/${encodeURIComponent(data.workflow_id)}`),
  ],
  reason: "You get this mail because you created a workflow at",
};

export const scheduleFailed: MailTemplate<"schedule_failed"> = {
  description: "Reports the first tick of a schedule that failed since a success.",
  subscription: () => "schedule.failed",
  title: ({ name }) => `The schedule ${oneLine(name, MAX_NAME)} has failed`,
  blocks: (data, { home }) => {
    const schedule = `${home}/api/v1/schedules/${encodeURIComponent(data.schedule_id)}`;
    return [
      paragraph(data.reason),
      paragraph("The schedule goes on. You get no further mail about it until a tick has succeeded."),
      facts([
        ["Schedule", data.name],
        ["Tick", data.tick_at],
        ["Id", data.schedule_id],
      ]),
      button("Show its ticks", `${schedule}/ticks`),
    ];
  },
  reason: "You get this mail because you created a schedule at",
};
