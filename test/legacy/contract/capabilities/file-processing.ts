import type { ReplacedService } from "./capability.ts";

export const fileProcessing: ReplacedService = {
  id: "S1",
  name: "Celery file processing",
  file: "file-processing.test.ts",
  label: "file processing",
  capabilities: [
    {
      text: "Swagger UI at `/api/docs/`.",
      replayed: ["API documentation"],
      tests: { "openapi/pages.test.ts": ["%s serves a page of the document with all of its parts"] },
    },
    { text: "ReDoc at `/api/redoc/`.", replayed: ["API documentation"] },
    { text: "An OpenAPI document at `/api/schema/`.", replayed: ["API documentation"] },
    {
      text: "Basic authentication.",
      replayed: ["authentication", "request 1"],
      tests: { "accounts/basic.test.ts": ["Basic authentication allows reads and writes"] },
    },
    {
      text: "`Authorization: Token`.",
      instead: "With an API token.",
      replayed: ["request 1", "request 3"],
      tests: { "accounts/tokens.test.ts": ["an API token is shown once and authenticates its user"] },
    },
    {
      text: "`GET /api/tasks/` lists tasks in pages of 20, with six filters.",
      replayed: ["request 1"],
      tests: {
        "legacy/file-processing/file-processing.test.ts": [
          "the list of file tasks filters by status, type, date and file name",
        ],
      },
    },
    { text: "Tasks in the list have ids, status, type, file, progress and times.", replayed: ["request 1"] },
    { text: "`POST /api/tasks/create_task/` creates a task for a file.", replayed: ["request 2"] },
    { text: "`GET /api/tasks/{id}/` adds errors, retries and times.", replayed: ["request 3", "statuses"] },
    { text: "`POST /api/tasks/{id}/cancel/` takes a reason.", replayed: ["request 4"] },
    {
      text: "`POST /api/tasks/{id}/retry/` takes `force`.",
      replayed: ["request 5"],
      tests: {
        "legacy/file-processing/file-processing.test.ts": ["cancel and retry answer 409 in the wrong state"],
      },
    },
    { text: "`GET /api/tasks/progress/` counts tasks by status.", replayed: ["request 6"] },
    {
      text: "`POST /api/tasks/bulk_create/` creates tasks that run in parallel or one after another.",
      replayed: ["request 7"],
      tests: { "tasks/control/control.test.ts": ["the tasks of a chain run one after the other"] },
    },
    {
      text: "Tasks are pending, processing, completed, failed or cancelled.",
      replayed: ["request 4", "statuses"],
    },
    {
      text: "The types image, video and document.",
      instead: "Videos are inspected and copied, but not encoded.",
      replayed: ["request 2", "statuses"],
      tests: {
        "tasks/types/media.test.ts": [
          "a document task creates a text file",
          "a video task trims a video into another container",
        ],
      },
    },
    { text: "Progress from 0 to 100.", replayed: ["statuses"] },
    {
      text: "A record per task with file, result, error, retries, times, owner, tags and metadata.",
      tests: {
        "tasks/create/create.test.ts": ["creating a task stores its fields, its job and its history"],
      },
    },
    {
      text: "A history of the progress of each task.",
      tests: { "tasks/watch.test.ts": ["pages of history and progress are in order and do not overlap"] },
    },
    {
      text: "An audit trail of each task.",
      tests: {
        "tasks/run/run.test.ts": ["a completed task has a message, full progress and a history"],
        "tasks/control/control.test.ts": ["cancelling a pending task ends it and stores who did it and why"],
      },
    },
    {
      text: "The queues `file_processing` and `bulk_processing`.",
      tests: {
        "queues/queues.test.ts": ["a queue shows its waiting, scheduled and active jobs and their age"],
      },
    },
    {
      text: "Workers for chosen queues with a chosen concurrency.",
      tests: { "flows/workers.test.ts": ["a worker serves its configured queues with their concurrency"] },
    },
    {
      text: "Prefetched jobs, and acknowledgement after the work.",
      instead:
        "Workers take up to 50 short tasks at once, give back those that wait 200 ms, and always acknowledge after the work.",
      tests: {
        "flows/tasks.test.ts": [
          "another worker takes over the task of a killed worker within 30 seconds and records it once",
        ],
      },
    },
    {
      text: "A process that starts periodic tasks.",
      instead: "Workers do it, without another process, from schedules in the database.",
      tests: {
        "schedules/schedules.test.ts": [
          "workers store the built-in schedules, and take over those of versions before 0.7.0",
        ],
        "reports/schedule.test.ts": ["writes the last day, catches up with missed days, and repeats nothing"],
      },
    },
    {
      text: "Environment variables for the secret, the database and the broker.",
      instead: "`JWT_SECRET` and `DATABASE_URL`; no broker.",
      tests: {
        "config/config.unit.test.ts": [
          "settings are read from the environment",
          "JWT_SECRET is required with DATABASE_URL",
        ],
      },
    },
    {
      text: "Indexes for lists of tasks, and inserts in bulk.",
      replayed: ["indexes"],
      tests: { "tasks/create/bulk.test.ts": ["one request creates ten thousand tasks"] },
    },
    {
      text: "Results of tasks are cached for an hour.",
      instead: "In the memory of each API process.",
      tests: {
        "legacy/shared/task-cache.test.ts": [
          "the task cache keeps open tasks for 5 minutes and ended ones for an hour",
        ],
      },
    },
    {
      text: "A web page that shows tasks and workers (Flower).",
      tests: {
        "console/admin/admin.test.ts": [
          "the overview says what happens next, then shows the numbers of recorded minutes, with links",
          "a queue is paused with a reason, and resumed",
        ],
        "console/work.test.ts": ["the task of another user is not found, and operators see it"],
      },
    },
    {
      text: "A log that can be searched by the id of a task.",
      instead: "Each line about a task has its `taskId`.",
      tests: {
        "flows/tasks.test.ts": [
          "another worker takes over the task of a killed worker within 30 seconds and records it once",
        ],
      },
    },
    {
      text: "`inspect active`, `scheduled` and `registered`.",
      instead: "`npm run cli -- jobs active`, `jobs scheduled` and `jobs registered`.",
      tests: {
        "flows/cli.test.ts": [
          "the CLI runs a task and waits for its result",
          "the CLI shows queues, workers and registered types, and pauses queues",
        ],
      },
    },
    {
      text: "Migrations, and the installation of Redis.",
      instead: "`npm start` migrates. Nothing replaces Redis.",
      tests: { "flows/migrate.test.ts": ["a new installation creates nothing outside its two schemas"] },
    },
  ],
};
