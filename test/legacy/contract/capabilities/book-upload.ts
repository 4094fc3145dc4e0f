import type { ReplacedService } from "./capability.ts";

export const bookUpload: ReplacedService = {
  id: "S0",
  name: "Django bulk book upload",
  file: "book-upload.test.ts",
  label: "book upload",
  capabilities: [
    {
      text: "`POST /signup/` creates an account and returns tokens.",
      replayed: ["request 1", "usage guide", "response codes"],
    },
    {
      text: "`POST /login/` returns the same body; 400 for a missing field, 401 for a wrong password.",
      replayed: ["request 2", "response codes"],
    },
    {
      text: "Access tokens in `Authorization: Bearer` or in an httpOnly cookie.",
      replayed: ["request 2", "request 3"],
      tests: { "accounts/cookies.test.ts": ["cookies authenticate reads"] },
    },
    { text: "`GET /books/` lists the user's books as an array.", replayed: ["request 3", "request 4"] },
    {
      text: "`POST /books/` creates a book from a form with a picture.",
      replayed: ["request 4"],
      tests: { "legacy/book-upload/books.test.ts": ["POST /books/ accepts JSON and a form without a file"] },
    },
    {
      text: "`GET /books/<id>/` returns a book; 404 for an unknown id.",
      replayed: ["request 5", "response codes"],
    },
    {
      text: "`POST /books/<id>/edit/` changes a book of the user; 403 for others.",
      replayed: ["request 6", "response codes"],
    },
    {
      text: "`POST /books/<id>/delete/` deletes a book of the user; 403 for others.",
      replayed: ["request 7", "response codes"],
    },
    { text: "Books have a picture, which is served below `/media/books/`.", replayed: ["request 4"] },
    {
      text: "`POST /bulk-upload/` answers 202 at once with `batch_id`, `task_ids` and `total_rows`.",
      replayed: ["request 8", "command line"],
    },
    {
      text: "CSV files with title, author and an optional description.",
      replayed: ["request 8", "deep dive"],
    },
    {
      text: "One record per row: ids, cells, status, book, job, error and times.",
      replayed: ["request 9", "deep dive"],
      tests: {
        "legacy/book-upload/endpoints.test.ts": [
          "the task status names the queue job of its row, which exists",
        ],
      },
    },
    { text: "`GET /task-status/` returns the state of a row.", replayed: ["request 9", "Postman"] },
    { text: "Rows are pending, processing, success or failed.", replayed: ["request 9", "deep dive"] },
    {
      text: "`GET /batch-status/` returns counts and tasks.",
      replayed: ["request 9", "request 10", "usage guide", "Postman"],
    },
    {
      text: "A delay per row, 0.5 seconds by default.",
      instead: "`ROW_DELAY_MS`, for rows side by side.",
      replayed: ["request 9"],
      tests: { "config/config.unit.test.ts": ["settings have defaults"] },
    },
    {
      text: "Three automatic retries of a row, with growing delays.",
      instead: "Only failures that may pass are retried.",
      tests: {
        "batches/process/process-chunk.test.ts": [
          "only rows with temporary failures are retried",
          "the delay before each retry grows up to a minute",
          "a row fails after its last retry",
        ],
      },
    },
    { text: "A failed row has its reason and its time.", replayed: ["deep dive"] },
    {
      text: "The state is read from the database, and survives a crash of the worker.",
      replayed: ["request 9"],
      tests: { "flows/worker-killed.test.ts": ["repeatedly killed workers lose and duplicate no row"] },
    },
    {
      text: "The result of a job is kept under the id of the job.",
      instead:
        "`GET /api/v1/jobs/{job_id}` leads from a `celery_task_id` to the batch, whose rows have the ids of their books.",
      tests: { "queues/job-result.test.ts": ["the id of the job of a row leads to its batch"] },
    },
    {
      text: "Every change of a book checks its owner.",
      replayed: ["response codes"],
      tests: {
        "legacy/book-upload/books.test.ts": [
          "editing or deleting another user's book answers 403 as documented",
          "another user's book answers 404",
        ],
      },
    },
    {
      text: "Protection against forged requests, except for login and signup.",
      tests: { "accounts/cookies.test.ts": ["cookies authenticate changes from the service's own pages"] },
    },
    {
      text: "Hashed passwords and parameterized SQL.",
      tests: {
        "accounts/sign-up.test.ts": [
          "signing up stores the password as an argon2id hash with OWASP's parameters",
        ],
        "openapi/fuzz.test.ts": [
          "no request at the boundaries of the document gets a 5xx or an answer that is not documented",
        ],
      },
    },
    {
      text: "Statuses 200, 201, 202, 400, 401, 403, 404 and 500.",
      instead: "A row that fails is a failed row, not a 500.",
      replayed: ["response codes", "request 1", "request 8"],
    },
    {
      text: "No limit of rows or bytes.",
      instead: "Limits that can be set: 100 million rows and 10 GiB by default.",
      tests: {
        "batches/receive/large-uploads.test.ts": [
          "an upload of 30 MB is stored whole with its chunks and jobs",
          "a slow upload is `receiving`, holds no connection or transaction and succeeds",
        ],
        "config/config.unit.test.ts": ["settings have defaults"],
      },
    },
    {
      text: "Four rows at a time per worker, and several workers for one queue.",
      instead: "`WORKER_CONCURRENCY` is 4 by default.",
      tests: {
        "flows/workers.test.ts": ["a worker serves its configured queues with their concurrency"],
        "flows/worker-stopped.test.ts": ["two workers share one batch"],
      },
    },
    {
      text: "Docker Compose with database, broker, web and worker.",
      instead: "PostgreSQL, API and worker; no broker.",
      tests: {
        "compose.unit.test.ts": [
          "compose.yaml starts a database, a migration, an API on port 8000 and workers",
        ],
      },
    },
    {
      text: "Commands for migrations, an administrator and sample data.",
      instead: "`migrate`, `create-admin` and `npm run seed`.",
      tests: {
        "flows/migrate.test.ts": ["migrations that run concurrently and again leave one installation"],
        "flows/start.test.ts": ["the CLI creates an administrator once per name"],
        "flows/seed.test.ts": [
          "seed without a worker creates batches and tasks in every state and an account for each role",
        ],
      },
    },
    {
      text: "HTML pages to log in, register, and to add, list and edit books.",
      tests: {
        "console/session.test.ts": [
          "a visitor signs up, signs out, and signs in again where they wanted to go",
        ],
        "console/things.test.ts": ["a book with a picture is added, found, edited and deleted"],
        "platform/http/console.unit.test.ts": ["the old pages of the book service lead to the console"],
      },
    },
    {
      text: "The worker logs each received and finished job.",
      instead: "One line when a chunk of rows starts, and one with its seconds when it ends.",
      tests: {
        "batches/process/process-chunk.test.ts": [
          "a worker logs each chunk twice with ids and numbers but no contents",
        ],
      },
    },
    {
      text: "SQL statements that list books and rows and count rows by status.",
      replayed: ["database checks"],
    },
    {
      text: "Checks of worker, database and broker, and a manual reset of rows that hang.",
      instead: "`doctor` checks all; another worker takes over what a lost one ran.",
      tests: {
        "flows/cli.test.ts": ["the doctor names unserved and paused queues"],
        "flows/start.test.ts": ["the doctor reports an unreachable database"],
        "flows/worker-killed.test.ts": [
          "another worker finishes the chunks of a killed one, in a process of their own",
        ],
      },
    },
    {
      text: "A sample CSV, a Postman collection and a curl script.",
      replayed: ["Postman", "command line"],
      tests: {
        "demo/by-hand.test.ts": [
          "every request of the Postman collection gets the answer that it expects",
          "the curl script runs from signup to the list of books",
        ],
      },
    },
    {
      text: "A worker without root.",
      tests: { "compose.unit.test.ts": ["the image runs its programs without root"] },
    },
  ],
};
