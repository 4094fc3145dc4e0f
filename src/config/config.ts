/** Reads process.env, once per program; no other file does. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import { connectionsNeeded } from "./connections.ts";
import { readMailConfig } from "./mail.ts";
import { readSettings } from "./read-settings.ts";
import { secretKeys } from "./secret-settings.ts";
import { Settings } from "./settings.ts";
import { storedSecret } from "./stored-secret.ts";
import { tableTargets } from "./table-settings.ts";
import { tracingOf } from "./tracing-settings.ts";
import { egressOf, webhookLimits } from "./webhook-settings.ts";

export type Config = ReturnType<typeof loadConfig>;

/**
 * Reads the environment, and a `.env` file in the working directory, which never overrides the environment.
 * @throws ConfigError that names the setting, its value and the rule
 */
export function loadConfig(env: NodeJS.ProcessEnv = fromProcess()) {
  const settings = readSettings(Settings, env);
  if (settings.DATABASE_URL && !settings.JWT_SECRET) {
    throw new ConfigError(
      "JWT_SECRET: required if DATABASE_URL is set, with the same value for every program. " +
        "Generate one: openssl rand -base64 48",
    );
  }
  const workerQueues = parseQueues(settings.WORKER_QUEUES, settings.WORKER_CONCURRENCY);
  const maxConcurrency = Math.max(...(workerQueues?.values() ?? [settings.WORKER_CONCURRENCY]));
  const needed = connectionsNeeded(maxConcurrency);
  if (settings.DATABASE_POOL_MAX < needed) {
    throw new ConfigError(
      `DATABASE_POOL_MAX: ${settings.DATABASE_POOL_MAX} is too few for ${maxConcurrency} jobs at a time ` +
        `(WORKER_CONCURRENCY, WORKER_QUEUES), which need ${needed}.`,
    );
  }
  if (settings.BACKUP_CRON && settings.DATABASE_BACKEND !== "postgres") {
    throw new ConfigError(
      `BACKUP_CRON: backups need one PostgreSQL server. Use the tools of ${settings.DATABASE_BACKEND} instead.`,
    );
  }
  if (settings.DATABASE_READ_URL && (!settings.DATABASE_URL || settings.DATABASE_BACKEND !== "postgres")) {
    throw new ConfigError(
      "DATABASE_READ_URL: needs DATABASE_URL, and one PostgreSQL server (DATABASE_BACKEND=postgres).",
    );
  }
  const dataDir = resolve(settings.DATA_DIR);
  return {
    databaseUrl: settings.DATABASE_URL,
    databaseBackend: settings.DATABASE_BACKEND,
    databaseReadUrl: settings.DATABASE_READ_URL,
    databaseReadMaxLagSeconds: settings.DATABASE_READ_MAX_LAG_SECONDS,
    databasePoolMax: settings.DATABASE_POOL_MAX,
    dataDir,
    host: settings.HOST,
    port: settings.PORT,
    publicUrl:
      settings.PUBLIC_URL ||
      `http://${settings.HOST.includes(":") ? `[${settings.HOST}]` : settings.HOST}:${settings.PORT}`,
    trustProxy: settings.TRUST_PROXY,
    jwtSecret: settings.JWT_SECRET || storedSecret(join(dataDir, "jwt-secret")),
    secretKeys: secretKeys(settings, dataDir),
    accessTokenTtlSeconds: settings.ACCESS_TOKEN_TTL_SECONDS,
    refreshTokenTtlSeconds: settings.REFRESH_TOKEN_TTL_SECONDS,
    sessionMaxDays: settings.SESSION_MAX_DAYS,
    passwordMinLength: settings.PASSWORD_MIN_LENGTH,
    signupsPerHour: settings.SIGNUPS_PER_HOUR || Number.POSITIVE_INFINITY,
    passwordResetsPerHour: settings.PASSWORD_RESETS_PER_HOUR || Number.POSITIVE_INFINITY,
    mail: readMailConfig(settings),
    rowDelayMs: settings.ROW_DELAY_MS,
    maxRowDelayMs: settings.MAX_ROW_DELAY_MS,
    minChunkRows: settings.CHUNK_MIN_ROWS,
    rowTimeoutSeconds: settings.ROW_TIMEOUT_SECONDS,
    rowMaxRetries: settings.ROW_MAX_RETRIES,
    alertWaitingJobs: settings.ALERT_WAITING_JOBS || Number.POSITIVE_INFINITY,
    workerConcurrency: settings.WORKER_CONCURRENCY,
    workerUserConcurrency: settings.WORKER_USER_CONCURRENCY || Number.POSITIVE_INFINITY,
    workerQueues,
    maxConcurrency,
    workerPort: settings.WORKER_PORT,
    metricsPort: settings.METRICS_PORT,
    workerStopSeconds: settings.WORKER_STOP_SECONDS,
    taskMaxRetries: settings.TASK_MAX_RETRIES,
    maxGenericSeconds: settings.MAX_GENERIC_SECONDS,
    genericTaskSeconds: parseRange(settings.GENERIC_TASK_SECONDS),
    uploadMaxBytes: settings.UPLOAD_MAX_BYTES || Number.POSITIVE_INFINITY,
    workbookMaxBytes: settings.WORKBOOK_MAX_BYTES,
    uploadMaxColumns: settings.UPLOAD_MAX_COLUMNS,
    uploadMaxRows: settings.UPLOAD_MAX_ROWS,
    headerNameMaxBytes: settings.HEADER_NAME_MAX_BYTES,
    cellMaxBytes: settings.CELL_MAX_BYTES,
    uploadMinBytesPerSecond: settings.UPLOAD_MIN_BYTES_PER_SECOND,
    bodyTimeoutSeconds: settings.BODY_TIMEOUT_SECONDS,
    bodyMemoryBytes: settings.BODY_MEMORY_BYTES,
    connectionsPerAddress: settings.CONNECTIONS_PER_ADDRESS,
    requestsPerUser: settings.REQUESTS_PER_USER,
    requestsPerAddress: settings.REQUESTS_PER_ADDRESS,
    searchesPerUser: settings.SEARCHES_PER_USER,
    uploadsPerUser: settings.UPLOADS_PER_USER,
    eventStreamsPerUser: settings.EVENT_STREAMS_PER_USER,
    readTimeoutSeconds: settings.READ_TIMEOUT_SECONDS,
    pictureMaxBytes: settings.PICTURE_MAX_BYTES,
    pictureMaxPixels: settings.PICTURE_MAX_PIXELS,
    fileMaxBytes: settings.FILE_MAX_BYTES,
    filesQuotaBytes: settings.FILES_QUOTA_BYTES || Number.POSITIVE_INFINITY,
    maxBatchesPerUser: settings.MAX_BATCHES_PER_USER || Number.POSITIVE_INFINITY,
    maxRowsPerUser: settings.MAX_ROWS_PER_USER || Number.POSITIVE_INFINITY,
    batchesQuotaBytes: settings.BATCHES_QUOTA_BYTES || Number.POSITIVE_INFINITY,
    maxRecordsPerUser: settings.MAX_RECORDS_PER_USER || Number.POSITIVE_INFINITY,
    maxTasksPerUser: settings.MAX_TASKS_PER_USER || Number.POSITIVE_INFINITY,
    maxWorkflowsPerUser: settings.MAX_WORKFLOWS_PER_USER || Number.POSITIVE_INFINITY,
    maxOpenTasksPerUser: settings.MAX_OPEN_TASKS_PER_USER || Number.POSITIVE_INFINITY,
    maxSchedulesPerUser: settings.MAX_SCHEDULES_PER_USER || Number.POSITIVE_INFINITY,
    maxFilesPerUser: settings.MAX_FILES_PER_USER || Number.POSITIVE_INFINITY,
    filesRoot: settings.FILES_ROOT && resolve(settings.FILES_ROOT),
    answerMemoryBytes: settings.ANSWER_MEMORY_BYTES,
    retentionDays: settings.RETENTION_DAYS,
    cleanupCron: settings.CLEANUP_CRON,
    requestLog: settings.REQUEST_LOG === "on",
    requestLogAddress: settings.REQUEST_LOG_ADDRESS,
    requestLogDays: settings.REQUEST_LOG_DAYS,
    auditLogDays: settings.AUDIT_LOG_DAYS,
    dailyReportCron: settings.DAILY_REPORT_CRON,
    weeklyReportCron: settings.WEEKLY_REPORT_CRON,
    webhooks: webhookLimits(settings),
    egress: egressOf(settings),
    tableTargets: tableTargets(settings),
    httpTasks: settings.HTTP_TASKS,
    backupCron: settings.BACKUP_CRON,
    backupTo: settings.BACKUP_TO,
    backupFolder: join(dataDir, "backups"),
    backupKeep: settings.BACKUP_KEEP,
    backupRequestLog: settings.BACKUP_REQUEST_LOG === "on",
    backupMaxSeconds: settings.BACKUP_MAX_SECONDS,
    logLevel: settings.LOG_LEVEL,
    logFormat: settings.LOG_FORMAT,
    tracing: tracingOf(settings),
    /** The environment, for legacy endpoints, which read their own settings. */
    env,
  } as const;
}

