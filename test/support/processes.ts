/** The API and workers as real processes on a database of their own: started, watched, stopped and killed by a test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import { type OpenContext, openContext } from "../../src/open-context.ts";
import { createLog } from "../../src/platform/log.ts";
import { READY } from "../../src/platform/process/lifecycle.ts";
import { Client } from "./client.ts";
import { checkout } from "./commands.ts";
import { DATABASE_BACKEND } from "./postgres.ts";
import { createDatabase, startRowmill } from "./rowmill.ts";
import { until } from "./until.ts";

/** Settings of a program under test: no simulated delay, limits as shipped. */
const SETTINGS = {
  ROW_DELAY_MS: "0",
  // Small files have several chunks.
  CHUNK_MIN_ROWS: "25",
  PORT: "0",
  DATABASE_POOL_MAX: "16",
  JWT_SECRET: "test".repeat(8),
  SECRETS_KEY: "key of the tests, ".repeat(2),
  DATABASE_BACKEND,
  // All users of a test have one address.
  SIGNUPS_PER_HOUR: "0",
  // As in package.json.
  MALLOC_MMAP_THRESHOLD_: "262144",
};

/** Long enough for a busy machine, and for a program that waits for its database. */
const START_TIMEOUT_MS = 90_000;

/** As in package.json. */
const OPTIONS = [
  "--max-semi-space-size=8",
  "--max-old-space-size=512",
  `--import=${new URL("../../src/platform/process/preload.ts", import.meta.url).href}`,
];

