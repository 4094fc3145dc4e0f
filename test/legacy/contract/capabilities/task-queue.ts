import type { ReplacedService } from "./capability.ts";

export const taskQueue: ReplacedService = {
  id: "S2",
  name: "Task Queue & Notification API",
  file: "task-queue.test.ts",
  label: "task queue",
  capabilities: [
    {
      text: "`POST /api/users/register/` returns the user, tokens and a message.",
      replayed: ["register"],
      tests: { "legacy/task-queue/users.test.ts": ["legacy registration names every missing field"] },
    },
    {
      text: "`POST /api/users/login/` returns the same.",
      replayed: ["login"],
      tests: {
        "legacy/task-queue/users.test.ts": [
          "a legacy login answers the same for a wrong name and a wrong password",
        ],
      },
    },
    { text: "`POST /api/users/token/refresh/` returns new tokens.", replayed: ["refresh token"] },
    { text: "`POST /api/tasks/tasks/` creates a task.", replayed: ["create task"] },
    {
      text: "`GET /api/tasks/tasks/` lists tasks in pages with `next` and `previous`.",
      replayed: ["list tasks"],
      tests: {
        "legacy/task-queue/task-queue.test.ts": [
          "legacy tasks are paged by number, newest first, with links to next and previous",
        ],
      },
    },
    { text: "The filter `status`.", replayed: ["list tasks", "status flow"] },
    {
      text: "The filters `start_date` and `end_date`.",
      replayed: ["list tasks"],
      tests: {
        "legacy/task-queue/task-queue.test.ts": [
          "legacy tasks are filtered by status, date and words, ignoring case",
        ],
      },
    },
    { text: "`search` in titles and descriptions.", replayed: ["list tasks"] },
    {
      text: "`ordering` by several columns.",
      replayed: ["list tasks"],
      tests: {
        "legacy/task-queue/task-queue.test.ts": [
          "legacy tasks are ordered by several columns in both directions",
        ],
      },
    },
    {
      text: "`GET /api/tasks/{id}/` returns a task, and whether it was cached.",
      replayed: ["get single task"],
    },
    { text: "`DELETE /api/tasks/tasks/{id}/` deletes a task.", replayed: ["delete task"] },
    { text: "`GET /api/tasks/stats/` counts tasks by status.", replayed: ["task statistics"] },
    {
      text: "`GET /api/admin/tasks/` lists the tasks of all users.",
      replayed: ["admin"],
      tests: {
        "legacy/task-queue/task-queue.test.ts": [
          "administrators list everybody's legacy tasks with owners, a thousand at a time",
        ],
      },
    },
    { text: "Tasks are PENDING, PROCESSING, COMPLETED or FAILED.", replayed: ["status flow"] },
    {
      text: "Details of tasks are cached for five minutes, until the task changes.",
      instead: "In the memory of each API process.",
      replayed: ["get single task", "delete task"],
      tests: {
        "legacy/shared/task-cache.test.ts": [
          "the task cache answers by id and by number until the task changes",
          "the task cache keeps open tasks for 5 minutes and ended ones for an hour",
        ],
        "flows/task-cache.test.ts": [
          "a change is visible at once in its own process and within moments in another",
        ],
      },
    },
    {
      text: "Simulated work of 10 to 20 seconds, with a text as the result.",
      instead: "`GENERIC_TASK_SECONDS` is `10-20` by default.",
      replayed: ["get single task"],
      tests: { "config/config.unit.test.ts": ["settings have defaults"] },
    },
    {
      text: "Three automatic retries.",
      tests: {
        "tasks/run/retries.test.ts": [
          "a temporary failure is retried with growing delays and at most max_retries times",
        ],
        "config/config.unit.test.ts": ["settings have defaults"],
      },
    },
    {
      text: "Every midnight, tasks that ended more than 30 days ago are removed.",
      instead: "At `CLEANUP_CRON`, after `RETENTION_DAYS`.",
      tests: {
        "tasks/upkeep/upkeep.test.ts": [
          "ended tasks and their data are removed after RETENTION_DAYS, and open tasks stay",
        ],
        "schedules/schedules.test.ts": [
          "workers store the built-in schedules, and take over those of versions before 0.7.0",
        ],
      },
    },
    {
      text: "Settings in `.env`, and `.env.example` to copy.",
      instead: "`DATABASE_URL` replaces `DB_*`; `REDIS_*` and `CELERY_*` are not needed.",
      tests: {
        "config/config.unit.test.ts": ["a .env file in the working directory is read"],
        "docs.test.ts": ["$file has the current $marker; if not, run `npm run docs`"],
      },
    },
    {
      text: "Statuses 200, 201, 400, 401, 403, 404 and 500.",
      replayed: ["register", "login", "admin", "error handling"],
    },
    { text: "Errors have `error` and `field_errors`.", replayed: ["error handling"] },
    {
      text: "Separate processes for web, worker and schedules, also in Docker.",
      instead: "API and worker. Workers also start what is scheduled.",
      tests: {
        "flows/start.test.ts": ["npm start serves readiness, documentation and the OpenAPI document"],
        "compose.unit.test.ts": [
          "compose.yaml starts a database, a migration, an API on port 8000 and workers",
        ],
      },
    },
    {
      text: "Endpoints for administrators alone.",
      instead: "Operators may read them as well.",
      replayed: ["admin"],
      tests: {
        "flows/start.test.ts": ["the CLI creates an administrator once per name"],
        "legacy/task-queue/task-queue.test.ts": ["operators may list everybody's legacy tasks"],
      },
    },
    {
      text: "Users see their own tasks, each with its owner.",
      replayed: ["create task"],
      tests: { "legacy/task-queue/task-queue.test.ts": ["another user's legacy task answers 404"] },
    },
    {
      text: "Notifications, which only the title names.",
      instead: "Notifications in the app, by mail and by webhook.",
      tests: {
        "notifications/notifications.test.ts": ["a failed task of a worker is in the list, with its text"],
        "notifications/channels.test.ts": [
          "the end of a batch is in the list, in a mail with its causes, and in a signed message, unless a channel is off",
        ],
      },
    },
    {
      text: "Migrations, `createdb`, `createsuperuser`, and port 8000.",
      instead:
        "`npm start` creates and migrates an embedded database; `create-admin` creates an administrator.",
      tests: {
        "flows/start.test.ts": [
          "npm start serves readiness, documentation and the OpenAPI document",
          "the CLI creates an administrator once per name",
        ],
        "config/config.unit.test.ts": ["settings have defaults"],
      },
    },
  ],
};
