/** The endpoints of the Celery file-processing service: its paths, bodies and codes over the same verbs as /api/v1. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { createTask, createTasks } from "../../tasks/create/create-tasks.ts";
import { countByStatus, totalOf } from "../../tasks/queries.ts";
import { taskTypeNamed } from "../../tasks/types/registry.ts";
import {
  betweenDays,
  Day,
  PageNumberQuery,
  pageLinks,
  pageNumbers,
  takeBodiesAsDjango,
} from "../shared/django.ts";
import { speakAsDjango, underOldNames } from "../shared/django-errors.ts";
import { statusesNamed } from "../shared/statuses.ts";
import { listTaskPage } from "../shared/task-pages.ts";
import { ListedTask, NewTask, TaskType, viewListed, viewNew } from "./views.ts";

const MAX_FILES = 10_000;

const FilePath = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "The path of a file that was uploaded to /api/v1/files, or of one below FILES_ROOT.",
  examples: ["/path/to/image.jpg"],
});

export function fileProcessingRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return async (app) => {
    app.addHook("onRequest", authenticate(config));
    takeBodiesAsDjango(app);
    speakAsDjango(app);
    const shared = { tags: ["legacy"], security: SECURITY };

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
              next: Type.Union([Type.String(), Type.Null()]),
              results: Type.Array(ListedTask),
            }),
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
      async ({ ctx, user }) => {
        const counts = await countByStatus(ctx, user.id);
        return { ...counts, total: totalOf(counts) };
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
  };
}

function oldNameInBulk(field: string): string {
  const [, item = field, name] = /^(file_paths\.\d+)\.(.+)$/.exec(field) ?? [];
  if (name === "type") return "task_type";
  return name === undefined || name === "file_path" ? item : name;
}
