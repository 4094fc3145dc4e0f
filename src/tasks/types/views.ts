import Type, { type Static, type TObject } from "typebox";
import type { Config } from "../../config/config.ts";
import { QUEUES } from "../../jobs.ts";
import { MapOf, nullable } from "../../platform/http/schemas.ts";
import type { Limit } from "../limits/queries.ts";
import { roleOf } from "./require-role.ts";
import { resultSchema } from "./result-schema.ts";
import type { TaskType } from "./task-type.ts";

export const TaskTypeView = Type.Object(
  {
    name: Type.String({ description: "The `type` of a new task." }),
    description: Type.String({ description: "A description of the type." }),
    role: nullable(Type.Literal("admin"), "The role that may create and retry its tasks. null: everybody."),
    queue: Type.Enum([...QUEUES], { description: "The queue that its tasks run in." }),
    file: Type.Enum(["required", "optional", "none"], {
      description: "Whether a task has a file (`file_id` or `file_path`).",
    }),
    limits: Type.Object(
      {
        timeout_seconds: Type.Number({ description: "A longer attempt fails." }),
        max_file_bytes: nullable(
          Type.Integer(),
          "A larger file is refused. null: only the limit of uploads applies.",
        ),
        per_second: nullable(
          Type.Number(),
          "Tasks of this type that start per second, of all users together. null: any number.",
        ),
        concurrent: nullable(
          Type.Integer(),
          "Tasks of this type that run at a time, of all users together. null: any number.",
        ),
      },
      { description: "The limits of a task." },
    ),
    params: MapOf(Type.Unknown(), { description: "The JSON Schema of `params`." }),
    result: nullable(
      MapOf(Type.Unknown()),
      "The JSON Schema of `result` of a completed task. Workflows refuse templates with other fields. null: the type does not " +
        "declare its results.",
    ),
    example: MapOf(Type.Unknown(), { description: "A body for POST /api/v1/tasks." }),
  },
  {
    $id: "TaskType",
    description: "A kind of task.",
    examples: [
      {
        name: "generic",
        description: "Simulated work.",
        role: null,
        queue: "default",
        file: "none",
        limits: { timeout_seconds: 4000, max_file_bytes: null, per_second: null, concurrent: null },
        params: { type: "object", properties: { seconds: { type: "number", minimum: 0, maximum: 3600 } } },
        result: {
          type: "object",
          properties: { message: { type: "string" }, seconds: { type: "number" } },
        },
        example: { type: "generic", params: { seconds: 2 } },
      },
    ],
  },
);

export function viewTaskType(
  type: TaskType,
  limit: Limit | undefined,
  config: Config,
): Static<typeof TaskTypeView> {
  const { name, description, queue, file, limits, params } = type;
  const role = roleOf(type, config) === "admin" ? "admin" : null;
  return {
    name,
    description,
    role,
    queue,
    file,
    limits: {
      timeout_seconds: limits.timeoutSeconds,
      max_file_bytes: limits.maxFileBytes ?? null,
      per_second: limit?.perSecond ?? null,
      concurrent: limit?.concurrent ?? null,
    },
    params: documented(params),
    result: asJson(resultSchema(type)),
    example: exampleOf(type),
  };
}

/** A body for POST /api/v1/tasks, built from the examples of the parameters. */
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

/** The JSON Schema for clients: parameters with a default are optional. */
export function documented(params: TObject): Record<string, unknown> {
  return withoutDefaultsRequired(asJson(params));
}

/** Without what TypeBox adds. */
function asJson<T extends object | null>(schema: T): T {
  return JSON.parse(JSON.stringify(schema));
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
