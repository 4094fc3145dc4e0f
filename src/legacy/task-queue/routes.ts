/** The endpoints of the Django task queue service (Task Queue & Notification API), with its paths, bodies and statuses. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { nullable } from "../../platform/http/schemas.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import type { Caller } from "../../schema/accounts.ts";
import { taskStatus } from "../../schema/tasks.ts";
import { countUpTo } from "../../tasks/count-tasks.ts";
import { createTask } from "../../tasks/create/create-tasks.ts";
import { totalOf } from "../../tasks/queries.ts";
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
import { NOT_BLANK } from "../shared/django-errors.ts";
import { statusesNamed } from "../shared/statuses.ts";
import { getTaskDetail } from "../shared/task-detail.ts";
import { type Order, TASK_SORT_KEYS } from "../shared/task-order.ts";
import { COUNT_LIMITS, listTaskPage } from "../shared/task-pages.ts";
import { ListedTask, QueuedTask, StatusName, TaskOfAll, upper, viewListed, viewNew } from "./views.ts";

const MAX_TITLE_LENGTH = 200;
/** The service listed all tasks at once. If there are more, `next` has the URL of the rest. */
const MAX_TASKS_OF_ALL = 1000;

const StatusQuery = Type.Optional(
  Type.String({ description: "Only tasks with this status, in any case.", examples: ["COMPLETED"] }),
);

const PageUrl = (description: string, page: number) =>
  nullable(
    Type.String({ examples: [`https://rowmill.example.com/api/tasks/tasks/?page=${page}`] }),
    description,
  );

const NewTask = Type.Object({
  title: Type.String({
    maxLength: MAX_TITLE_LENGTH,
    pattern: NOT_BLANK,
    description: "A title for people.",
    examples: ["Process Customer Data"],
  }),
  description: Type.String({
    default: "",
    description: "A longer text for people.",
    examples: ["Import and process customer CSV file"],
  }),
});

export function taskQueueRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const { config } = ctx;
  return djangoRoutes(ctx, (app, shared) => {
    app.post(
      "/api/tasks/tasks/",
      {
        schema: {
          ...shared,
          operationId: "legacyCreateQueuedTask",
          summary: "Create a task",
          description: "The task has the type `generic`: simulated work of 10 to 20 seconds.",
          body: NewTask,
          response: {
            201: Type.Object(
              {
                task: QueuedTask,
                message: Type.String({
                  description: "A confirmation.",
                  examples: ["Task created and processing started"],
                }),
              },
              { description: "The task is stored and queued." },
            ),
            ...problems(400, 401, 403, 413, 415, 429),
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
          .send({ task: viewNew({ task, owner }), message: "Task created and processing started" });
      },
    );

    app.get(
      "/api/tasks/tasks/",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "legacyListQueuedTasks",
          summary: "List tasks",
          description: "Your tasks with page numbers, optionally searched and sorted.",
          querystring: Type.Object({
            status: StatusQuery,
            start_date: Day("Only tasks created on this day or later (UTC)."),
            end_date: Day("Only tasks created on this day or earlier (UTC)."),
            search: Type.Optional(
              Type.String({
                maxLength: 200,
                description:
                  "Words, separated by spaces or commas, that must all occur in the title or description.",
                examples: ["customer"],
              }),
            ),
            ordering: Type.Optional(
              Type.String({
                maxLength: 200,
                description: `One or more of ${TASK_SORT_KEYS.join(", ")}, separated by commas. A minus reverses an order.`,
                examples: ["-created_at,status,updated_at"],
              }),
            ),
            ...PageNumberQuery,
            before_id: BeforeId,
          }),
          response: {
            200: Type.Object(
              {
                count: Type.Integer({ description: "The number of tasks on all pages." }),
                next: PageUrl("The URL of the next page. null: this is the last page.", 3),
                previous: PageUrl("The URL of the previous page. null: this is the first page.", 1),
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
        const { status, start_date, end_date, search = "", ordering = "" } = query;
        requireStorable(search, "search");
        const numbers = pageNumbers(query);
        const filter = {
          ...(status ? { statuses: statusesNamed(status) } : {}),
          ...betweenDays(start_date, end_date),
          search: search.split(/[\s,]+/).filter(Boolean),
          searched: ["title", "description"] as const,
        };
        const request = { ...numbers, beforeId: query.before_id, order: orderOf(ordering) };
        const list = await listTaskPage(ctx, user.id, filter, request);
        const { count, found } = list;
        const url = `${config.publicUrl}/api/tasks/tasks/`;
        const links = pageLinks(url, query, numbers, count, list);
        return { count, ...links, results: found.map(viewListed), ...viewBound(list) };
      },
    );

    app.get(
      "/api/tasks/stats/",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "legacyGetTaskStats",
          summary: "Count tasks by status",
          description: "Counts all your tasks.",
          response: {
            200: Type.Object(
              {
                stats: Type.Array(
                  Type.Object({
                    status: StatusName,
                    count: Type.Integer({ description: "The number of tasks with this status." }),
                  }),
                  { description: "One item per status." },
                ),
                total: Type.Integer({ description: "All tasks." }),
                is_lower_bound: boundFields.is_lower_bound,
              },
              { description: "The numbers of tasks." },
            ),
            ...problems(400, 401),
          },
        },
      },
      async ({ ctx, user }) => {
        const { counts, isLowerBound } = await countUpTo(ctx, user.id, {}, COUNT_LIMITS);
        const stats = taskStatus.enumValues.map((name) => ({ status: upper(name), count: counts[name] }));
        return { stats, total: totalOf(counts), ...viewBound({ isLowerBound }) };
      },
    );

    app.get(
      "/api/admin/tasks/",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "legacyListAllTasks",
          summary: "List the tasks of all users",
          description: "Newest first, 1,000 per page. For operators and administrators.",
          querystring: Type.Object({ status: StatusQuery, page: PageNumberQuery.page }),
          response: {
            200: Type.Object(
              {
                count: Type.Integer({ description: "The number of tasks on all pages." }),
                next: Type.Optional(
                  Type.String({ description: "The URL of the next page. Absent: this is the last page." }),
                ),
                tasks: Type.Array(TaskOfAll, { description: "The tasks of this page." }),
                is_lower_bound: boundFields.is_lower_bound,
              },
              { description: "One page of the list." },
            ),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, user, query }) => {
        requireOperator(user);
        const numbers = { ...pageNumbers(query), pageSize: MAX_TASKS_OF_ALL };
        const filter = query.status ? { statuses: statusesNamed(query.status) } : {};
        const { count, found, isLowerBound } = await listTaskPage(ctx, null, filter, numbers);
        const { next } = pageLinks(`${config.publicUrl}/api/admin/tasks/`, query, numbers, count);
        const tasks = found.map((detail) => ({ ...viewListed(detail), user: detail.owner }));
        return { count, ...(next === null ? {} : { next }), tasks, ...viewBound({ isLowerBound }) };
      },
    );
  });
}

function requireOperator({ role }: Caller): void {
  if (role === "operator" || role === "admin") return;
  throw new DomainError("forbidden", "Only operators and administrators can list the tasks of all users.");
}

/** @throws DomainError `invalid_input` if `ordering` names an unknown key */
function orderOf(ordering: string): Order {
  const terms = ordering.split(",").map((term) => term.trim());
  return terms.filter(Boolean).map((term) => {
    const name = term.replace(/^-/, "");
    const key = TASK_SORT_KEYS.find((known) => known === name);
    if (key) return { key, isDescending: term !== name };
    throw invalidField("ordering", `"${name}" is not one of: ${TASK_SORT_KEYS.join(", ")}.`);
  });
}
