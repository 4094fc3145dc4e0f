/** What the API tells of task types, and how it documents what each takes: all of it follows from the registry. */
import Type, { type Static, type TObject, type TSchema } from "typebox";
import { QUEUES } from "../../jobs.ts";
import { FILE_FIELDS, MAX_BULK, Order, SHARED_FIELDS } from "../create/task-body.ts";
import { taskTypes } from "./registry.ts";
import type { TaskType } from "./task-type.ts";

export const TaskTypeView = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    queue: Type.Enum([...QUEUES], { description: "Which workers take it (WORKER_QUEUES)." }),
    file: Type.Enum(["required", "optional", "none"], {
      description: "Whether it works on a file (`file_id` or `file_path`).",
    }),
    limits: Type.Object({
      timeout_seconds: Type.Number({ description: "An attempt that takes longer has failed." }),
      max_file_bytes: Type.Union([Type.Integer(), Type.Null()], {
        description: "A larger file is refused; null: no limit but that of uploads.",
      }),
    }),
    params: Type.Record(Type.String(), Type.Unknown(), { description: "JSON Schema of `params`." }),
    example: Type.Record(Type.String(), Type.Unknown(), { description: "A body for POST /api/v1/tasks." }),
  },
  { $id: "TaskType" },
);

export function viewTaskType(type: TaskType): Static<typeof TaskTypeView> {
  const { name, description, queue, file, limits, params } = type;
  return {
    name,
    description,
    queue,
    file,
    limits: { timeout_seconds: limits.timeoutSeconds, max_file_bytes: limits.maxFileBytes ?? null },
    params: documented(params),
    example: exampleOf(type),
  };
}

/** A body that makes such a task, of the examples that its parameters have. */
export function exampleOf({ name, file, params }: TaskType): Record<string, unknown> {
  const examples = Object.entries(params.properties as Record<string, { examples?: unknown }>).flatMap(
    ([param, { examples }]) => (Array.isArray(examples) ? [[param, examples[0]] as const] : []),
  );
  return {
    type: name,
    params: Object.fromEntries(examples),
    ...(file === "required" ? { file_path: "uploads/example" } : {}),
  };
}

/** A component for each type: what POST /api/v1/tasks takes for it. */
const variants = taskTypes.map((type) =>
  Type.Object(
    {
      type: Type.Literal(type.name),
      params: Type.Optional(Type.Unsafe<object>(documented(type.params))),
      ...(type.file === "none" ? {} : FILE_FIELDS),
      ...SHARED_FIELDS,
    },
    {
      $id: componentOf(type),
      additionalProperties: false,
      description: describe(type),
      examples: [exampleOf(type)],
    },
  ),
);

/** The components that bodies of POST /api/v1/tasks are documented with. */
export const newTaskSchemas: readonly TSchema[] = [
  ...variants,
  Type.Unsafe({
    $id: "NewTask",
    oneOf: taskTypes.map((type) => Type.Ref(componentOf(type))),
    discriminator: {
      propertyName: "type",
      mapping: Object.fromEntries(
        taskTypes.map((type) => [type.name, `#/components/schemas/${componentOf(type)}`]),
      ),
    },
  }),
];

/** For `documentedBody`. */
export const NewTaskBody = { "application/json": Type.Ref("NewTask") };
export const NewTasksBody = {
  "application/json": Type.Object(
    {
      tasks: Type.Array(Type.Ref("NewTask"), { minItems: 1, maxItems: MAX_BULK }),
      order: Type.Optional(Order),
    },
    { additionalProperties: false },
  ),
};

/** `batch_import` -> `NewBatchImportTask` */
function componentOf({ name }: TaskType): string {
  const words = name.split(/[^A-Za-z0-9]+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `New${words.join("")}Task`;
}

function describe({ description, queue, file, limits }: TaskType): string {
  const files = {
    required: " A file is required.",
    optional: " A file may be given.",
    none: " It takes no file.",
  }[file];
  const size =
    limits.maxFileBytes === undefined ? "" : ` Files of up to ${limits.maxFileBytes} bytes are taken.`;
  return `${description}${files}${size} Runs in the queue \`${queue}\`, for up to ${limits.timeoutSeconds} s an attempt.`;
}

/** As a client sees it: what has a default may be left out. */
function documented(params: TObject): Record<string, unknown> {
  return withoutDefaultsRequired(JSON.parse(JSON.stringify(params)));
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
}

function withoutDefaultsRequired(schema: JsonSchema): Record<string, unknown> {
  const { properties = {}, required = [] } = schema;
  const inner = Object.entries(properties).map(([name, one]) => [name, withoutDefaultsRequired(one)]);
  return {
    ...schema,
    ...(inner.length > 0 ? { properties: Object.fromEntries(inner) } : {}),
    ...(required.length > 0
      ? { required: required.filter((name) => properties[name]?.default === undefined) }
      : {}),
  };
}
