/** What a client sends to have tasks made. */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { type DomainError, invalidField } from "../../errors.ts";
import { parseBody } from "../../platform/http/body.ts";
import { joinPath } from "../../platform/http/schema-errors.ts";
import { Uuid } from "../../platform/http/schemas.ts";
import { DEFAULT_PRIORITY } from "../../schema/tasks.ts";
import type { TaskRequest } from "./create-tasks.ts";

export const MAX_BULK = 10_000;
/** So much for each of MAX_BULK tasks: 1.6 KiB. */
export const BULK_MAX_BYTES = 16 * 2 ** 20;
const MAX_METADATA_BYTES = 16_384;

/** What a task of any type may have beside `type`, `params` and a file. */
export const SHARED_FIELDS = {
  title: Type.Optional(Type.String({ maxLength: 200, examples: ["Pictures of May"] })),
  description: Type.Optional(Type.String({ maxLength: 10_000, examples: ["For the web page."] })),
  priority: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 9,
      default: DEFAULT_PRIORITY,
      description: "Higher ones are taken first.",
    }),
  ),
  max_retries: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 20,
      description: "How often it is tried again after a failure that may pass. Absent: TASK_MAX_RETRIES.",
      examples: [3],
    }),
  ),
  tags: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 50 }), { maxItems: 20, examples: [["may"]] }),
  ),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: `Yours: kept and shown, up to ${MAX_METADATA_BYTES} bytes of JSON.`,
      examples: [{ order: 4711 }],
    }),
  ),
};

export const FILE_FIELDS = {
  file_id: Type.Optional({ ...Uuid, description: "A file of yours; or name it by `file_path`." }),
  file_path: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1024, description: "A file of yours, by its path." }),
  ),
};

/** Of any type; its params are checked by the type. */
const TaskBody = Type.Object(
  {
    type: Type.String(),
    params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    ...FILE_FIELDS,
    ...SHARED_FIELDS,
  },
  { additionalProperties: false },
);
type TaskBody = Static<typeof TaskBody>;

export const Order = Type.Enum(["parallel", "sequential"], {
  default: "parallel",
  description:
    "sequential: each waits for the one before to complete; where that fails or is cancelled, so are all behind it.",
});

const BulkBody = Type.Object(
  { tasks: Type.Array(TaskBody, { minItems: 1, maxItems: MAX_BULK }), order: Type.Optional(Order) },
  { additionalProperties: false },
);

const taskCheck = Compile(TaskBody);
const bulkCheck = Compile(BulkBody);

/** @throws DomainError `invalid_input` that names the fields */
export function readTask(body: unknown): TaskRequest {
  return requestOf(parseBody(taskCheck, body));
}

/** @throws DomainError `invalid_input` that names the fields, such as `tasks.17.title` */
export function readTasks(body: unknown): { requests: TaskRequest[]; order: Static<typeof Order> } {
  const { tasks, order = "parallel" } = parseBody(bulkCheck, body);
  return { requests: tasks.map((task, index) => requestOf(task, `tasks.${index}`)), order };
}

function requestOf(body: TaskBody, path = ""): TaskRequest {
  const { file_id: fileId, file_path: filePath, max_retries: maxRetries, ...rest } = body;
  const invalid = (name: string, message: string): DomainError => invalidField(joinPath(path, name), message);
  if (fileId !== undefined && filePath !== undefined) {
    throw invalid("file_path", "can't be combined with file_id; send one of them.");
  }
  const metadataBytes = Buffer.byteLength(JSON.stringify(rest.metadata ?? {}));
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw invalid("metadata", `has ${metadataBytes} bytes of JSON; up to ${MAX_METADATA_BYTES} are kept.`);
  }
  return {
    ...rest,
    ...(fileId === undefined ? {} : { fileId }),
    ...(filePath === undefined ? {} : { filePath }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
  };
}
