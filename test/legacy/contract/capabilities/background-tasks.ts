import type { ReplacedService } from "./capability.ts";

export const backgroundTasks: ReplacedService = {
  id: "S4",
  name: "Celery background tasks",
  file: "background-tasks.test.ts",
  label: "background tasks",
  capabilities: [
    {
      text: "Tasks and results as JSON, and tasks that are found automatically.",
      instead: "No broker and no result backend: both are tables.",
      tests: {
        "tasks/types/routes.test.ts": ["every task type is listed and can be read by name"],
        "flows/own-task-type.test.ts": ["workers of its queue run an own task type with its defaults"],
      },
    },
    {
      text: "`send_welcome_email`: HTML and text, after each registration.",
      replayed: ["registration flow", "manual task execution"],
      tests: {
        "tasks/types/mail.test.ts": [
          "send_welcome_email sends the mail and says so in the words of the replaced service",
        ],
      },
    },
    {
      text: "`send_password_reset_email` with a link.",
      tests: {
        "tasks/types/mail.test.ts": ["send_password_reset_email sends a link that sets a new password"],
        "accounts/password-reset.test.ts": ["sets a new password once, and ends all sessions and API tokens"],
      },
    },
    {
      text: "`send_bulk_notifications` with retries, and the counts of sent and failed mails.",
      tests: {
        "tasks/types/mail.test.ts": [
          "send_bulk_notifications sends to chosen users and counts each recipient",
        ],
        "mails/send/send.test.ts": [
          "a busy server gets a mail seven times within a day, and then never again",
        ],
      },
    },
    {
      text: "`send_admin_notification` to all administrators.",
      tests: {
        "tasks/types/mail.test.ts": [
          "send_admin_notification tells every admin once, also if the task is repeated",
        ],
      },
    },
    {
      text: "`generate_daily_report` with its nine fields and the top users.",
      replayed: ["manual task execution"],
      tests: {
        "reports/reports.test.ts": [
          "the daily report has the fields, names and formats of the replaced service",
          "the daily report has the requests of each hour and the most active users, also deleted ones",
        ],
      },
    },
    {
      text: "`process_api_analytics` every week.",
      tests: {
        "reports/schedule.test.ts": [
          "process_api_analytics has the analytics of the week as its result",
          "writes the week before on its day",
        ],
      },
    },
    {
      text: "`cleanup_old_logs` removes entries older than 30 days.",
      tests: {
        "reports/schedule.test.ts": [
          "cleanup_old_logs removes expired entries, and so does the daily clean-up",
        ],
      },
    },
    {
      text: "`backup_database` writes JSON, also on a schedule.",
      tests: {
        "backups/backups.test.ts": [
          "a task of an admin backs up, and reports the tables",
          "a scheduled backup is announced to all admins, and is skipped while another one is queued",
        ],
        "backups/restore.test.ts": [
          "a restored database has the same rows, lets users log in, and continues what was running",
        ],
      },
    },
    {
      text: "A log of requests with endpoint, user, address, status and time.",
      tests: {
        "request-log/log-requests.test.ts": [
          "an entry has the template of the path and the user, and no id, query or token",
        ],
      },
    },
    {
      text: "`POST /api/register/` returns a token and `email_sent`.",
      replayed: ["registration flow", "registration email"],
      tests: {
        "legacy/background-tasks/background-tasks.test.ts": ["every field is named, in the words of Django"],
      },
    },
    {
      text: "`/api/login/`, `/api/profile/`, `/api/public/`, `/api/protected/`, and a page of documentation.",
      replayed: ["endpoints that it names"],
    },
    {
      text: "Chains: one task after another, with its result.",
      instead: "`POST /api/v1/workflows` with `chain`.",
      tests: {
        "workflows/run.test.ts": [
          "a chain: a report, then a notification",
          "a chain runs its steps one after the other and passes results on",
        ],
      },
    },
    {
      text: "Groups: tasks in parallel.",
      instead: "`POST /api/v1/workflows` with `group`.",
      tests: { "workflows/run.test.ts": ["a group: three tasks at the same time"] },
    },
    {
      text: "Chords: a group, then a callback.",
      instead: "`POST /api/v1/workflows` with `chord`.",
      tests: { "workflows/run.test.ts": ["a chord: two reports, then a callback with their results"] },
    },
    {
      text: "Environment variables for Redis and the mail server.",
      instead: "The same names for the mail server; no Redis.",
      tests: { "config/mail.unit.test.ts": ["%o is a mail server"] },
    },
    {
      text: "Workers, a scheduler, and schedules that are stored in the database.",
      instead: "Workers create the tasks of schedules. `POST /api/v1/schedules` creates a schedule.",
      tests: {
        "schedules/schedules.test.ts": [
          "creates, gets, lists, changes and deletes schedules",
          "a worker runs a tick within two seconds of its time",
        ],
        "flows/schedules.test.ts": [
          "each tick creates one task, whether three workers run, lose the database, or are killed",
        ],
      },
    },
    {
      text: "A web page with tasks, workers, history, results and rate limits (Flower).",
      tests: {
        "console/admin/admin.test.ts": [
          "failed tasks are counted, retried and watched to the end, and not without a filter",
        ],
        "console/work.test.ts": [
          "a task is created from its form, watched, cancelled, and run again with changed parameters",
        ],
      },
    },
    {
      text: "`inspect active`, `registered` and `stats`.",
      instead: "`npm run cli -- jobs active`, `jobs registered`, `workers get ID` and `queues list`.",
      tests: {
        "flows/cli.test.ts": [
          "the CLI runs a task and waits for its result",
          "the CLI shows queues, workers and registered types, and pauses queues",
        ],
        "flows/workers.test.ts": ["WORKER_PORT answers probes and metrics"],
        "queues/workers.test.ts": ["a worker shows what it has done with tasks and rows since it started"],
      },
    },
    {
      text: "`events`: a live stream of all tasks.",
      instead: "`npm run cli -- events`, or `GET /api/v1/admin/events`.",
      tests: {
        "events/events.test.ts": [
          "the lives of a worker, a task, its job and a batch arrive in order, for each watcher as filtered",
          "the command prints one line per event until Ctrl-C",
        ],
      },
    },
    {
      text: "`purge`: empty a queue.",
      instead: "A purge cancels, and counts before it does.",
      tests: {
        "flows/cli.test.ts": ["the CLI lists, counts, cancels, retries and deletes tasks"],
        "queues/queues.test.ts": [
          "purging a queue cancels everybody's pending tasks and no running task",
          "purging bulk_processing cancels batches that have not started",
        ],
      },
    },
    {
      text: "`control shutdown`: stop workers from afar.",
      instead: "`npm run cli -- workers shutdown ID`, or `POST /api/v1/admin/workers/{id}/shutdown`.",
      tests: {
        "queues/workers.test.ts": [
          "an operator shuts down one worker, which is asked once and listed as stopping",
        ],
      },
    },
    {
      text: "State, result and traceback by the id of a job.",
      instead: "`GET /api/v1/jobs/{job_id}`, or `npm run cli -- jobs get ID`.",
      tests: {
        "queues/job-result.test.ts": [
          "the owner gets the result of a task by the id of its job, and nobody else does",
          "operators see where the code of a task failed, and its owner sees only the message",
        ],
      },
    },
    {
      text: "Tasks that are run from a shell, with their result.",
      instead: "`npm run cli -- tasks run TYPE --wait`.",
      replayed: ["manual task execution"],
      tests: { "flows/cli.test.ts": ["the CLI runs a task and waits for its result"] },
    },
    {
      text: "A demo, and a registration with curl.",
      instead: "`npm run demo`.",
      replayed: ["registration email"],
      tests: {
        "flows/demo.test.ts": ["the demo without a terminal imports the sample, shows the result and exits"],
        "demo/by-hand.test.ts": ["the curl script runs from signup to the list of books"],
      },
    },
    {
      text: "Retries, logged errors, kept results, several workers, schedules and priorities.",
      tests: {
        "tasks/run/retries.test.ts": [
          "a temporary failure is retried with growing delays and at most max_retries times",
        ],
        "flows/tasks.test.ts": ["repeatedly killed workers lose no task and complete none twice"],
        "tasks/control/control.test.ts": [
          "of several pending tasks the one with the highest priority runs first",
        ],
        "reports/schedule.test.ts": ["writes the last day, catches up with missed days, and repeats nothing"],
      },
    },
  ],
};
