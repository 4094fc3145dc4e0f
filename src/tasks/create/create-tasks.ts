import { requireRoom } from "../../accounts/quotas.ts";
import { requireEnabledOwner } from "../../accounts/require-enabled-owner.ts";
import { recordOwn } from "../../audit/record-repeated.ts";
import type { Config } from "../../config/config.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError, type FieldErrors, invalidField } from "../../errors.ts";
import { joinPath, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { isStorable, requireStorable } from "../../platform/postgres/storable.ts";
import { DEFAULT_PRIORITY } from "../../schema/tasks.ts";
import { getTask } from "../queries.ts";
import { taskJobId } from "../task-jobs.ts";
import type { Task } from "../transitions.ts";
import { requireTaskType } from "../types/registry.ts";
import { requireTypeRole } from "../types/require-role.ts";
import type { TaskType } from "../types/task-type.ts";
import { checkParams } from "./check-params.ts";
import { type FileReference, type FoundFile, fileFieldOf, findFiles } from "./find-files.ts";
import type { NewTask } from "./insert-tasks.ts";
import { requireUsableParams } from "./require-usable-params.ts";
import { type CreatedTask, storeTasks } from "./store-tasks.ts";

export interface TaskRequest extends FileReference {
  readonly type: string;
  /** Absent: derived from `metadata` if the type supports it, or the defaults. */
  readonly params?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly maxRetries?: number;
  /** Absent: the task can start at once. */
  readonly startAfter?: Date;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface Created {
  /** null: the task was created without a group. */
  readonly groupId: string | null;
  /** In the order of the requests. */
  readonly tasks: readonly CreatedTask[];
}

interface Options {
  /** Creates a group; in a sequential group, each task waits until the previous one has completed. Absent: no group. */
  readonly together?: "parallel" | "sequential";
  /** The field of the request that contains the tasks, for errors. Absent: the request is one task. */
  readonly field?: string;
  /** The schedule that creates each task. */
  readonly schedules?: readonly string[];
  /** The workflow that creates the tasks, and the position of the step of each task. */
  readonly workflow?: { readonly id: string; readonly steps: readonly number[] };
}

/**
 * Creates all tasks and their jobs, or none.
 * @throws DomainError `invalid_input` that names each wrong field; `forbidden` if a type requires another role;
 * `account_disabled`; QuotaExceeded
 */
export async function createTasks(
  ctx: Context,
  userId: number,
  requests: readonly TaskRequest[],
  options: Options = {},
): Promise<Created> {
  const checked = checkRequests(ctx.config, requests, options);
  return inTransaction(ctx, async (tx) => {
    await requireEnabledOwner(tx, userId);
    const { groupId, drafts } = await prepareTasks(tx, userId, requests, checked, options);
    const tasks = await storeTasks(tx, [userId], drafts);
    await recordRestricted(
      tx,
      userId,
      tasks.flatMap(({ id }, index) => {
        const { type } = checked[index] ?? {};
        return type?.role === "admin" ? { id, type: type.name } : [];
      }),
    );
    return { groupId, tasks };
  });
}

/**
 * Checks the tasks of schedules of one user whose account is enabled, and takes their place in the quotas. Writes nothing.
 * @throws DomainError as `createTasks`
 */
export async function prepareScheduled(
  tx: Tx,
  userId: number,
  requests: readonly TaskRequest[],
  schedules: readonly string[],
): Promise<readonly NewTask[]> {
  const checked = checkRequests(tx.config, requests);
  return [...(await prepareTasks(tx, userId, requests, checked, { schedules })).drafts];
}

type Checked = ReturnType<typeof checkRequest>;

/** @returns `drafts` makes each task when it is asked for, so that others can be stored meanwhile */
async function prepareTasks(
  tx: Tx,
  userId: number,
  requests: readonly TaskRequest[],
  checked: readonly Checked[],
  options: Options,
): Promise<{ groupId: string | null; drafts: Generator<NewTask> }> {
  const { together, field } = options;
  const types = checked.map(({ type }) => type);
  await requireTypeRole(tx, userId, types);
  await requireUsableParams(
    tx,
    userId,
    checked.flatMap(({ type, params }, index) =>
      type.requireUsable ? [{ type, params, field: joinPath(pathOf(index, field), "params") }] : [],
    ),
  );
  await requireRoom(tx, userId, { tasks: checked.length, open_tasks: checked.length });
  const files = await findFiles(tx, userId, requests, (index) => pathOf(index, field));
  for (const [index, type] of types.entries()) {
    requireFile(type, files[index] ?? null, () => fileFieldOf(requests[index], pathOf(index, field)));
  }
  const groupId = together ? uuidV7(tx.now()) : null;
  return { groupId, drafts: draftTasks(tx, { userId, groupId, requests, checked, files, options }) };
}

interface Draftable {
  readonly userId: number;
  readonly groupId: string | null;
  readonly requests: readonly TaskRequest[];
  readonly checked: readonly Checked[];
  readonly files: readonly (FoundFile | null)[];
  readonly options: Options;
}

function* draftTasks(
  { config, now }: Tx,
  { userId, groupId, requests, checked, files, options }: Draftable,
): Generator<NewTask> {
  const { together, schedules, workflow } = options;
  const isSequential = together === "sequential";
  let previousId: string | null = null;
  for (const [index, { type, ...facts }] of checked.entries()) {
    const id = uuidV7(now());
    yield {
      id,
      userId,
      type: type.name,
      queue: type.queue,
      maxRetries: config.taskMaxRetries,
      jobId: taskJobId(id, 1),
      dueAt: requests[index]?.startAfter?.toISOString() ?? null,
      ...facts,
      ...files[index],
      groupId,
      workflowId: workflow?.id ?? null,
      workflowStep: workflow?.steps[index] ?? null,
      scheduleId: schedules?.[index],
      afterId: isSequential ? previousId : null,
      hasNext: isSequential && index < checked.length - 1,
    };
    previousId = id;
  }
}

/**
 * Checks a task that is to be created later, except quotas.
 * @param path the path of the task in the request, for errors
 * @throws DomainError as `createTasks`
 */
export async function checkTask(tx: Tx, userId: number, request: TaskRequest, path: string): Promise<void> {
  const { type, params } = checkRequest(tx.config, request, path);
  await requireTypeRole(tx, userId, [type]);
  await requireUsableParams(tx, userId, [{ type, params, field: joinPath(path, "params") }]);
  const [file = null] = await findFiles(tx, userId, [request], () => path);
  requireFile(type, file, () => fileFieldOf(request, path));
}

/** Tasks of types for admins are in the audit log: they send mail to many people, or remove logs. */
async function recordRestricted(
  tx: Tx,
  userId: number,
  created: readonly { readonly id: string; readonly type: string }[],
): Promise<void> {
  const [first] = created;
  if (!first || (!tx.actor && tx.commandLine === null)) return;
  await recordOwn(tx, {
    action: "task.created",
    subject: { type: "task", id: created.length === 1 ? first.id : "*" },
    ownerId: userId,
    details: { types: [...new Set(created.map(({ type }) => type))], count: created.length },
  });
}

/** Creates one task and its job. @throws DomainError `invalid_input` that names each wrong field */
export function createTask(ctx: Context, userId: number, request: TaskRequest): Promise<Task> {
  return inTransaction(ctx, async (tx) => {
    const [created] = (await createTasks(tx, userId, [request])).tasks;
    return getTask(tx, userId, created?.id ?? "");
  });
}

/** Reported in one answer. */
const MAX_FIELD_ERRORS = 100;

/** The path of a task in the request, for errors. */
function pathOf(index: number, field: string | undefined): string {
  return field === undefined ? "" : `${field}.${index}`;
}

/** @throws DomainError `invalid_input` that names each wrong field */
function checkRequests(config: Config, requests: readonly TaskRequest[], { field }: Options = {}): Checked[] {
  const fieldErrors: FieldErrors = {};
  const checked: Checked[] = [];
  for (const [index, request] of requests.entries()) {
    try {
      checked.push(checkRequest(config, request, pathOf(index, field)));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      Object.assign(fieldErrors, error.fieldErrors);
      if (Object.keys(fieldErrors).length >= MAX_FIELD_ERRORS) break;
    }
  }
  throwFieldErrors(fieldErrors);
  return checked;
}

/** @throws DomainError `invalid_input` that names each wrong field */
export function checkRequest(config: Config, request: TaskRequest, path: string) {
  const { title = "", description = "", priority = DEFAULT_PRIORITY, tags = [], metadata = {} } = request;
  const type = requireTaskType(request.type, joinPath(path, "type"));
  const { params: requested = null, filePath = null } = request;
  const texts = { title, description, tags, metadata, params: requested, file_path: filePath };
  if (!isStorable(texts))
    for (const [name, value] of Object.entries(texts)) requireStorable(value, joinPath(path, name));
  const params = checkParams(type, requested, metadata, path);
  type.checkParams?.(config, params, joinPath(path, "params"));
  const { maxRetries } = request;
  return {
    type,
    title,
    description,
    priority,
    tags,
    metadata,
    params,
    ...(maxRetries === undefined ? {} : { maxRetries }),
  };
}

/** @throws DomainError `invalid_input` */
export function requireFile(type: TaskType, file: { fileBytes: number } | null, fieldOf: () => string): void {
  const { maxFileBytes = Number.POSITIVE_INFINITY } = type.limits;
  if (!file && type.file === "required") throw invalidField(fieldOf(), `is required for ${type.name}.`);
  if (file && type.file === "none")
    throw invalidField(fieldOf(), `must be absent: a task of type ${type.name} has no file.`);
  if (file && file.fileBytes > maxFileBytes) {
    throw invalidField(
      fieldOf(),
      `names a file of ${file.fileBytes} bytes. The limit for ${type.name} is ${maxFileBytes}.`,
    );
  }
}
