/** Every variable, its default and its meaning. README.md and .env.example are checked against this table. */
import Type from "typebox";

const MiB = 2 ** 20;

export const Settings = Type.Object({
  DATABASE_URL: Type.String({
    default: "",
    pattern: "^$|^postgres(ql)?://",
    description: "PostgreSQL 15 or later. Unset: `npm start` runs an embedded PostgreSQL 18 in DATA_DIR.",
  }),
  DATABASE_BACKEND: Type.Enum(["postgres", "citus", "yugabytedb", "cockroachdb"], {
    default: "postgres",
    description: "The kind of database behind DATABASE_URL: postgres, citus, yugabytedb or cockroachdb.",
  }),
  DATABASE_POOL_MAX: Type.Integer({
    default: 16,
    minimum: 8,
    maximum: 1000,
    description: "The most connections one process opens, apart from one that listens.",
  }),
  DATA_DIR: Type.String({
    default: ".data",
    minLength: 1,
    description: "Where the embedded database and the generated secret live.",
  }),
  HOST: Type.String({ default: "127.0.0.1", minLength: 1, description: "The address the API listens on." }),
  PORT: Type.Integer({
    default: 8000,
    minimum: 0,
    maximum: 65535,
    description: "The port the API listens on.",
  }),
  PUBLIC_URL: Type.String({
    default: "",
    pattern: "^$|^https?://[^/]+$",
    description: "How clients reach the API, as `https://rowmill.example.com`. Unset: `http://HOST:PORT`.",
  }),
  TRUST_PROXY: Type.String({
    default: "",
    pattern:
      "^$|^(loopback|linklocal|uniquelocal|[0-9a-fA-F:.]+(/[0-9]+)?)(,(loopback|linklocal|uniquelocal|[0-9a-fA-F:.]+(/[0-9]+)?))*$",
    description: "Addresses or CIDR ranges of reverse proxies whose `X-Forwarded-*` headers count.",
  }),
  JWT_SECRET: Type.String({
    default: "",
    pattern: "^$|^[^]{32,}$",
    description:
      "Signs access tokens; 32 characters or more. Required with DATABASE_URL, else kept in DATA_DIR.",
  }),
  ACCESS_TOKEN_TTL_SECONDS: Type.Integer({
    default: 3600,
    minimum: 1,
    maximum: 86_400 * 365,
    description: "How long an access token is valid.",
  }),
  REFRESH_TOKEN_TTL_SECONDS: Type.Integer({
    default: 86_400 * 30,
    minimum: 1,
    maximum: 86_400 * 3650,
    description: "How long a refresh token is valid; each refresh gives a new one.",
  }),
  PASSWORD_MIN_LENGTH: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 128,
    description:
      "Shortest password. While unset, the legacy endpoint `/signup/` takes any that is not empty.",
  }),
  ROW_DELAY_MS: Type.Integer({
    default: 500,
    minimum: 0,
    maximum: 600_000,
    description: "Simulated processing time of one row; the rows of a chunk run side by side.",
  }),
  ROW_MAX_RETRIES: Type.Integer({
    default: 3,
    minimum: 0,
    maximum: 20,
    description: "How often a row is tried again after a transient failure, with exponential backoff.",
  }),
  WORKER_CONCURRENCY: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 500,
    description:
      "How many jobs of one kind and one user a worker process handles at a time; one more place is for others.",
  }),
  WORKER_QUEUES: Type.String({
    default: "all",
    pattern: "^(all|[a-z_]+(:[1-9][0-9]{0,2})?(,[a-z_]+(:[1-9][0-9]{0,2})?)*)$",
    description:
      "The queues this worker takes: `all`, or names with commas between them, `file_processing:2` with a concurrency of its own.",
  }),
  WORKER_PORT: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 65535,
    description: "Where a worker answers `/livez`, `/readyz` and `/metrics`, on HOST; 0: nowhere.",
  }),
  TASK_MAX_RETRIES: Type.Integer({
    default: 3,
    minimum: 0,
    maximum: 20,
    description: "How often a task is tried again after a failure that may pass, with exponential backoff.",
  }),
  GENERIC_TASK_SECONDS: Type.String({
    default: "10-20",
    pattern: "^[0-9]{1,4}(-[0-9]{1,4})?$",
    description: "How long a `generic` task simulates work: seconds, or a range that is drawn from.",
  }),
  UPLOAD_MAX_BYTES: Type.Integer({
    default: 10_240 * MiB,
    minimum: 0,
    description: "Largest upload in bytes; 0 sets no limit.",
  }),
  UPLOAD_MAX_COLUMNS: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 16_000,
    description: "Most columns in a row.",
  }),
  UPLOAD_MAX_ROWS: Type.Integer({
    default: 100_000_000,
    minimum: 1,
    maximum: 2_000_000_000,
    description: "Most rows in a file, without its header.",
  }),
  HEADER_NAME_MAX_BYTES: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 100_000,
    description: "Longest name of a column in bytes.",
  }),
  CELL_MAX_BYTES: Type.Integer({
    default: MiB,
    minimum: 1,
    maximum: 64 * MiB,
    description: "Largest cell in bytes; a whole row may have four times that.",
  }),
  PICTURE_MAX_BYTES: Type.Integer({
    default: 10 * MiB,
    minimum: 1,
    maximum: 100 * MiB,
    description: "Largest picture of a book in bytes, as it is sent.",
  }),
  PICTURE_MAX_PIXELS: Type.Integer({
    default: 50_000_000,
    minimum: 1,
    maximum: 250_000_000,
    description: "Most pixels in a picture, those of all its frames together.",
  }),
  FILE_MAX_BYTES: Type.Integer({
    default: 1024 * MiB,
    minimum: 1,
    description: "Largest file that `/api/v1/files` takes, in bytes.",
  }),
  FILES_QUOTA_BYTES: Type.Integer({
    default: 10_240 * MiB,
    minimum: 0,
    description:
      "What one user's files may have together, results of tasks included, in bytes; 0 sets no limit.",
  }),
  FILES_ROOT: Type.String({
    default: "",
    description:
      "A folder whose files tasks may name in `file_path`, the same for the API and its workers. Unset: only uploaded files.",
  }),
  RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 36_500,
    description:
      "Batches and tasks that ended longer ago are removed with all that is theirs, and uploaded files that none needs.",
  }),
  CLEANUP_CRON: Type.String({
    default: "0 0 * * *",
    pattern: "^([0-9*,/-]+ ){4}[0-9*,/-]+$",
    description: "When that daily cleanup runs, as a cron expression in UTC.",
  }),
  LOG_LEVEL: Type.Enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    default: "info",
    description: "fatal, error, warn, info, debug, trace or silent.",
  }),
});
