import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { Settings } from "../../src/config/settings.ts";
import { ConfigError } from "../../src/errors.ts";
import { LegacySettings } from "../../src/legacy/shared/settings.ts";

const root = resolve(import.meta.dirname, "../..");
const SECRET = "a secret of this test, long enough";
const DATABASE_URL = "postgres://rowmill:hunter2@db.example.com/rowmill";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rowmill-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function errorOf(env: NodeJS.ProcessEnv): unknown {
  try {
    loadConfig(env);
  } catch (error) {
    return error;
  }
  return null;
}

function messageOf(env: NodeJS.ProcessEnv): string {
  const error = errorOf(env);
  expect(error).toBeInstanceOf(ConfigError);
  return String(error instanceof Error && error.message);
}

describe("the settings", () => {
  test("settings have defaults", () => {
    expect(loadConfig({ JWT_SECRET: SECRET, SECRETS_KEY: SECRET })).toEqual({
      databaseUrl: "",
      databaseBackend: "postgres",
      databaseReadUrl: "",
      databaseReadMaxLagSeconds: 5,
      databasePoolMax: 16,
      dataDir: resolve(".data"),
      host: "127.0.0.1",
      port: 8000,
      publicUrl: "http://127.0.0.1:8000",
      trustProxy: "",
      jwtSecret: SECRET,
      secretKeys: { current: SECRET, previous: "" },
      accessTokenTtlSeconds: 3600,
      refreshTokenTtlSeconds: 30 * 86_400,
      sessionMaxDays: 365,
      metricsPort: 0,
      passwordMinLength: 8,
      passwordResetsPerHour: 20,
      signupsPerHour: 100,
      rowDelayMs: 500,
      rowMaxRetries: 3,
      workerConcurrency: 4,
      workerQueues: null,
      maxConcurrency: 4,
      workerPort: 0,
      workerStopSeconds: 20,
      taskMaxRetries: 3,
      genericTaskSeconds: [10, 20],
      maxGenericSeconds: 3600,
      maxRowDelayMs: 600_000,
      minChunkRows: 100,
      rowTimeoutSeconds: 60,
      workerUserConcurrency: Number.POSITIVE_INFINITY,
      uploadMaxBytes: 10 * 2 ** 30,
      workbookMaxBytes: 256 * 2 ** 20,
      uploadMaxColumns: 1000,
      uploadMaxRows: 100_000_000,
      headerNameMaxBytes: 1000,
      cellMaxBytes: 2 ** 20,
      pictureMaxBytes: 10 * 2 ** 20,
      pictureMaxPixels: 50_000_000,
      fileMaxBytes: 2 ** 30,
      filesQuotaBytes: 10 * 2 ** 30,
      mail: {
        from: { address: "rowmill@localhost", name: "Rowmill" },
        perSecond: 10,
        server: null,
        uncertain: "hold",
        mustConfirm: true,
      },
      maxBatchesPerUser: 10_000,
      maxRowsPerUser: 100_000_000,
      batchesQuotaBytes: 102_400 * 2 ** 20,
      maxRecordsPerUser: 100_000_000,
      maxTasksPerUser: 1_000_000,
      maxOpenTasksPerUser: 200_000,
      maxWorkflowsPerUser: 10_000,
      maxSchedulesPerUser: 100,
      maxFilesPerUser: 100_000,
      bodyMemoryBytes: 64 * 2 ** 20,
      bodyTimeoutSeconds: 20,
      connectionsPerAddress: 500,
      eventStreamsPerUser: 32,
      readTimeoutSeconds: 10,
      requestsPerAddress: 64,
      requestsPerUser: 8,
      searchesPerUser: 2,
      uploadMinBytesPerSecond: 1024,
      uploadsPerUser: 4,
      filesRoot: "",
      alertWaitingJobs: 50_000,
      answerMemoryBytes: 12 * 2 ** 20,
      retentionDays: 30,
      cleanupCron: "0 0 * * *",
      requestLog: true,
      requestLogAddress: "full",
      requestLogDays: 30,
      auditLogDays: 365,
      dailyReportCron: "5 0 * * *",
      weeklyReportCron: "15 0 * * 1",
      webhooks: {
        maxPerUser: 5,
        maxWaiting: 10_000,
        maxDeliveries: 10_000,
        timeoutSeconds: 15,
        retrySeconds: [5, 60, 300, 1800, 7200, 18_000, 36_000],
      },
      httpTasks: "admin",
      egress: { allowHttp: false, allowedNetworks: [], ownPorts: [8000, 0, 5432], proxyUrl: "" },
      tableTargets: { allowed: [], role: "rowmill_target", trustedOwners: [] },
      backupCron: "",
      backupTo: "folder",
      backupFolder: resolve(".data/backups"),
      backupKeep: 7,
      backupRequestLog: false,
      backupMaxSeconds: 3600,
      logLevel: "info",
      env: { JWT_SECRET: SECRET, SECRETS_KEY: SECRET },
      logFormat: "auto",
      tracing: null,
    });
  });

  test("settings are read from the environment", () => {
    const config = loadConfig({
      DATABASE_URL,
      DATABASE_BACKEND: "citus",
      DATABASE_POOL_MAX: "48",
      WORKER_CONCURRENCY: "20",
      JWT_SECRET: SECRET,
      HOST: "::1",
      PORT: "80",
      PASSWORD_MIN_LENGTH: "12",
      ROW_DELAY_MS: "0",
      UPLOAD_MAX_BYTES: "0",
      WORKER_QUEUES: "bulk_processing,file_processing:2",
      WORKER_PORT: "9100",
      WORKER_STOP_SECONDS: "0",
      GENERIC_TASK_SECONDS: "3",
      FILES_QUOTA_BYTES: "0",
      FILES_ROOT: "/srv/files/",
      LOG_LEVEL: "debug",
      LOG_FORMAT: "json",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.1",
    });
    expect(config).toMatchObject({
      databaseUrl: DATABASE_URL,
      databaseBackend: "citus",
      databasePoolMax: 48,
      workerConcurrency: 20,
      publicUrl: "http://[::1]:80",
      passwordMinLength: 12,
      rowDelayMs: 0,
      uploadMaxBytes: Number.POSITIVE_INFINITY,
      workerQueues: new Map([
        ["bulk_processing", 20],
        ["file_processing", 2],
      ]),
      maxConcurrency: 20,
      workerPort: 9100,
      workerStopSeconds: 0,
      genericTaskSeconds: [3, 3],
      filesQuotaBytes: Number.POSITIVE_INFINITY,
      filesRoot: "/srv/files",
      logLevel: "debug",
      logFormat: "json",
      tracing: {
        endpoint: "http://127.0.0.1:4318",
        protocol: "http/protobuf",
        sampler: "traceidratio",
        ratio: 0.1,
      },
    });
  });

  test("settings are trimmed, and blank ones count as unset", () => {
    const config = loadConfig({ JWT_SECRET: SECRET, PORT: " 8001 ", HOST: "", LOG_LEVEL: "  " });
    expect(config).toMatchObject({ port: 8001, host: "127.0.0.1", logLevel: "info" });
  });
});

