/** The only reader of process.env. Parsed once by each program and passed on; a bad value names its variable. */
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import { ConfigError } from "./errors.ts";

const MiB = 2 ** 20;

/** Every variable, its default and its meaning. README.md and .env.example are checked against this table. */
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
    description: "Shortest password. While unset, the seed endpoint `/signup/` takes any that is not empty.",
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
      "How many chunks of one user a worker process handles at a time; one more place is for others.",
  }),
  WORKER_QUEUES: Type.String({
    default: "all",
    pattern: "^all$|^[a-z_]+(,[a-z_]+)*$",
    description: "The queues this worker takes: `all`, or names with commas between them.",
  }),
  ANONYMOUS_UPLOADS: Type.Enum(["true", "false"], {
    default: "false",
    description: "Whether `POST /upload` takes a CSV without a login; anybody can then read what came of it.",
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
  RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 36_500,
    description: "Finished batches older than this are removed with their rows, results and jobs.",
  }),
  CLEANUP_CRON: Type.String({
    default: "0 3 * * *",
    pattern: "^([0-9*,/-]+ ){4}[0-9*,/-]+$",
    description: "When that daily cleanup runs, as a cron expression in UTC.",
  }),
  LOG_LEVEL: Type.Enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    default: "info",
    description: "fatal, error, warn, info, debug, trace or silent.",
  }),
});

const settingsCheck = Compile(Settings);

const WHOLE_NUMBER = /^-?\d{1,15}$/;

export type Config = ReturnType<typeof loadConfig>;

/**
 * Reads the environment (and a `.env` file in the working directory, which never overrides it).
 * @throws ConfigError that names the variable, what it must be and what it was
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
    throw new ConfigError(`${name}: ${shown} ${problem.message}. ${describeSetting(name)}`);
  }
  if (settings.DATABASE_URL && !settings.JWT_SECRET) {
    throw new ConfigError(
      "JWT_SECRET: required where DATABASE_URL is set, the same for every process; " +
        "make one with: openssl rand -base64 48",
    );
  }
  // Chunks and whole batches, as many of each at a time; context.ts tells what the others are for.
  const connectionsNeeded = 2 * (settings.WORKER_CONCURRENCY + 1) + 6;
  if (settings.DATABASE_POOL_MAX < connectionsNeeded) {
    throw new ConfigError(
      `DATABASE_POOL_MAX: ${settings.DATABASE_POOL_MAX} is too few for WORKER_CONCURRENCY ` +
        `${settings.WORKER_CONCURRENCY}, which needs ${connectionsNeeded}.`,
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
    workerQueues: settings.WORKER_QUEUES === "all" ? null : settings.WORKER_QUEUES.split(","),
    anonymousUploads: settings.ANONYMOUS_UPLOADS === "true",
    uploadMaxBytes: settings.UPLOAD_MAX_BYTES || Number.POSITIVE_INFINITY,
    uploadMaxColumns: settings.UPLOAD_MAX_COLUMNS,
    uploadMaxRows: settings.UPLOAD_MAX_ROWS,
    headerNameMaxBytes: settings.HEADER_NAME_MAX_BYTES,
    cellMaxBytes: settings.CELL_MAX_BYTES,
    pictureMaxBytes: settings.PICTURE_MAX_BYTES,
    pictureMaxPixels: settings.PICTURE_MAX_PIXELS,
    retentionDays: settings.RETENTION_DAYS,
    cleanupCron: settings.CLEANUP_CRON,
    logLevel: settings.LOG_LEVEL,
  } as const;
}

/** The environment for a program started by this one: the same settings, on the database that was found. */
export function environmentFor(config: Config, databaseUrl: string, overrides: NodeJS.ProcessEnv = {}) {
  return { ...process.env, DATABASE_URL: databaseUrl, JWT_SECRET: config.jwtSecret, ...overrides };
}

function isInteger(name: string): boolean {
  return Type.IsInteger(Settings.properties[name as keyof typeof Settings.properties]);
}

function describeSetting(name: string): string {
  const rule: object | undefined = Settings.properties[name as keyof typeof Settings.properties];
  return rule && "description" in rule ? String(rule.description) : "";
}

function fromProcess(): NodeJS.ProcessEnv {
  if (existsSync(".env")) process.loadEnvFile(".env");
  return process.env;
}

/** A secret made once and kept beside the embedded database, so that tokens outlive a restart. */
function keptSecret(dataDir: string): string {
  const path = join(dataDir, "jwt-secret");
  if (!existsSync(path)) {
    mkdirSync(dataDir, { recursive: true });
    // Whole or not there at all, and the same for programs that start at the same time: the first link wins.
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

/** The environment of a program that runs by itself. @throws ConfigError where it names no database to run on */
export function requireDatabaseUrl(env: NodeJS.ProcessEnv = fromProcess()): NodeJS.ProcessEnv {
  if (env.DATABASE_URL?.trim()) return env;
  const message =
    "required by a program that runs alone; `npm start` runs all of them on a database of its own.";
  throw new ConfigError(`DATABASE_URL: ${message}`);
}
