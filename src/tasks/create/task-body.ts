/** The bodies of requests that create tasks. */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { type DomainError, invalidField } from "../../errors.ts";
import { DAY_MS } from "../../platform/durations.ts";
import { parseBody } from "../../platform/http/body.ts";
import { joinPath } from "../../platform/http/schema-errors.ts";
import { MapOf, Uuid } from "../../platform/http/schemas.ts";
import { requireShallow } from "../../platform/postgres/storable.ts";
import { DEFAULT_PRIORITY } from "../../schema/tasks.ts";
import type { TaskRequest } from "./create-tasks.ts";

export const MAX_BULK = 10_000;
/** 1.6 KiB for each of MAX_BULK tasks. */
export const BULK_MAX_BYTES = 4 * 2 ** 20;
const MAX_METADATA_BYTES = 16_384;

/** The fields of every type besides `type`, `params` and the file. */
export const SHARED_FIELDS = {
  title: Type.Optional(
    Type.String({ maxLength: 200, description: "A title for people.", examples: ["Pictures of May"] }),
  ),
  description: Type.Optional(
    Type.String({
      maxLength: 10_000,
      description: "A longer text for people.",
      examples: ["For the web page."],
    }),
  ),
  priority: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 9,
      default: DEFAULT_PRIORITY,
      description: "Tasks with a higher priority are taken first.",
    }),
  ),
  max_retries: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 20,
      description: "How often the task is retried after a temporary failure. Absent: TASK_MAX_RETRIES.",
      examples: [3],
    }),
  ),
  tags: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 50 }), {
      maxItems: 20,
      description: "Words to find the task by.",
      examples: [["may"]],
    }),
  ),
  metadata: Type.Optional(
    MapOf(Type.Unknown(), {
      description: `Any data of yours, up to ${MAX_METADATA_BYTES} bytes of JSON. It is stored and shown unchanged.`,
      examples: [{ order: 4711 }],
    }),
  ),
};

/** For tasks that a request creates; not for steps of workflows and tasks of schedules. */
export const START_AFTER = {
  start_after: Type.Optional(
    Type.String({
      format: "date-time",
      description:
        "The task does not start before this time, at most 30 days from now. Tasks of schedules have none.",
      examples: ["2026-12-24T18:00:00Z"],
    }),
  ),
};

export const FILE_FIELDS = {
  file_id: Type.Optional({
    ...Uuid,
    description: "The id of one of your files. Alternatively, send `file_path`.",
  }),
  file_path: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "The path of one of your files, or of a file below FILES_ROOT.",
      examples: ["/path/to/image.jpg"],
    }),
  ),
};

/** A task of any type. `checkParams` validates `params` against the type. */
export const TaskBody = Type.Object(
  {
    type: Type.String(),
    params: Type.Optional(MapOf(Type.Unknown())),
    ...FILE_FIELDS,
    ...SHARED_FIELDS,
  },
  { additionalProperties: false },
);
export type TaskBody = Static<typeof TaskBody>;

export const Order = Type.Enum(["parallel", "sequential"], {
  default: "parallel",
  description:
    "parallel: the tasks do not wait for each other. sequential: each task waits until the previous one has completed; if " +
    "one fails or is cancelled, all tasks after it are cancelled.",
});

const NewTask = Type.Object({ ...TaskBody.properties, ...START_AFTER }, { additionalProperties: false });

const BulkBody = Type.Object(
  { tasks: Type.Array(NewTask, { minItems: 1, maxItems: MAX_BULK }), order: Type.Optional(Order) },
  { additionalProperties: false },
);

const taskCheck = Compile(NewTask);
const bulkCheck = Compile(BulkBody);

/** @throws DomainError `invalid_input` that names the fields */
export function readTask(body: unknown): TaskRequest {
  return taskRequestOf(parseBody(taskCheck, body));
}

/** @throws DomainError `invalid_input` that names the fields, such as `tasks.17.title` */
export function readTasks(body: unknown): { requests: TaskRequest[]; order: Static<typeof Order> } {
  const { tasks, order = "parallel" } = parseBody(bulkCheck, body);
  const late = tasks.findIndex(({ start_after }, index) => index > 0 && start_after !== undefined);
  if (order === "sequential" && late !== -1) {
    throw invalidField(
      `tasks.${late}.start_after`,
      "must be absent: in a sequential group, only the first task can have it.",
    );
  }
  return { requests: tasks.map((task, index) => taskRequestOf(task, `tasks.${index}`)), order };
}

/**
 * @param path the path of the task in the request, for errors, such as `tasks.3`
 * @throws DomainError `invalid_input` that names the field
 */
export function taskRequestOf(body: TaskBody & { start_after?: string }, path = ""): TaskRequest {
  const { file_id: fileId, file_path: filePath, max_retries: maxRetries, start_after, ...rest } = body;
  const invalid = (name: string, message: string): DomainError => invalidField(joinPath(path, name), message);
  if (fileId !== undefined && filePath !== undefined) {
    throw invalid("file_path", "cannot be combined with `file_id`. Send one of them.");
  }
  if (rest.metadata) requireSmallMetadata(rest.metadata, joinPath(path, "metadata"));
  return {
    ...rest,
    ...(fileId === undefined ? {} : { fileId }),
    ...(filePath === undefined ? {} : { filePath }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(start_after === undefined ? {} : { startAfter: startOf(start_after, joinPath(path, "start_after")) }),
  };
}

const MAX_DELAY_DAYS = 30;

/** A time in the past means now. */
function startOf(text: string, field: string): Date {
  const start = new Date(text);
  if (start.getTime() <= Date.now() + MAX_DELAY_DAYS * DAY_MS) return start;
  throw invalidField(field, `must be at most ${MAX_DELAY_DAYS} days from now.`);
}

/** @throws DomainError `invalid_input` */
export function requireSmallMetadata(metadata: TaskRequest["metadata"], field: string): void {
  requireShallow(metadata, field);
  const bytes = Buffer.byteLength(JSON.stringify(metadata ?? {}));
  if (bytes <= MAX_METADATA_BYTES) return;
  throw invalidField(field, `has ${bytes} bytes of JSON. The limit is ${MAX_METADATA_BYTES}.`);
}
