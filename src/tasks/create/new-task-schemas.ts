/** Documents the bodies of new tasks. Everything is generated from the registry of task types. */
import Type, { type TSchema } from "typebox";
import { taskTypes } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";
import { documented, exampleOf } from "../types/views.ts";
import { FILE_FIELDS, MAX_BULK, Order, SHARED_FIELDS, START_AFTER } from "./task-body.ts";

/** One component per task type. */
const variants = taskTypes.map((type) =>
  Type.Object(
    {
      type: Type.Literal(type.name, { description: "The task type." }),
      params: Type.Optional(Type.Unsafe<object>(documented(type.params))),
      ...(type.file === "none" ? {} : FILE_FIELDS),
      ...SHARED_FIELDS,
      ...START_AFTER,
    },
    {
      $id: componentOf(type),
      additionalProperties: false,
      description: describe(type),
      examples: [exampleOf(type)],
    },
  ),
);

const NEW_TASK = { type: "generic", title: "A first task", params: { seconds: 2 }, tags: ["trial"] };

export const newTaskSchemas: readonly TSchema[] = [
  ...variants,
  Type.Unsafe({
    $id: "NewTask",
    description: "A task of any type.",
    examples: [NEW_TASK],
    oneOf: taskTypes.map((type) => Type.Ref(componentOf(type))),
    discriminator: {
      propertyName: "type",
      mapping: Object.fromEntries(
        taskTypes.map((type) => [type.name, `#/components/schemas/${componentOf(type)}`]),
      ),
    },
  }),
];

export const NewTaskBody = { "application/json": Type.Ref("NewTask") };

export const NewTasksBody = {
  "application/json": Type.Object(
    {
      tasks: Type.Array(Type.Ref("NewTask"), {
        minItems: 1,
        maxItems: MAX_BULK,
        description: "The tasks to create.",
        examples: [[NEW_TASK, { ...NEW_TASK, title: "The next one" }]],
      }),
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
    required: " The task needs a file.",
    optional: " The task can have a file.",
    none: " The task has no file.",
  }[file];
  const size =
    limits.maxFileBytes === undefined ? "" : ` The file can have up to ${limits.maxFileBytes} bytes.`;
  return `${description}${files}${size} It runs in the queue \`${queue}\`, for up to ${limits.timeoutSeconds} seconds per attempt.`;
}
