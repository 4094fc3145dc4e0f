/** The steps of workflows. */
import Type, { type Static } from "typebox";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { taskStatus } from "../schema/tasks.ts";
import { onFailure, stepState, stepWhen } from "../schema/workflows.ts";
import { MAX_RESULT_BYTES } from "./limits.ts";
import type { ListedStep, listAttempts, Step } from "./queries.ts";

const ShownState = Type.Enum([...stepState.enumValues, "running"], {
  description:
    "waiting: for other steps. queued: its task waits for a worker or its next attempt. running: a worker runs its task. " +
    "completed, failed. skipped: it does not run; `cause` says why. cancelled: with the workflow.",
});

export const stepFields = {
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
    `The size of the result. More than ${MAX_RESULT_BYTES}: it is not passed on to other steps; the task has it.`,
  ),
  error_code: nullable(Type.String(), "Why the step failed, for programs."),
  error_message: nullable(
    Type.String(),
    "Why the step failed, for people. Lists have its first 300 characters.",
  ),
  cause: nullable(Type.String(), "The step whose failure is the reason for skipping this one."),
  ended_at: NullableMoment("When the step became final."),
};

export const EXAMPLE_STEP = {
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

export const WorkflowStepView = Type.Object(
  {
    ...stepFields,
    params: Type.Unknown({
      description: "The parameters of the request, with their templates. The task has the values.",
    }),
    result: nullable(
      MapOf(Type.Unknown()),
      `The result. null: the step has not completed, or its result has more than ${MAX_RESULT_BYTES} bytes.`,
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
        ...EXAMPLE_STEP,
        params: {},
        result: { message: "Report of 2026-11-25: 145 requests.", total_requests: 145 },
        attempts: [
          {
            task_id: EXAMPLE_STEP.task_id,
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

export type WorkflowStepView = Static<typeof WorkflowStepView>;
export type ShownState = Static<typeof ShownState>;

export function shownState({ state, taskStatus }: Pick<ListedStep, "state" | "taskStatus">): ShownState {
  return state === "queued" && taskStatus === "processing" ? "running" : state;
}

type OneStep = Omit<ListedStep, "cause">;

export function viewStep(step: OneStep, cause: string | null) {
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

type Attempt = Awaited<ReturnType<typeof listAttempts>>[number];

export function viewWorkflowStep(
  step: Step,
  attempts: readonly Attempt[],
  cause: string | null,
): WorkflowStepView {
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
