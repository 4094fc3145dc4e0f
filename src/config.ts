/** Reads process.env, once per program; no other file does. */
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import { ConfigError } from "./errors.ts";
import { Settings } from "./settings.ts";

const settingsCheck = Compile(Settings);

const WHOLE_NUMBER = /^-?\d{1,15}$/;

export type Config = ReturnType<typeof loadConfig>;

/**
 * Reads the environment, and a `.env` file in the working directory, which never overrides the environment.
 * @throws ConfigError that names the setting, its value and the rule
 */
export function loadConfig(env: NodeJS.ProcessEnv = fromProcess()) {
  const given = Object.fromEntries(
    Object.keys(Settings.properties).flatMap((name) => (env[name]?.trim() ? [[name, env[name].trim()]] : [])),
  );
  const typed = Object.entries(given).map(([name, text]) => [
    name,
    isInteger(name) && WHOLE_NUMBER.test(text) ? Number(text) : text,
  ]);
  const settings = Value.Default(Settings, Object.fromEntries(typed)) as Static<typeof Settings>;
  const [problem] = settingsCheck.Errors(settings);
  if (problem) {
    const name = problem.instancePath.slice(1);
    const shown =
      name === "JWT_SECRET" || name === "DATABASE_URL" ? "the given value" : JSON.stringify(given[name]);
    throw new ConfigError(`${name}: ${shown} ${ruleOf(problem)}. ${describeSetting(name)}`);
  }
  if (settings.DATABASE_URL && !settings.JWT_SECRET) {
    throw new ConfigError(
      "JWT_SECRET: required if DATABASE_URL is set, with the same value for every program. " +
        "Generate one: openssl rand -base64 48",
    );
  }
  const workerQueues = parseQueues(settings.WORKER_QUEUES, settings.WORKER_CONCURRENCY);
  const maxConcurrency = Math.max(...(workerQueues?.values() ?? [settings.WORKER_CONCURRENCY]));
  // Chunks and whole batches, as many of each at a time; context.ts tells what the others are for.
  const connectionsNeeded = 2 * (maxConcurrency + 1) + 6;
  if (settings.DATABASE_POOL_MAX < connectionsNeeded) {
    throw new ConfigError(
      `DATABASE_POOL_MAX: ${settings.DATABASE_POOL_MAX} is too few for ${maxConcurrency} jobs at a time ` +
        `(WORKER_CONCURRENCY, WORKER_QUEUES), which need ${connectionsNeeded}.`,
    );
  }
  const dataDir = resolve(settings.DATA_DIR);
  return {
    databaseUrl: settings.DATABASE_URL,
    databaseBackend: settings.DATABASE_BACKEND,
    databasePoolMax: settings.DATABASE_POOL_MAX,
    dataDir,
    host: settings.HOST,
    port: settings.PORT,
    publicUrl:
      settings.PUBLIC_URL ||
      `http://${settings.HOST.includes(":") ? `[${settings.HOST}]` : settings.HOST}:${settings.PORT}`,
    trustProxy: settings.TRUST_PROXY,
    jwtSecret: settings.JWT_SECRET || keptSecret(dataDir),
    accessTokenTtlSeconds: settings.ACCESS_TOKEN_TTL_SECONDS,
    refreshTokenTtlSeconds: settings.REFRESH_TOKEN_TTL_SECONDS,
    passwordMinLength: settings.PASSWORD_MIN_LENGTH,
    seedPasswordMinLength: given.PASSWORD_MIN_LENGTH ? settings.PASSWORD_MIN_LENGTH : 1,
    rowDelayMs: settings.ROW_DELAY_MS,
    rowMaxRetries: settings.ROW_MAX_RETRIES,
    workerConcurrency: settings.WORKER_CONCURRENCY,
    workerQueues,
    maxConcurrency,
    workerPort: settings.WORKER_PORT,
    workerStopSeconds: settings.WORKER_STOP_SECONDS,
    taskMaxRetries: settings.TASK_MAX_RETRIES,
    genericTaskSeconds: parseRange(settings.GENERIC_TASK_SECONDS),
    anonymousUploads: settings.ANONYMOUS_UPLOADS === "true",
    uploadMaxBytes: settings.UPLOAD_MAX_BYTES || Number.POSITIVE_INFINITY,
    uploadMaxColumns: settings.UPLOAD_MAX_COLUMNS,
    uploadMaxRows: settings.UPLOAD_MAX_ROWS,
    headerNameMaxBytes: settings.HEADER_NAME_MAX_BYTES,
    cellMaxBytes: settings.CELL_MAX_BYTES,
    pictureMaxBytes: settings.PICTURE_MAX_BYTES,
    pictureMaxPixels: settings.PICTURE_MAX_PIXELS,
    fileMaxBytes: settings.FILE_MAX_BYTES,
    filesQuotaBytes: settings.FILES_QUOTA_BYTES || Number.POSITIVE_INFINITY,
    filesRoot: settings.FILES_ROOT && resolve(settings.FILES_ROOT),
    retentionDays: settings.RETENTION_DAYS,
    cleanupCron: settings.CLEANUP_CRON,
    logLevel: settings.LOG_LEVEL,
    logFormat: settings.LOG_FORMAT,
  } as const;
}

/** Returns the environment of a child process: the same settings, with the database and secret of this program. */
export function environmentFor(config: Config, databaseUrl: string, overrides: NodeJS.ProcessEnv = {}) {
  return { ...process.env, DATABASE_URL: databaseUrl, JWT_SECRET: config.jwtSecret, ...overrides };
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

function isInteger(name: string): boolean {
  return Type.IsInteger(Settings.properties[name as keyof typeof Settings.properties]);
}

type Problem = ReturnType<typeof settingsCheck.Errors>[number];

function ruleOf({ keyword, params }: Problem): string {
  if (keyword === "type") return "is not a whole number";
  if (keyword === "minimum" && "limit" in params) return `is less than ${params.limit}`;
  if (keyword === "maximum" && "limit" in params) return `is more than ${params.limit}`;
  if (keyword === "enum" && "allowedValues" in params)
    return `is not one of: ${params.allowedValues.join(", ")}`;
  return "has the wrong format";
}

function describeSetting(name: string): string {
  const rule: object | undefined = Settings.properties[name as keyof typeof Settings.properties];
  return rule && "description" in rule ? String(rule.description) : "";
}

function fromProcess(): NodeJS.ProcessEnv {
  if (existsSync(".env")) process.loadEnvFile(".env");
  return process.env;
}

/** Generates a secret once and keeps it in DATA_DIR, so that tokens stay valid after a restart. */
function keptSecret(dataDir: string): string {
  const path = join(dataDir, "jwt-secret");
  if (!existsSync(path)) {
    mkdirSync(dataDir, { recursive: true });
    // A link appears with its whole content. If two programs start at the same time, the first link wins.
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, randomBytes(48).toString("base64url"), { mode: 0o600 });
    try {
      linkSync(draft, path);
    } catch (error) {
      if (!existsSync(path)) throw error;
    } finally {
      rmSync(draft);
    }
  }
  return readFileSync(path, "utf8");
}

/** Returns the environment of a program that needs a database. @throws ConfigError if DATABASE_URL is not set */
export function requireDatabaseUrl(env: NodeJS.ProcessEnv = fromProcess()): NodeJS.ProcessEnv {
  if (env.DATABASE_URL?.trim()) return env;
  throw new ConfigError(
    "DATABASE_URL: required to run this program alone. `npm start` runs all programs with an embedded database.",
  );
}
