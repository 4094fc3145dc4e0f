import Type, { type Static, type TInteger } from "typebox";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { taskStatus } from "../schema/tasks.ts";
import {
  onFailure,
  type StepState,
  stepState,
  stepWhen,
  workflowKind,
  workflowState,
} from "../schema/workflows.ts";
import { isFinal } from "./advance/resolve.ts";
import type { Edge, ListedStep, listAttempts, Step, Workflow, WorkflowDetail } from "./queries.ts";

const EXAMPLE = {
  id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55",
  number: 12,
  user_id: 1,
  name: "Daily report",
  kind: "chain",
  state: "running",
  progress: 50,
  counts: { total: 2, waiting: 0, queued: 1, completed: 1, failed: 0, skipped: 0, cancelled: 0 },
  run: 1,
  cancel_reason: null,
  is_cancellable: true,
  is_retryable: false,
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

const ShownState = Type.Enum([...stepState.enumValues, "running"], {
  description:
    "waiting: for other steps. queued: its task waits for a worker or its next attempt. running: a worker runs its task. " +
    "completed, failed. skipped: it does not run; `cause` says why. cancelled: with the workflow.",
});

const stepFields = {
  name: Type.String({ description: "The name of the step." }),
  type: Type.String({ description: "The task type." }),
  when: Type.Enum(stepWhen.enumValues, { description: "When the step runs." }),
  on_failure: Type.Enum(onFailure.enumValues, {
    description: "What a failure means for the steps that depend on it.",
  }),
  state: ShownState,
  task_id: nullable(Type.String({ format: "uuid" }), "The latest task of the step."),
  attempt: Type.Integer({
    description: "The number of tasks that the step has had: each retry of the workflow makes one.",
  }),
  result_bytes: nullable(
    Type.Integer(),
    "The size of the result. More than 65536: it is not passed on to other steps; the task has it.",
  ),
  error_code: nullable(Type.String(), "Why the step failed, for programs."),
  error_message: nullable(
    Type.String(),
    "Why the step failed, for people. Lists have its first 300 characters.",
  ),
  cause: nullable(Type.String(), "The step whose failure is the reason for skipping this one."),
  ended_at: NullableMoment("When the step became final."),
};

const STEP = {
  name: "report",
  type: "generate_daily_report",
  when: "success",
  on_failure: "fail",
  state: "completed",
  task_id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e56",
  attempt: 1,
  result_bytes: 412,
  error_code: null,
  error_message: null,
  cause: null,
  ended_at: "2026-11-26T08:30:04.000Z",
};

const NOTIFY = { ...STEP, name: "notify", type: "send_admin_notification", state: "running" };

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
    examples: [{ ...EXAMPLE, steps: [STEP, NOTIFY], edges: [{ from: "report", to: "notify" }] }],
  },
);

export const WorkflowStepView = Type.Object(
  {
    ...stepFields,
    params: Type.Unknown({
      description: "The parameters of the request, with their templates. The task has the values.",
    }),
    result: nullable(
      MapOf(Type.Unknown()),
      "The result. null: the step has not completed, or its result has more than 65536 bytes.",
    ),
    attempts: Type.Array(
      Type.Object({
        task_id: { ...Uuid, description: "The task." },
        status: Type.Enum(taskStatus.enumValues, { description: "The status of the task." }),
        error_code: nullable(Type.String(), "Why it failed, for programs."),
        error_message: nullable(Type.String(), "Why it failed, for people."),
        created_at: Moment("When the step started."),
        started_at: NullableMoment("When a worker started the task last."),
        ended_at: NullableMoment("When the task ended."),
      }),
      { description: "The tasks of the step, newest first, at most 100. Deleted tasks are not listed." },
    ),
  },
  {
    $id: "WorkflowStep",
    description: "A step with its result and its attempts.",
    examples: [
      {
        ...STEP,
        params: {},
        result: { message: "Report of 2026-11-25: 145 requests.", total_requests: 145 },
        attempts: [
          {
            task_id: STEP.task_id,
            status: "completed",
            error_code: null,
            error_message: null,
            created_at: "2026-11-26T08:30:00.000Z",
            started_at: "2026-11-26T08:30:01.000Z",
            ended_at: "2026-11-26T08:30:04.000Z",
          },
        ],
      },
    ],
  },
);

