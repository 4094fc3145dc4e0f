/** The endpoints of the Task Queue & Notification API: its paths, bodies and codes over the same verbs as /api/v1. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import type { Caller } from "../../schema/accounts.ts";
import { taskStatus } from "../../schema/tasks.ts";
import { createTask } from "../../tasks/create/create-tasks.ts";
import { countByStatus, totalOf } from "../../tasks/queries.ts";
import {
  betweenDays,
  Day,
  PageNumberQuery,
  pageLinks,
  pageNumbers,
  takeBodiesAsDjango,
} from "../shared/django.ts";
import { NOT_BLANK, speakAsDjango } from "../shared/django-errors.ts";
import { statusesNamed } from "../shared/statuses.ts";
import { getTaskDetail } from "../shared/task-detail.ts";
import { listTaskPage, TASK_SORT_KEYS, type TaskPageRequest } from "../shared/task-pages.ts";
import { asMade, ListedTask, QueuedTask, StatusName, TaskOfAll, upper, viewListed } from "./views.ts";

const MAX_TITLE_LENGTH = 200;
/** The service listed everybody's tasks at once. Beyond these an answer says where the rest is. */
const MAX_TASKS_OF_ALL = 1000;

const StatusQuery = Type.Optional(Type.String({ examples: ["COMPLETED"] }));

const NewTask = Type.Object({
  title: Type.String({
    maxLength: MAX_TITLE_LENGTH,
    pattern: NOT_BLANK,
    examples: ["Process Customer Data"],
  }),
  description: Type.String({ default: "", examples: ["Import and process customer CSV file"] }),
});

export function taskQueueRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return async (app) => {
    app.addHook("onRequest", authenticate(config));
    takeBodiesAsDjango(app);
    speakAsDjango(app);
    const shared = { tags: ["legacy"], security: SECURITY };

    app.post(
      "/api/tasks/tasks/",
      {
        schema: {
          ...shared,
          summary: "Make a task and have it done",
          description: "Of type `generic`: simulated work of 10 to 20 seconds.",
          body: NewTask,
          response: {
            201: Type.Object({ task: QueuedTask, message: Type.String() }),
            ...problems(400, 401, 403, 413, 415),
          },
        },
      },
      async ({ ctx, user, body }, reply) => {
        const { title, description } = body;
        const request = { type: "generic", title: title.trim(), description: description.trim() };
        const { id } = await createTask(ctx, user.id, request);
        const { task, owner } = await getTaskDetail(ctx, user.id, id);
        return reply
          .code(201)
          .header("location", `/api/tasks/tasks/${task.number}/`)
          .send({ task: asMade({ task, owner }), message: "Task created and processing started" });
      },
    );

    app.get(
      "/api/tasks/tasks/",
      {
        schema: {
          ...shared,
          summary: "My tasks, searched and in order",
          querystring: Type.Object({
            status: StatusQuery,
            start_date: Day("Created on this day or later (UTC)."),
            end_date: Day("Created on this day or before (UTC)."),
            search: Type.Optional(
              Type.String({
                maxLength: 200,
                description:
                  "Words, with blanks or commas between them, each in the title or the description.",
              }),
            ),
            ordering: Type.Optional(
              Type.String({
                maxLength: 200,
                description: `With commas between them: ${TASK_SORT_KEYS.join(", ")}; with - in front downwards.`,
                examples: ["-created_at,status,updated_at"],
              }),
            ),
            ...PageNumberQuery,
          }),
          response: {
            200: Type.Object({
              count: Type.Integer({ description: "On all pages." }),
              next: Type.Union([Type.String(), Type.Null()]),
              previous: Type.Union([Type.String(), Type.Null()]),
              results: Type.Array(ListedTask),
            }),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ ctx, user, query }) => {
        const { status, start_date, end_date, search = "", ordering = "" } = query;
        requireStorable(search, "search");
        const numbers = pageNumbers(query);
        const filter = {
          ...(status ? { statuses: statusesNamed(status) } : {}),
          ...betweenDays(start_date, end_date),
          search: search.split(/[\s,]+/).filter(Boolean),
          searched: ["title", "description"] as const,
        };
        const request = { ...numbers, order: orderOf(ordering) };
        const { count, found } = await listTaskPage(ctx, user.id, filter, request);
        const links = pageLinks(`${config.publicUrl}/api/tasks/tasks/`, query, numbers, count);
        return { count, ...links, results: found.map(viewListed) };
      },
    );

    app.get(
      "/api/tasks/stats/",
      {
        schema: {
          ...shared,
          summary: "How many of my tasks have which status",
          response: {
            200: Type.Object({
              stats: Type.Array(Type.Object({ status: StatusName, count: Type.Integer() })),
              total: Type.Integer(),
            }),
            ...problems(400, 401),
          },
        },
      },
      async ({ ctx, user }) => {
        const counts = await countByStatus(ctx, user.id);
        const stats = taskStatus.enumValues.map((name) => ({ status: upper(name), count: counts[name] }));
        return { stats, total: totalOf(counts) };
      },
    );

    app.get(
      "/api/admin/tasks/",
      {
        schema: {
          ...shared,
          summary: "Everybody's tasks",
          description: "Newest first, 1,000 at a time. For operators and administrators.",
          querystring: Type.Object({ status: StatusQuery, page: PageNumberQuery.page }),
          response: {
            200: Type.Object({
              count: Type.Integer({ description: "On all pages." }),
              next: Type.Optional(Type.String({ description: "Where the rest is, beyond 1,000 tasks." })),
              tasks: Type.Array(TaskOfAll),
            }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, user, query }) => {
        requireOperator(user);
        const numbers = { ...pageNumbers(query), pageSize: MAX_TASKS_OF_ALL };
        const filter = query.status ? { statuses: statusesNamed(query.status) } : {};
        const { count, found } = await listTaskPage(ctx, null, filter, numbers);
        const { next } = pageLinks(`${config.publicUrl}/api/admin/tasks/`, query, numbers, count);
        const tasks = found.map((detail) => ({ ...viewListed(detail), user: detail.owner }));
        return { count, ...(next === null ? {} : { next }), tasks };
      },
    );
  };
}

function requireOperator({ role }: Caller): void {
  if (role === "operator" || role === "admin") return;
  throw new DomainError("forbidden", "Only operators and administrators may see everybody's tasks.");
}

/** @throws DomainError `invalid_input` where it names what there is no order by */
function orderOf(ordering: string): NonNullable<TaskPageRequest["order"]> {
  const terms = ordering.split(",").map((term) => term.trim());
  return terms.filter(Boolean).map((term) => {
    const name = term.replace(/^-/, "");
    const key = TASK_SORT_KEYS.find((known) => known === name);
    if (key) return { key, isDescending: term !== name };
    throw invalidField("ordering", `"${name}" is not one of: ${TASK_SORT_KEYS.join(", ")}.`);
  });
}
