/** All environment variables. `npm run docs` writes docs/operations/configuration.md and .env.example from this table. */
import Type from "typebox";
import { databaseSettings } from "./database-settings.ts";
import { httpTaskSettings } from "./http-task-settings.ts";
import { mailSettings } from "./mail.ts";
import { MiB, quotas } from "./quotas.ts";
import { requestLimits } from "./request-limits.ts";
import { requestLog } from "./request-log.ts";
import { secretSettings } from "./secret-settings.ts";
import { tableSettings } from "./table-settings.ts";
import { tracingSettings } from "./tracing-settings.ts";
import { webhookSettings } from "./webhook-settings.ts";

export const Settings = Type.Object({
  ...databaseSettings,
  DATA_DIR: Type.String({
    default: ".data",
    minLength: 1,
    description: "Folder of the embedded database and the generated JWT_SECRET and SECRETS_KEY.",
  }),
  HOST: Type.String({ default: "127.0.0.1", minLength: 1, description: "Address that the API listens on." }),
  PORT: Type.Integer({
    default: 8000,
    minimum: 0,
    maximum: 65535,
    description: "Port that the API listens on.",
  }),
  PUBLIC_URL: Type.String({
    default: "",
    pattern: "^$|^https?://[^/]+$",
    description:
      "Base URL that clients use, such as `https://rowmill.example.com`. If unset, `http://HOST:PORT`.",
  }),
  TRUST_PROXY: Type.String({
    default: "",
    pattern:
      "^$|^(loopback|linklocal|uniquelocal|[0-9a-fA-F:.]+(/[0-9]+)?)(,(loopback|linklocal|uniquelocal|[0-9a-fA-F:.]+(/[0-9]+)?))*$",
    description:
      "Reverse proxies whose `X-Forwarded-*` headers are trusted: addresses or CIDR ranges, separated by commas.",
  }),
  JWT_SECRET: Type.String({
    default: "",
    pattern: "^$|^[^]{32,}$",
    description:
      "Signs access tokens; at least 32 characters. Required with DATABASE_URL, otherwise generated in DATA_DIR.",
  }),
  ...secretSettings,
  ACCESS_TOKEN_TTL_SECONDS: Type.Integer({
    default: 3600,
    minimum: 1,
    maximum: 86_400 * 365,
    description: "Lifetime of an access token in seconds.",
  }),
  REFRESH_TOKEN_TTL_SECONDS: Type.Integer({
    default: 86_400 * 30,
    minimum: 1,
    maximum: 86_400 * 3650,
    description: "Lifetime of a refresh token in seconds; each refresh returns a new token.",
  }),
  SESSION_MAX_DAYS: Type.Integer({
    default: 365,
    minimum: 1,
    maximum: 36_500,
    description: "Days after a login until a refresh is refused, however often the session is used.",
  }),
  PASSWORD_MIN_LENGTH: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 128,
    description:
      "Minimum password length; 1 also accepts common passwords. If unset, the legacy endpoint `/signup/` accepts any.",
  }),
  SIGNUPS_PER_HOUR: Type.Integer({
    default: 100,
    minimum: 0,
    maximum: 1_000_000,
    description: "Accounts that one address (IPv6: one /64) can create per hour; 0 means no limit.",
  }),
  ROW_DELAY_MS: Type.Integer({
    default: 500,
    minimum: 0,
    maximum: 600_000,
    description: "Simulated processing time per row in milliseconds; the rows of a chunk wait in parallel.",
  }),
  MAX_ROW_DELAY_MS: Type.Integer({
    default: 600_000,
    minimum: 0,
    maximum: 600_000,
    description: "Maximum `row_delay_ms` of an upload, in milliseconds.",
  }),
  CHUNK_MIN_ROWS: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 5000,
    description:
      "Rows of a chunk, at least, if the database writes them together, without a delay. Each chunk is a job.",
  }),
  ROW_TIMEOUT_SECONDS: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 600,
    description: "Time in seconds that a row-wise target has for one row; then the row is retried.",
  }),
  ROW_MAX_RETRIES: Type.Integer({
    default: 3,
    minimum: 0,
    maximum: 20,
    description: "Retries per row after transient failures, with exponential backoff.",
  }),
  ALERT_WAITING_JOBS: Type.Integer({
    default: 50_000,
    minimum: 0,
    description: "Admins are alerted if more jobs than this wait in a queue; 0: never.",
  }),
  WORKER_CONCURRENCY: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 500,
    description:
      "Jobs of one kind that a worker runs at a time; one more slot serves users with nothing running.",
  }),
  WORKER_USER_CONCURRENCY: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 500,
    description: "Jobs of one kind that a worker runs at a time for one user; 0 means WORKER_CONCURRENCY.",
  }),
  WORKER_QUEUES: Type.String({
    default: "all",
    pattern: "^(all|[a-z_]+(:[1-9][0-9]{0,2})?(,[a-z_]+(:[1-9][0-9]{0,2})?)*)$",
    description:
      "Queues that a worker serves: `all`, or a list such as `default,file_processing:2` (`:2` sets the concurrency).",
  }),
  WORKER_PORT: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 65535,
    description: "Port of a worker's `/livez`, `/readyz` and `/metrics` on HOST; 0 disables them.",
  }),
  METRICS_PORT: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 65535,
    description:
      "Port of an API's `/metrics`, `/livez` and `/readyz` on HOST, without credentials; 0 disables it.",
  }),
  WORKER_STOP_SECONDS: Type.Integer({
    default: 20,
    minimum: 0,
    maximum: 25,
    description: "Seconds that a stopping worker waits for running jobs before it returns them to the queue.",
  }),
  TASK_MAX_RETRIES: Type.Integer({
    default: 3,
    minimum: 0,
    maximum: 20,
    description: "Retries per task after transient failures, with exponential backoff.",
  }),
  GENERIC_TASK_SECONDS: Type.String({
    default: "10-20",
    pattern: "^[0-9]{1,4}(-[0-9]{1,4})?$",
    description: "Simulated duration of a `generic` task in seconds, or a range to draw from at random.",
  }),
  MAX_GENERIC_SECONDS: Type.Integer({
    default: 3600,
    minimum: 0,
    maximum: 3600,
    description: "Maximum `seconds` of a `generic` task.",
  }),
  UPLOAD_MAX_BYTES: Type.Integer({
    default: 10_240 * MiB,
    minimum: 0,
    description: "Maximum size of a CSV upload in bytes, also unpacked; 0 means no limit.",
  }),
  WORKBOOK_MAX_BYTES: Type.Integer({
    default: 256 * MiB,
    minimum: 1,
    maximum: 4096 * MiB,
    description: "Maximum size of an .xlsx upload in bytes. It is stored until its rows are read.",
  }),
  UPLOAD_MAX_COLUMNS: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 16_000,
    description: "Maximum columns per row.",
  }),
  UPLOAD_MAX_ROWS: Type.Integer({
    default: 100_000_000,
    minimum: 1,
    maximum: 2_000_000_000,
    description: "Maximum rows per file, not counting the header.",
  }),
  HEADER_NAME_MAX_BYTES: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 100_000,
    description: "Maximum length of a column name in bytes.",
  }),
  CELL_MAX_BYTES: Type.Integer({
    default: MiB,
    minimum: 1,
    maximum: 64 * MiB,
    description: "Maximum size of a cell in bytes; a whole row may have four times that.",
  }),
  ...requestLimits,
  PICTURE_MAX_BYTES: Type.Integer({
    default: 10 * MiB,
    minimum: 1,
    maximum: 100 * MiB,
    description: "Maximum size of an uploaded book picture in bytes.",
  }),
  PICTURE_MAX_PIXELS: Type.Integer({
    default: 50_000_000,
    minimum: 1,
    maximum: 250_000_000,
    description: "Maximum pixels of a picture, summed over its frames.",
  }),
  FILE_MAX_BYTES: Type.Integer({
    default: 1024 * MiB,
    minimum: 1,
    description: "Maximum size of a file at `/api/v1/files` in bytes.",
  }),
  ...quotas,
  FILES_ROOT: Type.String({
    default: "",
    description:
      "Folder that tasks may read by `file_path`, shared by the API and all workers. If unset, only uploaded files.",
  }),
  ...mailSettings,
  RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 36_500,
    description: "Days to keep finished batches, finished tasks and unused files.",
  }),
  CLEANUP_CRON: Type.String({
    default: "0 0 * * *",
    pattern: "^([0-9*,/-]+ ){4}[0-9*,/-]+$",
    description: "When to delete expired data, as a cron expression in UTC.",
  }),
  ...requestLog,
  ...webhookSettings,
  ...httpTaskSettings,
  BACKUP_CRON: Type.String({
    default: "",
    pattern: "^$|^([0-9*,/-]+ ){4}[0-9*,/-]+$",
    description:
      "When to back up, as a cron expression in UTC such as `0 2 * * *`. If unset, only on request.",
  }),
  BACKUP_TO: Type.Enum(["folder", "files"], {
    default: "folder",
    description:
      "folder: DATA_DIR/backups of the host that runs the backup. files: the database, as a file of the admin who started it.",
  }),
  BACKUP_KEEP: Type.Integer({
    default: 7,
    minimum: 1,
    maximum: 1000,
    description: "Backups to keep in each place; a new backup removes older ones.",
  }),
  BACKUP_REQUEST_LOG: Type.Enum(["on", "off"], {
    default: "off",
    description: "on: backups also contain the request log, the largest table of a busy installation.",
  }),
  BACKUP_MAX_SECONDS: Type.Integer({
    default: 3600,
    minimum: 10,
    maximum: 79_200,
    description: "Time limit of a backup in seconds. Until it ends, PostgreSQL cannot remove dead rows.",
  }),
  LOG_LEVEL: Type.Enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    default: "info",
    description: "Least severe log level: fatal, error, warn, info, debug, trace or silent.",
  }),
  LOG_FORMAT: Type.Enum(["auto", "json", "pretty"], {
    default: "auto",
    description:
      "json: one object per line. pretty: lines for people. auto: pretty at a terminal, else json.",
  }),
  ...tableSettings,
  ...tracingSettings,
});
