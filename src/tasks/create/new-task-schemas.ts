/** How the API documents what each task type takes: all of it follows from the registry. */
import Type, { type TSchema } from "typebox";
import { taskTypes } from "../types/registry.ts";
import type { TaskType } from "../types/task-type.ts";
import { documented, exampleOf } from "../types/views.ts";
import { FILE_FIELDS, MAX_BULK, Order, SHARED_FIELDS } from "./task-body.ts";

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