/** Not for programs of other versions. */
const RECORDER = [`--import=${new URL("./sent-statements.ts", import.meta.url).href}`];

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program implements AsyncDisposable {
  readonly name: string;
  /** The settings of the test; null: of other sources. */
  readonly settings: string | null;
  /** When it has ended: how. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #output = "";
  #isReady = false;

  /** Resolves when the program serves. */
  static async start(
    name: "api" | "worker",
    databaseUrl: string,
    settings: NodeJS.ProcessEnv = {},
    sources = checkout,
  ): Promise<Program> {
    const env = { ...process.env, ...SETTINGS, ...settings, DATABASE_URL: databaseUrl };
    const program = new Program(name, sources, env, sources === checkout ? JSON.stringify(settings) : null);
    await until(`the ${name} serves`, async () => program.#isReady || program.hasEnded, START_TIMEOUT_MS);
    if (!program.#isReady) throw new Error(`The ${name} ended at its start:\n${program.output}`);
    return program;
  }

  private constructor(name: string, sources: string, env: NodeJS.ProcessEnv, settings: string | null) {
    this.name = name;
    this.settings = settings;
    const script = join(sources, "src", `${name}.ts`);
    // The channel also ends the program where the test run is killed.
    // The last one of equal options counts.
    const options = [
      ...OPTIONS,
      ...(sources === checkout ? RECORDER : []),
      ...(env.NODE_OPTIONS?.split(" ").filter(Boolean) ?? []),
    ];
    const child = spawn(process.execPath, [...options, script], {
      env,
      cwd: tmpdir(),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    const outputs = [child.stdout, child.stderr]
      .filter((stream) => stream !== null)
      .map((stream) => {
        stream.setEncoding("utf8").on("data", (part: string) => {
          this.#output += part;
        });
        return once(stream, "close");
      });
    child.on("message", (message) => {
      this.#isReady ||= message === READY;
    });
    // Not its "close", which does not come where the channel was ended from here.
    this.ended = Promise.all([once(child, "exit"), ...outputs]).then(([[code, signal]]) => ({
      code,
      signal,
    }));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The most memory that it has used, in MiB, as Linux counts it. */
  get peakMemory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  /** All that it wrote. */
  get output(): string {
    return this.#output;
  }

  /** Returns the log entries with this message so far. */
  lines(message: string): LogLine[] {
    const text = JSON.stringify(message);
    return this.#output
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}") && line.includes(text))
      .map((line): LogLine => JSON.parse(line))
      .filter(({ msg }) => msg === message);
  }

  /** Waits until it has logged this message `times` times. */
  async logged(message: string, times = 1, timeoutMs?: number): Promise<LogLine[]> {
    const probe = async () => {
      const lines = this.lines(message);
      return lines.length >= times ? lines : null;
    };
    return until(`the ${this.name} logs "${message}" ${times} times`, probe, timeoutMs);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it as a crash does: at once, in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  async stop(): Promise<Ending> {
    this.signal("SIGTERM");
    return this.ended;
  }

  /** As when the program that started it was killed: nobody reads what it writes, and the channel to it ends. */
  abandon(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#child.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) await this.kill();
  }
}

export interface ServedApi {
  readonly url: string;
  /** A client without a token. */
  readonly client: Client;
  /** The same user as one of another API. */
  clientOf(user: Client): Client;
}

export interface Api extends ServedApi {
  readonly program: Program;
}

export interface Programs extends AsyncDisposable {
  /** To look into the database, and to call verbs. */
  readonly ctx: OpenContext;
  readonly databaseUrl: string;
  startApi(settings?: NodeJS.ProcessEnv): Promise<Api>;
  /** Serves the API in this process, for tests that end or watch only workers: starting a program takes 2 s of a core. */
  serveApi(settings?: NodeJS.ProcessEnv): Promise<ServedApi>;
  startWorker(settings?: NodeJS.ProcessEnv): Promise<Program>;
}

/**
 * `await using rowmill = await startPrograms()`: no program yet; all that are started end with it.
 * @param sources a copy of the checkout, where not this one is to run
 */
export async function startPrograms(
  settings: NodeJS.ProcessEnv = {},
  databaseUrl?: string,
  sources?: string,
): Promise<Programs> {
  await using stack = new AsyncDisposableStack();
  const url = databaseUrl ?? stack.use(await createDatabase()).url;
  const config = loadConfig({ ...SETTINGS, ...settings, LOG_LEVEL: "silent", DATABASE_URL: url });
  const ctx = await openContext(config, createLog(config, "test"), "enqueue");
  stack.defer(() => ctx.close(1000));
  const programs = stack.use(new AsyncDisposableStack());
  const resources = stack.move();
  const start = async (name: "api" | "worker", own: NodeJS.ProcessEnv) =>
    programs.use(await Program.start(name, url, { ...settings, ...own }, sources));
  return {
    ctx,
    databaseUrl: url,
    startApi: async (own = {}) => apiOn(await start("api", own)),
    serveApi: async (own = {}) => {
      const { url: apiUrl, app } = programs.use(await startRowmill({ ...settings, ...own }, url));
      return servedAt(apiUrl, app);
    },
    startWorker: (own = {}) => start("worker", own),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The documents that programs publish. Programs with the same settings publish the same one, and each needs 0.3 s of a core for it. */
const documents = new Map<string, { swagger(): never }>();

async function documentOf({ settings }: Program, url: string) {
  const known = settings !== null && documents.get(settings);
  if (known) return known;
  const document: unknown = await (await fetch(`${url}/openapi.json`)).json();
  const published = { swagger: (): never => document as never };
  if (settings !== null) documents.set(settings, published);
  return published;
}

/** Returns the API that a program serves. */
export async function apiOn(program: Program): Promise<Api> {
  const address = /listening at (http:[^"]+)/;
  const url = await until(
    "the API says where it listens",
    async () => address.exec(program.output)?.[1] ?? null,
  );
  return { program, ...servedAt(url, await documentOf(program, url)) };
}

function servedAt(url: string, app: ConstructorParameters<typeof Client>[1]): ServedApi {
  return {
    url,
    client: new Client(url, app),
    clientOf: ({ token: access, refresh, userId: id }) =>
      new Client(url, app, { access, refresh, user: { id } }),
  };
}
