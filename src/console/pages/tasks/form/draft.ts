/** A task in a form, before it is sent. */
import { taskFormWords as words } from "../../../words/task-form.ts";
import { asRecord, type Field, fieldsOf } from "./fields.ts";
import { NotJson, type Problems, parseJson, problemsOf } from "./problems.ts";

export interface TaskDraft {
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly fileId: string | null;
  /** Of a task that was created with a path. */
  readonly filePath: string | null;
  readonly title: string;
  readonly description: string;
  readonly priority: number | null;
  readonly maxRetries: number | null;
  readonly tags: readonly string[];
  /** JSON, as the user typed it. */
  readonly metadata: string;
}

export const EMPTY_TASK: TaskDraft = {
  type: "",
  params: {},
  fileId: null,
  filePath: null,
  title: "",
  description: "",
  priority: null,
  maxRetries: null,
  tags: [],
  metadata: "",
};

/** The part of a task type that a form needs. */
export interface FormType {
  readonly file: "required" | "optional" | "none";
  readonly params: unknown;
}

/** From the task of an earlier request: a task of the API, or the `task` of a schedule. */
export function draftOf(task: Readonly<Record<string, unknown>>): TaskDraft {
  const file = asRecord(task.file);
  const fileId = textOf(task.file_id) ?? textOf(file.id) ?? null;
  const metadata = asRecord(task.metadata);
  return {
    type: textOf(task.type) ?? "",
    params: asRecord(task.params),
    fileId,
    filePath: fileId ? null : (textOf(task.file_path) ?? textOf(file.path) ?? null),
    title: textOf(task.title) ?? "",
    description: textOf(task.description) ?? "",
    priority: typeof task.priority === "number" ? task.priority : null,
    maxRetries: typeof task.max_retries === "number" ? task.max_retries : null,
    tags: Array.isArray(task.tags) ? task.tags.map(String) : [],
    metadata: Object.keys(metadata).length > 0 ? JSON.stringify(metadata, null, 2) : "",
  };
}

/** The body of the request that creates the task. Fields that nobody filled in are left out. */
export function bodyOf(draft: TaskDraft, { file }: Pick<FormType, "file">): Record<string, unknown> {
  const { type, params, fileId, filePath, title, description, priority, maxRetries, tags } = draft;
  const metadata = parseJson(draft.metadata);
  return {
    type,
    ...(Object.keys(params).length > 0 ? { params } : {}),
    ...(file !== "none" && fileId ? { file_id: fileId } : {}),
    ...(file !== "none" && !fileId && filePath ? { file_path: filePath } : {}),
    ...(title ? { title } : {}),
    ...(description ? { description } : {}),
    ...(priority === null ? {} : { priority }),
    ...(maxRetries === null ? {} : { max_retries: maxRetries }),
    ...(tags.length > 0 ? { tags } : {}),
    ...(metadata === undefined || metadata instanceof NotJson ? {} : { metadata }),
  };
}

/** The problems that the form finds, under the names of the API. */
export function problemsOfDraft(draft: TaskDraft, type: FormType | undefined): Problems {
  if (!type) return { type: words.required };
  const hasFile = draft.fileId !== null || draft.filePath !== null;
  return {
    ...problemsOf(fieldsOf(type.params), draft.params),
    ...(type.file === "required" && !hasFile ? { file_id: words.required } : {}),
    ...(parseJson(draft.metadata) instanceof NotJson ? { metadata: words.notJson } : {}),
  };
}

/** Parameters that stay when the type changes: those that the new type has too. */
export function keepParams(params: TaskDraft["params"], fields: readonly Field[]): TaskDraft["params"] {
  const names = new Set(fields.map(({ name }) => name));
  return Object.fromEntries(Object.entries(params).filter(([name]) => names.has(name)));
}

/** @returns `values` with one value changed, or without it */
export function withValue(
  values: Readonly<Record<string, unknown>>,
  name: string,
  value: unknown,
): Record<string, unknown> {
  const { [name]: _old, ...rest } = values;
  return value === undefined ? rest : { ...rest, [name]: value };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
