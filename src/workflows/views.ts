import Type, { type Static, type TInteger } from "typebox";
import type { Context } from "../context.ts";
import { AllowedActions } from "../platform/http/allowed-actions.ts";
import { Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { FINAL_STATES, type StepState, stepState, workflowKind, workflowState } from "../schema/workflows.ts";
import type { Edge, ListedStep, Workflow, WorkflowDetail } from "./queries.ts";
import { allowedActions, allows, WORKFLOW_ACTIONS } from "./state.ts";
import { EXAMPLE_STEP, type ShownState, shownState, stepFields, viewStep } from "./step-views.ts";

const EXAMPLE = {
  id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55",
  number: 12,
  user_id: 1,
  name: "Daily report",
  kind: "chain",
  schedule_id: null,
  state: "running",
  progress: 50,
  counts: { total: 2, waiting: 0, queued: 1, completed: 1, failed: 0, skipped: 0, cancelled: 0 },
  run: 1,
  cancel_reason: null,
  is_cancellable: true,
  is_retryable: false,
  allowed_actions: ["cancel"],
  timeout_seconds: 604800,
  deadline_at: "2026-12-03T08:30:00.000Z",
  created_at: "2026-11-26T08:30:00.000Z",
  updated_at: "2026-11-26T08:30:04.000Z",
  ended_at: null,
};

const count = (description: string): TInteger => Type.Integer({ minimum: 0, description });

const Counts = Type.Object(
  {
    total: count("All steps."),
    waiting: count("Steps that wait for others."),
    queued: count("Steps whose task waits or runs."),
    completed: count("Steps that have completed."),
    failed: count("Steps that have failed."),
    skipped: count("Steps that did not run, because of `when` or because of a failure before them."),
    cancelled: count("Steps that were cancelled with the workflow."),
  } satisfies Record<StepState | "total", unknown>,
  { description: "The steps by their state." },
);

const workflowFields = {
  id: { ...Uuid, description: "The id of the workflow." },
  number: Type.Integer({
    description: "A short number for the same workflow, counted up per installation.",
  }),
  user_id: Type.Integer({ description: "The owner of the workflow." }),
  name: Type.String({ description: "A name for people, or empty." }),
  kind: Type.Enum(workflowKind.enumValues, { description: "The field of the request that had the steps." }),
  schedule_id: nullable(Type.String({ format: "uuid" }), "The schedule that created the workflow."),
  state: Type.Enum(workflowState.enumValues, {
    description:
      "running: at least one step is not final. completed: no step failed, or only steps with `on_failure: ignore`. failed: at " +
      "least one other step failed. cancelled: by a user, or at the deadline.",
  }),
  progress: Type.Integer({ description: "The final steps in percent." }),
  counts: Counts,
  run: Type.Integer({ description: "1, and one more for each retry." }),
  cancel_reason: nullable(Type.String(), "The reason for cancelling the workflow."),
  is_cancellable: Type.Boolean({ description: "Whether the workflow can be cancelled now." }),
  is_retryable: Type.Boolean({ description: "Whether the workflow can be retried now." }),
  allowed_actions: AllowedActions(WORKFLOW_ACTIONS),
  timeout_seconds: Type.Integer({ description: "The time that each run may take." }),
  deadline_at: Moment("When the workflow is cancelled if it still runs."),
  created_at: Moment("When the workflow was created."),
  updated_at: Moment("When a step last started or ended."),
  ended_at: NullableMoment("When the workflow ended."),
};

export const WorkflowView = Type.Object(workflowFields, {
  $id: "Workflow",
  description: "A workflow and its progress.",
  examples: [EXAMPLE],
});
export type WorkflowView = Static<typeof WorkflowView>;

const NOTIFY = { ...EXAMPLE_STEP, name: "notify", type: "send_admin_notification", state: "running" };

export const WorkflowDetailView = Type.Object(
  {
    ...workflowFields,
    steps: Type.Array(Type.Object(stepFields), {
      description: "The steps, in the order of the request: the nodes of the graph.",
    }),
    edges: Type.Array(
      Type.Object({
        from: Type.String({ description: "The name of the step that must be final first." }),
        to: Type.String({ description: "The name of the step that depends on it." }),
      }),
      { description: "The dependencies: the edges of the graph." },
    ),
  },
  {
    $id: "WorkflowDetail",
    description: "A workflow with its graph.",
    examples: [{ ...EXAMPLE, steps: [EXAMPLE_STEP, NOTIFY], edges: [{ from: "report", to: "notify" }] }],
  },
);

type Viewer = Pick<Context, "actor">;

export function viewWorkflow(workflow: Workflow, viewer: Viewer): WorkflowView {
  const { counts, state } = workflow;
  const total = stepState.enumValues.reduce((sum, name) => sum + counts[name], 0);
  const final = FINAL_STATES.reduce((sum, name) => sum + counts[name], 0);
  return {
    id: workflow.id,
    number: workflow.number,
    user_id: workflow.userId,
    name: workflow.name,
    kind: workflow.kind,
    schedule_id: workflow.scheduleId,
    state,
    progress: total === 0 ? 100 : Math.floor((final / total) * 100),
    counts: { total, ...counts },
    run: workflow.run,
    cancel_reason: workflow.cancelReason,
    is_cancellable: allows("cancel", state),
    is_retryable: allows("retry", state),
    allowed_actions: allowedActions(viewer, workflow),
    timeout_seconds: workflow.timeoutSeconds,
    deadline_at: workflow.deadlineAt.toISOString(),
    created_at: workflow.createdAt.toISOString(),
    updated_at: workflow.updatedAt.toISOString(),
    ended_at: workflow.endedAt?.toISOString() ?? null,
  };
}

export function viewWorkflowDetail(
  workflow: WorkflowDetail,
  edges: readonly Edge[],
  viewer: Viewer,
): Static<typeof WorkflowDetailView> {
  const { steps } = workflow;
  const causeOf = ({ cause }: ListedStep) => (cause === null ? null : (steps[cause]?.name ?? null));
  return {
    ...viewWorkflow(workflow, viewer),
    steps: steps.map((step) => viewStep(step, causeOf(step))),
    edges: [...edges],
  };
}

/** Small also for a thousand steps: a client that needs more asks for the workflow. */
export function viewForEvents(
  workflow: WorkflowDetail,
  viewer: Viewer,
): WorkflowView & { steps: Record<string, ShownState> } {
  return {
    ...viewWorkflow(workflow, viewer),
    steps: Object.fromEntries(workflow.steps.map((step) => [step.name, shownState(step)])),
  };
}