export function viewWorkflow(workflow: Workflow): WorkflowView {
  const { counts, state } = workflow;
  const all = Object.entries(counts).map(([name, steps]) => ({
    steps,
    isFinal: isFinal({ state: name as StepState }),
  }));
  const total = all.reduce((sum, { steps }) => sum + steps, 0);
  const final = all.reduce((sum, { steps, isFinal }) => sum + (isFinal ? steps : 0), 0);
  return {
    id: workflow.id,
    number: workflow.number,
    user_id: workflow.userId,
    name: workflow.name,
    kind: workflow.kind,
    state,
    progress: total === 0 ? 100 : Math.floor((final / total) * 100),
    counts: { total, ...counts },
    run: workflow.run,
    cancel_reason: workflow.cancelReason,
    is_cancellable: state === "running",
    is_retryable: state === "failed" || state === "cancelled",
    timeout_seconds: workflow.timeoutSeconds,
    deadline_at: workflow.deadlineAt.toISOString(),
    created_at: workflow.createdAt.toISOString(),
    updated_at: workflow.updatedAt.toISOString(),
    ended_at: workflow.endedAt?.toISOString() ?? null,
  };
}

type ShownState = Static<typeof ShownState>;

function shownState({ state, taskStatus }: Pick<ListedStep, "state" | "taskStatus">): ShownState {
  return state === "queued" && taskStatus === "processing" ? "running" : state;
}

type OneStep = Omit<ListedStep, "cause">;

function viewStep(step: OneStep, cause: string | null) {
  return {
    name: step.name,
    type: step.type,
    when: step.when,
    on_failure: step.onFailure,
    state: shownState(step),
    task_id: step.taskId,
    attempt: step.attempt,
    result_bytes: step.resultBytes,
    error_code: step.errorCode,
    error_message: step.errorMessage,
    cause,
    ended_at: step.endedAt?.toISOString() ?? null,
  };
}

export function viewWorkflowDetail(
  workflow: WorkflowDetail,
  edges: readonly Edge[],
): Static<typeof WorkflowDetailView> {
  const { steps } = workflow;
  const causeOf = ({ cause }: ListedStep) => (cause === null ? null : (steps[cause]?.name ?? null));
  return {
    ...viewWorkflow(workflow),
    steps: steps.map((step) => viewStep(step, causeOf(step))),
    edges: [...edges],
  };
}

type Attempt = Awaited<ReturnType<typeof listAttempts>>[number];

export function viewWorkflowStep(
  step: Step,
  attempts: readonly Attempt[],
  cause: string | null,
): Static<typeof WorkflowStepView> {
  const current = attempts.find(({ id }) => id === step.taskId);
  return {
    ...viewStep({ ...step, taskStatus: current?.status ?? null }, cause),
    params: step.task.params ?? {},
    result: step.result,
    attempts: attempts.map(({ id, status, errorCode, errorMessage, createdAt, startedAt, ...ended }) => ({
      task_id: id,
      status,
      error_code: errorCode,
      error_message: errorMessage,
      created_at: createdAt.toISOString(),
      started_at: startedAt?.toISOString() ?? null,
      ended_at: (ended.completedAt ?? ended.cancelledAt)?.toISOString() ?? null,
    })),
  };
}

/** Small also for a thousand steps: a client that needs more asks for the workflow. */
export function viewForEvents(
  workflow: WorkflowDetail,
): WorkflowView & { steps: Record<string, ShownState> } {
  return {
    ...viewWorkflow(workflow),
    steps: Object.fromEntries(workflow.steps.map((step) => [step.name, shownState(step)])),
  };
}