/** Returns the environment of a child process: the same settings, with the database and the keys of this program. */
export function environmentFor(config: Config, databaseUrl: string, overrides: NodeJS.ProcessEnv = {}) {
  const keys = { JWT_SECRET: config.jwtSecret, SECRETS_KEY: config.secretKeys.current };
  return { ...process.env, DATABASE_URL: databaseUrl, ...keys, ...overrides };
}

/** Returns the environment of a build: libraries are built for production, whatever the shell says. */
export function buildEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, NODE_ENV: "production" };
}

/** Maps each queue to its concurrency; null serves all queues with the default concurrency. */
function parseQueues(text: string, concurrency: number): ReadonlyMap<string, number> | null {
  if (text === "all") return null;
  const queues = text.split(",").map((part) => part.split(":"));
  return new Map(queues.map(([name = "", own]) => [name, own ? Number(own) : concurrency]));
}

function parseRange(text: string): readonly [min: number, max: number] {
  const [min = 0, max = min] = text.split("-").map(Number);
  return [Math.min(min, max), Math.max(min, max)];
}

function fromProcess(): NodeJS.ProcessEnv {
  if (existsSync(".env")) process.loadEnvFile(".env");
  return process.env;
}

/** Returns the environment of a program that needs a database. @throws ConfigError if DATABASE_URL is not set */
export function requireDatabaseUrl(env: NodeJS.ProcessEnv = fromProcess()): NodeJS.ProcessEnv {
  if (env.DATABASE_URL?.trim()) return env;
  throw new ConfigError(
    "DATABASE_URL: required to run this program alone. `npm start` runs all programs with an embedded database.",
  );
}
