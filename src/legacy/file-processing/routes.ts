/** The endpoints of the Celery file-processing service, with its paths, bodies and statuses. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { problems } from "../../platform/http/errors.ts";
import { MapOf, nullable, Uuid } from "../../platform/http/schemas.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { countUpTo } from "../../tasks/count-tasks.ts";
import { createTask, createTasks } from "../../tasks/create/create-tasks.ts";
import { totalOf } from "../../tasks/queries.ts";
import { requireTaskType } from "../../tasks/types/registry.ts";
import {
  BeforeId,
  betweenDays,
  boundFields,
  Day,
  djangoRoutes,
  PageNumberQuery,
  pageLinks,
  pageNumbers,
  viewBound,
} from "../shared/django.ts";
import { underOldNames } from "../shared/django-errors.ts";
import { statusesNamed } from "../shared/statuses.ts";
import { COUNT_LIMITS, listTaskPage } from "../shared/task-pages.ts";
import { ListedTask, NewTask, TaskType, viewListed, viewNew } from "./views.ts";

const MAX_FILES = 10_000;

const FilePath = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "The path of a file that was uploaded to /api/v1/files, or of a file below FILES_ROOT.",
  examples: ["/path/to/image.jpg"],
});

export function fileProcessingRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return djangoRoutes(ctx, (app, shared) => {
    app.get(
      "/api/tasks/",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "legacyListTasks",
          summary: "List tasks",
          description: "Your tasks, newest first, with page numbers. Tasks without a file are included.",
          querystring: Type.Object({
            status: Type.Optional(
              Type.String({
                description: "Only tasks with this status, in any case.",
                examples: ["processing"],
              }),
            ),
            task_type: Type.Optional(TaskType),
            from_date: Day("Only tasks created on this day or later (UTC)."),
            to_date: Day("Only tasks created on this day or earlier (UTC)."),
            search: Type.Optional(
              Type.String({
                maxLength: 200,
                description: "A part of the file name, in any case.",
                examples: ["image"],
              }),
            ),
            ...PageNumberQuery,
            before_id: BeforeId,
          }),
          response: {
            200: Type.Object(
              {
                count: Type.Integer({ description: "The number of tasks on all pages." }),
                next: nullable(
                  Type.String({ examples: ["https://rowmill.example.com/api/tasks/?page=2"] }),
                  "The URL of the next page. null: this is the last page.",
                ),
                results: Type.Array(ListedTask, { description: "The tasks of this page." }),
                ...boundFields,
              },
              { description: "One page of the list." },
            ),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ ctx, user, query }) => {
        const { status, task_type, from_date, to_date, search } = query;
        requireStorable(search, "search");
        const numbers = pageNumbers(query);
        const filter = {
          ...(status ? { statuses: statusesNamed(status) } : {}),
          ...(task_type ? { type: requireTaskType(task_type, "task_type").name } : {}),
          ...betweenDays(from_date, to_date),
          ...(search ? { search: [search], searched: ["fileName"] as const } : {}),
        };
        const list = await listTaskPage(ctx, user.id, filter, { ...numbers, beforeId: query.before_id });
        const { count, found } = list;
        const { next } = pageLinks(`${config.publicUrl}/api/tasks/`, query, numbers, count, list);
        return { count, next, results: found.map(({ task }) => viewListed(task)), ...viewBound(list) };
      },
    );

    app.post(
      "/api/tasks/create_task/",
      {
        schema: {
          ...shared,
          operationId: "legacyCreateTask",
          summary: "Create a task for a file",
          description: "The task is stored and queued.",
          body: Type.Object({
            file_path: FilePath,
            task_type: TaskType,
            metadata: MapOf(Type.Unknown(), {
              default: {},
              description: "Parameters of the task type and any data of yours.",
              examples: [{ quality: "high", resize: [1920, 1080] }],
            }),
          }),
          response: { 201: NewTask, ...problems(400, 401, 403, 413, 415, 429) },
        },
      },
      async ({ ctx, user, body }, reply) => {
        const { file_path: filePath, task_type: type, metadata } = body;
        const task = await underOldNames(
          (field) => (field === "type" ? "task_type" : field),
          () => createTask(ctx, user.id, { type, filePath, metadata }),
        );
        return reply.code(201).header("location", `/api/tasks/${task.id}/`).send(viewNew(task));
      },
    );

    app.get(
      "/api/tasks/progress/",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "legacyCountTasks",
          summary: "Count tasks by status",
          description: "Counts all your tasks.",
          response: {
            200: Type.Object(
              {
                pending: Type.Integer({ description: "Tasks that are pending." }),
                processing: Type.Integer({ description: "Tasks that are processing." }),
                completed: Type.Integer({ description: "Tasks that are completed." }),
                failed: Type.Integer({ description: "Tasks that are failed." }),
                cancelled: Type.Integer({ description: "Tasks that are cancelled." }),
                total: Type.Integer({ description: "All tasks." }),
                is_lower_bound: boundFields.is_lower_bound,
              },
              {
                description: "The numbers of tasks.",
                examples: [{ pending: 5, processing: 3, completed: 25, failed: 2, cancelled: 0, total: 35 }],
              },
            ),
            ...problems(400, 401),
          },
        },
      },
      async ({ ctx, user }) => {
        const { counts, isLowerBound } = await countUpTo(ctx, user.id, {}, COUNT_LIMITS);
        return { ...counts, total: totalOf(counts), ...viewBound({ isLowerBound }) };
      },
    );

    app.post(
      "/api/tasks/bulk_create/",
      {
        schema: {
          ...shared,
          operationId: "legacyCreateTasks",
          summary: "Create tasks for many files",
          description: "Creates all tasks or, if one of the files is invalid, none.",
          body: Type.Object({
            file_paths: Type.Array(FilePath, {
              minItems: 1,
              maxItems: MAX_FILES,
              description: "One task is created for each file.",
            }),
            task_type: TaskType,
            parallel: Type.Boolean({
              default: true,
              description:
                "false: the tasks run one after the other, and if one fails, all after it are cancelled.",
            }),
          }),
          response: {
            201: Type.Object(
              {
                celery_task_id: { ...Uuid, description: "The id of the group of tasks." },
                status: Type.Literal("processing", { description: "Always `processing`." }),
                files_count: Type.Integer({ description: "The number of tasks." }),
              },
              { description: "The tasks are stored and queued." },
            ),
            ...problems(400, 401, 403, 413, 415, 429),
          },
        },
      },
      async ({ ctx, user, body }, reply) => {
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
  });
}

function oldNameInBulk(field: string): string {
  const [, item = field, name] = /^(file_paths\.\d+)\.(.+)$/.exec(field) ?? [];
  if (name === "type") return "task_type";
  return name === undefined || name === "file_path" ? item : name;
}
