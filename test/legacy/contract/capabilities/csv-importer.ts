import type { ReplacedService } from "./capability.ts";

export const csvImporter: ReplacedService = {
  id: "S3",
  name: "FastAPI CSV importer",
  file: "csv-importer.test.ts",
  label: "CSV importer",
  capabilities: [
    { text: "`POST /upload` returns a number as `job_id`.", replayed: ["request 1"] },
    {
      text: "`GET /jobs/{job_id}` returns the status; `csv_data` is empty until the end.",
      replayed: ["request 2"],
    },
    { text: "After SUCCESS, `csv_data` has the rows as objects.", replayed: ["request 2"] },
    { text: "Jobs are PENDING, PROCESSING, SUCCESS or FAILED.", replayed: ["request 2", "statuses"] },
    {
      text: "Any header is accepted.",
      replayed: ["request 1"],
      tests: { "legacy/csv-importer/csv-importer.test.ts": ["a job keeps any header in its order"] },
    },
    {
      text: "A record per upload and per row.",
      instead: "Batches and records.",
      tests: { "records/records.test.ts": ["a record has the names of the header"] },
    },
    {
      text: "Files are stored in a folder, and deleted after success.",
      instead:
        "Rows are stored in PostgreSQL while the file arrives. No file remains, and batches are removed after `RETENTION_DAYS`.",
      tests: {
        "batches/upkeep/clean.test.ts": [
          "finished batches and their data are removed after RETENTION_DAYS, and their books stay",
        ],
      },
    },
    {
      text: "Large files never block the API.",
      tests: {
        "batches/receive/large-uploads.test.ts": [
          "a slow upload is `receiving`, holds no connection or transaction and succeeds",
        ],
        "flows/api-memory.test.ts": ["uploads with rows of 3 MB"],
      },
    },
    {
      text: "Swagger UI at `/docs`, and no login.",
      instead: "Without a login only if `ANONYMOUS_UPLOADS` is set.",
      replayed: ["API documentation", "request 1"],
      tests: { "legacy/csv-importer/csv-importer.test.ts": ["the importer requires a login"] },
    },
    {
      text: "Environment variables for the database and the broker.",
      instead: "`DATABASE_URL`; no broker.",
      tests: { "config/config.unit.test.ts": ["settings are read from the environment"] },
    },
    {
      text: "Docker Compose with a shared folder for uploads and automatic restarts.",
      instead: "Programs share nothing but the database and a volume for backups.",
      tests: {
        "compose.unit.test.ts": [
          "compose.yaml starts a database, a migration, an API on port 8000 and workers",
          "compose.yaml restarts every program that ends",
        ],
      },
    },
    {
      text: "Scripts that create the database and its tables.",
      instead: "`npm run cli -- migrate`.",
      tests: {
        "flows/migrate.test.ts": ["migrations that run concurrently and again leave one installation"],
      },
    },
    {
      text: "A server that reloads, and workers with several pools.",
      instead: "`npm run dev` reloads. Workers have one pool, whose size is `WORKER_CONCURRENCY`.",
      tests: {
        "flows/start.test.ts": [
          "npm run dev restarts the API and the worker after a change, but not the database",
        ],
        "flows/workers.test.ts": ["a worker serves its configured queues with their concurrency"],
      },
    },
    {
      text: "In a cluster, a shared volume or S3 for files.",
      instead: "Not needed: any worker reads rows and files from PostgreSQL.",
      tests: { "flows/worker-stopped.test.ts": ["two workers share one batch"] },
    },
    {
      text: "More concurrency to process several files at once.",
      tests: {
        "flows/workers.test.ts": ["a worker serves its configured queues with their concurrency"],
        "batches/process/fairness.test.ts": ["one user's slow chunks leave a place for another user's rows"],
      },
    },
    {
      text: "Gunicorn, and supervisor or systemd.",
      instead: "`npm start` restarts programs that end; docs/operations/running.md has units for systemd.",
      tests: {
        "flows/start.test.ts": [
          "npm start replaces a killed worker",
          "npm start replaces a killed API",
          "SIGTERM stops the API, the worker and the database in order",
        ],
      },
    },
    {
      text: "Lost connections are replaced, and the database has enough of them.",
      tests: {
        "flows/database-restart.test.ts": ["terminated database sessions lose no row of a batch"],
        "batches/process/fairness.test.ts": ["a worker has connections for all its jobs and heartbeats"],
        "config/config.unit.test.ts": ["a pool too small for the worker concurrency is refused"],
      },
    },
  ],
};