describe("a bad value", () => {
  const bad: [name: string, value: string][] = [
    ["DATABASE_URL", "mysql://x"],
    ["DATABASE_URL", "db.example.com"],
    ["DATABASE_BACKEND", "oracle"],
    ["DATABASE_READ_URL", "db.example.com"],
    ["DATABASE_READ_MAX_LAG_SECONDS", "0"],
    ["DATABASE_BACKEND", "cockroachdb"],
    ["DATABASE_BACKEND", "yugabytedb"],
    ["DATABASE_POOL_MAX", "7"],
    ["DATABASE_POOL_MAX", "1001"],
    ["PORT", "99999"],
    ["PORT", "-1"],
    ["PORT", "abc"],
    ["PORT", "80.5"],
    ["PORT", "true"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
    ["OTEL_TRACES_SAMPLER_ARG", "2"],
    ["TARGET_TABLES", "customers"],
    ["TARGET_TABLES", "shop.customers,"],
    ["TARGET_TABLES", "rowmill.*"],
    ["TARGET_TABLES", "shop.*, pg_catalog.pg_class"],
    ["TARGET_TABLES", "information_schema.tables"],
    ["TARGET_ROLE", "pg_write_all_data"],
    ["TARGET_TRUSTED_OWNERS", "a,,b"],
    ["PUBLIC_URL", "foo"],
    ["PUBLIC_URL", "ftp://rowmill.example.com"],
    ["PUBLIC_URL", "https://rowmill.example.com/path"],
    ["JWT_SECRET", "x".repeat(31)],
    ["ACCESS_TOKEN_TTL_SECONDS", "0"],
    ["ACCESS_TOKEN_TTL_SECONDS", "1h"],
    ["REFRESH_TOKEN_TTL_SECONDS", "0"],
    ["PASSWORD_MIN_LENGTH", "0"],
    ["PASSWORD_MIN_LENGTH", "129"],
    ["ROW_DELAY_MS", "-1"],
    ["ROW_DELAY_MS", "0.5"],
    ["ROW_DELAY_MS", "600001"],
    ["CHUNK_MIN_ROWS", "0"],
    ["CHUNK_MIN_ROWS", "5001"],
    ["ROW_MAX_RETRIES", "-1"],
    ["ROW_MAX_RETRIES", "21"],
    ["WORKER_CONCURRENCY", "0"],
    ["WORKER_CONCURRENCY", "501"],
    ["WORKER_QUEUES", "all the queues"],
    ["WORKER_QUEUES", ","],
    ["WORKER_QUEUES", "default:0"],
    ["WORKER_QUEUES", "default:"],
    ["WORKER_PORT", "65536"],
    ["WORKER_STOP_SECONDS", "26"],
    ["TASK_MAX_RETRIES", "21"],
    ["GENERIC_TASK_SECONDS", "10-"],
    ["FILE_MAX_BYTES", "0"],
    ["FILES_QUOTA_BYTES", "-1"],
    ["UPLOAD_MAX_BYTES", "10MB"],
    ["UPLOAD_MAX_BYTES", "-1"],
    ["UPLOAD_MAX_COLUMNS", "0"],
    ["UPLOAD_MAX_COLUMNS", "16001"],
    ["UPLOAD_MAX_ROWS", "0"],
    ["UPLOAD_MAX_ROWS", "2000000001"],
    ["HEADER_NAME_MAX_BYTES", "0"],
    ["HEADER_NAME_MAX_BYTES", "100001"],
    ["CELL_MAX_BYTES", "0"],
    ["CELL_MAX_BYTES", "67108865"],
    ["WEBHOOKS_PER_USER", "-1"],
    ["WEBHOOK_MAX_WAITING", "0"],
    ["WEBHOOK_TIMEOUT_SECONDS", "31"],
    ["WEBHOOK_RETRY_SECONDS", "5,"],
    ["WEBHOOK_RETRY_SECONDS", "1m"],
    ["WEBHOOK_ALLOW_HTTP", "yes"],
    ["WEBHOOK_ALLOWED_NETWORKS", "10.0.0.1"],
    ["WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/33"],
    ["WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8;127.0.0.0/8"],
    ["WEBHOOK_PROXY", "socks5://proxy.example.com"],
    ["RETENTION_DAYS", "0"],
    ["RETENTION_DAYS", "36501"],
    ["LOG_LEVEL", "loud"],
    ["LOG_FORMAT", "text"],
  ];

  test.each(bad)("the setting %s=%s is refused by name", (name, value) => {
    expect(messageOf({ JWT_SECRET: SECRET, [name]: value })).toMatch(new RegExp(`^${name}: `));
  });

  test.each([
    ["PORT", "http", 'PORT: "http" is not a whole number. Port that the API listens on.'],
    ["PORT", "-1", 'PORT: "-1" is less than 0. Port that the API listens on.'],
    ["PORT", "65536", 'PORT: "65536" is more than 65535. Port that the API listens on.'],
    [
      "LOG_FORMAT",
      "text",
      'LOG_FORMAT: "text" is not one of: auto, json, pretty. json: one object per line.',
    ],
    ["PUBLIC_URL", "foo", 'PUBLIC_URL: "foo" has the wrong format. Base URL that clients use, such as'],
  ])("the refusal of %s=%s shows the value, the rule and the meaning", (name, value, message) => {
    expect(messageOf({ JWT_SECRET: SECRET, [name]: value })).toContain(message);
  });

  test("JWT_SECRET is required with DATABASE_URL", () => {
    expect(messageOf({ DATABASE_URL })).toMatch(/^JWT_SECRET: required/);
  });

  test("a pool too small for the worker concurrency is refused", () => {
    const env = { JWT_SECRET: SECRET, WORKER_CONCURRENCY: "11" };
    expect(messageOf({ ...env, DATABASE_POOL_MAX: "16" })).toMatch(/^DATABASE_POOL_MAX: 16 .*need 30/);
    expect(errorOf({ ...env, DATABASE_POOL_MAX: "30" })).toBeNull();
    const queues = { JWT_SECRET: SECRET, WORKER_QUEUES: "default:2,file_processing:12" };
    expect(messageOf(queues)).toMatch(/^DATABASE_POOL_MAX: 16 .*need 32/);
    expect(errorOf({ ...env, WORKER_QUEUES: "default:4" })).toBeNull();
  });

  test("a standby is refused without DATABASE_URL, and for several servers", () => {
    const standby = { JWT_SECRET: SECRET, DATABASE_READ_URL: "postgres://standby.example.com/rowmill" };
    expect(messageOf(standby)).toMatch(/^DATABASE_READ_URL: needs DATABASE_URL/);
    expect(messageOf({ ...standby, DATABASE_URL, DATABASE_BACKEND: "citus" })).toMatch(
      /DATABASE_BACKEND=postgres/,
    );
    expect(errorOf({ ...standby, DATABASE_URL })).toBeNull();
  });

  test.each<NodeJS.ProcessEnv>([
    { JWT_SECRET: "hunter2" },
    { JWT_SECRET: "hunter2", DATABASE_URL },
    { DATABASE_URL },
    { DATABASE_URL: "mysql://rowmill:hunter2@db.example.com/rowmill", JWT_SECRET: SECRET },
    { DATABASE_URL, JWT_SECRET: SECRET, PORT: "abc" },
    { DATABASE_URL, JWT_SECRET: SECRET, WEBHOOK_PROXY: "ftp://rowmill:hunter2@proxy.example.com" },
    { DATABASE_URL, JWT_SECRET: SECRET, WORKER_CONCURRENCY: "500" },
  ])("a refused setting never shows a secret: %o", (env) => {
    const error = errorOf(env);
    expect(error).toBeInstanceOf(ConfigError);
    const shown = `${messageOf(env)} ${error instanceof Error && error.stack}`;
    for (const secret of ["hunter2", "db.example.com", SECRET]) expect(shown).not.toContain(secret);
  });
});

describe("the secret kept in DATA_DIR", () => {
  test("the secret in DATA_DIR is created once and readable only by its owner", () => {
    const DATA_DIR = join(temporaryFolder(), "made", "on demand");
    const { jwtSecret } = loadConfig({ DATA_DIR });
    expect(jwtSecret.length).toBeGreaterThanOrEqual(32);
    expect(statSync(join(DATA_DIR, "jwt-secret")).mode & 0o777).toBe(0o600);
    expect(loadConfig({ DATA_DIR }).jwtSecret).toBe(jwtSecret);
    expect(loadConfig({ DATA_DIR: join(temporaryFolder(), "other") }).jwtSecret).not.toBe(jwtSecret);
  });

  test("JWT_SECRET takes precedence over the secret in DATA_DIR", () => {
    const DATA_DIR = temporaryFolder();
    loadConfig({ DATA_DIR });
    expect(loadConfig({ DATA_DIR, JWT_SECRET: SECRET }).jwtSecret).toBe(SECRET);
  });
});

describe("a .env file in the working directory", () => {
  test("a .env file in the working directory is read", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, ".env"), `JWT_SECRET="${SECRET}"\nPORT=9001 # not the default\n#HOST=0.0.0.0\n`);
    const config = await configOfChild(cwd, {});
    expect(config).toMatchObject({ jwtSecret: SECRET, port: 9001, host: "127.0.0.1" });
  });

  test("a .env file does not override the environment", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, ".env"), `JWT_SECRET="${SECRET}"\nPORT=9001\nHOST=0.0.0.0\n`);
    const config = await configOfChild(cwd, { PORT: "9002" });
    expect(config).toMatchObject({ port: 9002, host: "0.0.0.0" });
  });
});

async function configOfChild(cwd: string, env: NodeJS.ProcessEnv): Promise<Record<string, unknown>> {
  const program = `import { loadConfig } from ${JSON.stringify(join(root, "src/config/config.ts"))};
    process.stdout.write(JSON.stringify(loadConfig()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    cwd,
    env,
  });
  return JSON.parse(stdout);
}

describe("the documentation", () => {
  const tables = { ...Settings.properties, ...LegacySettings.properties };
  const settings = Object.keys(tables).sort();

  test.each([
    [
      "the table of docs/operations/configuration.md",
      "docs/operations/configuration.md",
      /^\| `([A-Z][A-Z0-9_]*)` \|/gm,
    ],
    [".env.example", ".env.example", /^#?([A-Z][A-Z0-9_]*)=/gm],
  ])("%s names every setting once and nothing else", (_, file, pattern) => {
    const text = readFileSync(join(root, file), "utf8");
    const named = [...text.matchAll(pattern)].map(([, name]) => name);
    expect(named.sort()).toEqual(settings);
  });
});
