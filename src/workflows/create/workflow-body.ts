/** The body of a request that creates a workflow. */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { MapOf } from "../../platform/http/schemas.ts";
import { onFailure, stepWhen } from "../../schema/workflows.ts";
import { SHARED_FIELDS } from "../../tasks/create/task-body.ts";
import { DEFAULT_TIMEOUT_SECONDS, MAX_DEPTH, MAX_STEPS, MAX_TIMEOUT_SECONDS } from "../limits.ts";

const NAME = "Unique within the workflow: letters, digits, `_` and `-`. Templates name the step by it.";
const StepName = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: "^[A-Za-z0-9_-]+$",
  description: NAME,
  examples: ["report"],
});

const COMMON = {
  type: Type.String({ maxLength: 100, description: "The task type.", examples: ["generate_daily_report"] }),
  params: Type.Optional(
    MapOf(Type.Unknown(), {
      description:
        "The parameters of the task type. Texts can contain templates such as `{{steps.report.result.total_requests}}`.",
      examples: [{ subject: "Report of {{steps.report.result.date}}" }],
    }),
  ),
  file_id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description: "The id of one of your files, or a template. Alternatively, send `file_path`.",
      examples: ["{{steps.resize.result.files.0.id}}"],
    }),
  ),
  file_path: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "The path of one of your files or of a file below FILES_ROOT, or a template.",
      examples: ["/path/to/image.jpg"],
    }),
  ),
  ...SHARED_FIELDS,
  on_failure: Type.Optional(
    Type.Enum(onFailure.enumValues, {
      default: "fail",
      description:
        "If the step fails. fail: steps that depend on it are skipped, and the workflow fails. continue: the workflow fails " +
        "as well, but steps that depend on it run, with `result` null. ignore: the failure counts as a success.",
    }),
  ),
  when: Type.Optional(
    Type.Enum(stepWhen.enumValues, {
      default: "success",
      description:
        "When the step runs, once all its dependencies are final. success: none of them failed or was skipped. always: in " +
        "any case. failure: at least one of them failed, or was skipped because of a failure.",
    }),
  ),
};

const OPTIONAL_NAME = Type.Optional({
  ...StepName,
  description: `${NAME} Absent: the task type, with a number if another step has that name.`,
});

const Step = Type.Object(
  { name: OPTIONAL_NAME, ...COMMON },
  {
    additionalProperties: false,
    description: "A step.",
    examples: [{ type: "generate_daily_report" }],
  },
);

const NamedStep = Type.Object(
  {
    name: StepName,
    ...COMMON,
    depends_on: Type.Optional(
      Type.Array(StepName, {
        maxItems: MAX_STEPS,
        description: "The names of the steps that must be final first. Absent: the step starts at once.",
        examples: [["report"]],
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "A step with its dependencies.",
    examples: [{ name: "report", type: "generate_daily_report" }],
  },
);

const SIMPLE_STEP = { type: "generic", params: { seconds: 1 } };

const listOf = (description: string) =>
  Type.Optional(
    Type.Array(Step, { maxItems: MAX_STEPS, description, examples: [[SIMPLE_STEP, SIMPLE_STEP]] }),
  );

export const WorkflowBody = Type.Object(
  {
    name: Type.Optional(
      Type.String({ maxLength: 200, description: "A name for people.", examples: ["Daily report"] }),
    ),
    timeout_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_TIMEOUT_SECONDS,
        default: DEFAULT_TIMEOUT_SECONDS,
        description: "The workflow is cancelled if it still runs after this time.",
        examples: [3600],
      }),
    ),
    chain: listOf(
      `Steps that run one after the other, at most ${MAX_DEPTH}. \`{{previous.result}}\` is the result of the step before.`,
    ),
    group: listOf("Steps that run at the same time."),
    chord: Type.Optional(
      Type.Object(
        {
          group: Type.Array(Step, { maxItems: MAX_STEPS, description: "Steps that run at the same time." }),
          callback: Step,
        },
        {
          additionalProperties: false,
          description:
            "A group, and a callback that runs when all steps of the group are final. `{{results}}` is the list of their results.",
          examples: [{ group: [SIMPLE_STEP, SIMPLE_STEP], callback: SIMPLE_STEP }],
        },
      ),
    ),
    steps: Type.Optional(
      Type.Array(NamedStep, {
        maxItems: MAX_STEPS,
        description: "Steps in any order, each with its dependencies.",
        examples: [
          [
            { ...SIMPLE_STEP, name: "first" },
            { ...SIMPLE_STEP, name: "second", depends_on: ["first"] },
          ],
        ],
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "Exactly one of `chain`, `group`, `chord` and `steps`.",
    examples: [
      {
        name: "Daily report",
        chain: [
          { name: "report", type: "generic", params: { seconds: 1 } },
          { type: "generic", params: { seconds: "{{steps.report.result.seconds}}" } },
        ],
      },
    ],
  },
);
export type WorkflowBody = Static<typeof WorkflowBody>;
export type StepBody = Static<typeof Step>;

export const workflowCheck = Compile(WorkflowBody);
