/** The endpoints of the Celery file-processing service: its paths, bodies and codes over the same verbs as /api/v1. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { authenticate } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { requireStorable } from "../platform/storable.ts";
import { createTasks } from "../tasks/create-tasks.ts";
import { countByStatus } from "../tasks/queries.ts";
import { taskTypeNamed, taskTypeNames } from "../tasks/registry.ts";
import type { Task } from "../tasks/take-edge.ts";
import { getTaskDetail } from "../tasks/task-detail.ts";
import { listTaskPage } from "../tasks/task-pages.ts";
import { TaskStatusName, viewTask } from "../tasks/views.ts";
import {
  betweenDays,
  Day,
  PageNumberQuery,
  pageLinks,
  pageNumbers,
  speakAsDjango,
  takeBodiesAsDjango,
  underOldNames,
} from "./django.ts";
import { statusesNamed } from "./statuses.ts";

const MAX_FILES = 10_000;

const Uuid = Type.String({ format: "uuid" });
const Moment = Type.String({ format: "date-time" });
const NullableMoment = Type.Union([Moment, Type.Null()]);
const NullableText = Type.Union([Type.String(), Type.Null()]);
const NullableInteger = Type.Union([Type.Integer(), Type.Null()]);

const facts = {
  celery_task_id: Type.String({ format: "uuid", description: "The queue's job." }),
  status: TaskStatusName,
  progress: Type.Integer({ description: "Percent." }),
  file_name: NullableText,
  file_size: NullableInteger,
  created_at: Moment,
};

const TaskType = Type.String({ description: `One of: ${taskTypeNames.join(", ")}.`, examples: ["image"] });

const ListedTask = Type.Object({ id: Uuid, ...facts, task_type: TaskType, completed_at: NullableMoment });

const NewTask = Type.Object({ ...facts, task_type: TaskType });

export const FileTask = Type.Object({
  id: Uuid,
  ...facts,
  error_message: NullableText,
  retry_count: Type.Integer(),
  started_at: NullableMoment,
  completed_at: NullableMoment,
  is_cancellable: Type.Boolean(),
  is_retryable: Type.Boolean(),
  elapsed_time: Type.Union([Type.Number(), Type.Null()], { description: "Seconds." }),
});

const FilePath = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "The path of a file that was uploaded to /api/v1/files, or of one below FILES_ROOT.",
  examples: ["/path/to/image.jpg"],
});

export function fileTaskRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return async (app) => {
    app.addHook("onRequest", authenticate(config));
    takeBodiesAsDjango(app);
    speakAsDjango(app);
    const shared = { tags: ["seed"], security: [{ bearer: [] }, { cookie: [] }] };

    app.get(
      "/api/tasks/",
      {
        schema: {
          ...shared,
          summary: "My tasks, a page by its number",
          description: "Newest first, those without a file included.",
          querystring: Type.Object({
            status: Type.Optional(Type.String({ examples: ["processing"] })),
            task_type: Type.Optional(TaskType),
            from_date: Day("Created on this day or later (UTC)."),
            to_date: Day("Created on this day or before (UTC)."),
            search: Type.Optional(
              Type.String({ maxLength: 200, description: "In the file's name, whatever its case." }),
            ),
            ...PageNumberQuery,
          }),
          response: {
            200: Type.Object({
              count: Type.Integer({ description: "On all pages." }),
              next: NullableText,
              results: Type.Array(ListedTask),
            }),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ user, query }) => {
        const { status, task_type, from_date, to_date, search } = query;
        requireStorable(search, "search");
        const numbers = pageNumbers(query);
        const filter = {
          ...(status ? { statuses: statusesNamed(status) } : {}),
          ...(task_type ? { type: taskTypeNamed(task_type, "task_type").name } : {}),
          ...betweenDays(from_date, to_date),
          ...(search ? { search: [search], searched: ["fileName"] as const } : {}),
        };
        const { count, found } = await listTaskPage(ctx, user.id, filter, numbers);
        const { next } = pageLinks(`${config.publicUrl}/api/tasks/`, query, numbers, count);
        return { count, next, results: found.map(({ task }) => viewListed(task)) };
      },
    );

    app.post(
      "/api/tasks/create_task/",
      {
        schema: {
          ...shared,
          summary: "Have a file processed",
          body: Type.Object({
            file_path: FilePath,
            task_type: TaskType,
            metadata: Type.Record(Type.String(), Type.Unknown(), {
              default: {},
              examples: [{ quality: "high", resize: [1920, 1080] }],
            }),
          }),
          response: { 201: NewTask, ...problems(400, 401, 403, 413, 415) },
        },
      },
      async ({ user, body }, reply) => {
        const { file_path: filePath, task_type: type, metadata } = body;
        const { tasks } = await underOldNames(
          (field) => (field === "type" ? "task_type" : field),
          () => createTasks(ctx, user.id, [{ type, filePath, metadata }]),
        );
        const { task } = await getTaskDetail(ctx, user.id, tasks[0]?.id ?? "");
        return reply.code(201).header("location", `/api/tasks/${task.id}/`).send(viewNew(task));
      },
    );

    app.get(
      "/api/tasks/progress/",
      {
        schema: {
          ...shared,
          summary: "How many of my tasks are where",
          response: {
            200: Type.Object({
              pending: Type.Integer(),
              processing: Type.Integer(),
              completed: Type.Integer(),
              failed: Type.Integer(),
              cancelled: Type.Integer(),
              total: Type.Integer({ description: "All of them, those that were cancelled included." }),
            }),
            ...problems(400, 401),
          },
        },
      },
      async ({ user }) => {
        const counts = await countByStatus(ctx, user.id);
        return { ...counts, total: Object.values(counts).reduce((sum, count) => sum + count, 0) };
      },
    );

    app.post(
      "/api/tasks/bulk_create/",
      {
        schema: {
          ...shared,
          summary: "Have many files processed",
          description: "All of them or, where one is wrong, none.",
          body: Type.Object({
            file_paths: Type.Array(FilePath, { minItems: 1, maxItems: MAX_FILES }),
            task_type: TaskType,
            parallel: Type.Boolean({
              default: true,
              description: "false: one after the other, and those behind one that fails are cancelled.",
            }),
          }),
          response: {
            201: Type.Object({
              celery_task_id: Type.String({ format: "uuid", description: "Of all of them together." }),
              status: Type.Literal("processing"),
              files_count: Type.Integer(),
            }),
            ...problems(400, 401, 403, 413, 415),
          },
        },
      },
      async ({ user, body }, reply) => {
        const { file_paths, task_type: type, parallel } = body;
        const requests = file_paths.map((filePath) => ({ type, filePath }));
        const together = parallel ? "parallel" : "sequential";
        const { groupId, tasks } = await underOldNames(oldNameInBulk, () =>
          createTasks(ctx, user.id, requests, { together, field: "file_paths" }),
        );
        return reply.code(201).send({
          celery_task_id: groupId ?? "",
          status: "processing" as const,
          files_count: tasks.length,
        });
      },
    );
  };
}

function oldNameInBulk(field: string): string {
  const [, item = field, name] = /^(file_paths\.\d+)\.(.+)$/.exec(field) ?? [];
  if (name === "type") return "task_type";
  return name === undefined || name === "file_path" ? item : name;
}

function viewFacts(task: Task) {
  const { job_id, status, progress, file, created_at } = viewTask(task, task.createdAt);
  const named = { file_name: file?.name ?? null, file_size: file?.bytes ?? null };
  return { celery_task_id: job_id, status, progress, ...named, created_at };
}

function viewListed(task: Task): Static<typeof ListedTask> {
  const completed_at = task.completedAt?.toISOString() ?? null;
  return { id: task.id, ...viewFacts(task), task_type: task.type, completed_at };
}

/** As it was made, although a worker may have it by now. */
function viewNew(task: Task): Static<typeof NewTask> {
  return { ...viewFacts(task), task_type: task.type, status: "pending", progress: 0 };
}

export function viewFileTask(task: Task, now: Date): Static<typeof FileTask> {
  const view = viewTask(task, now);
  return {
    id: view.id,
    ...viewFacts(task),
    error_message: view.error_message,
    retry_count: view.retry_count,
    started_at: view.started_at,
    completed_at: view.completed_at,
    is_cancellable: view.is_cancellable,
    is_retryable: view.is_retryable,
    elapsed_time: view.elapsed_seconds,
  };
}
