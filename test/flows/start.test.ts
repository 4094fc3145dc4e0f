/** `npm start` and the programs by themselves, as an operator types them: served, killed, ended, and refused with a reason. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/platform/postgres/embedded-postgres.ts";
import { Client } from "../support/client.ts";
import { endLeftovers, kill, processesOn, type RunningCommand, run, unset } from "../support/commands.ts";
import { emptyDatabase } from "../support/databases.ts";
import { createDatabase } from "../support/rowmill.ts";
import { until } from "../support/until.ts";

const UP = /Ctrl-C ends it/;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rowmill-start-"));
  // Under root the server has another account, which must be able to enter.
  chmodSync(folder, 0o755);
});
afterAll(() => {
  endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true });
});

describe("npm start", () => {
  let place: Place;
  let main: RunningCommand;
  beforeAll(async () => {
    place = await newPlace();
    main = await start(place);
  });
  afterAll(async () => {
    main.signal("SIGTERM");
    await main.ended;
  });

  test("serves readiness, documentation and the OpenAPI document", async () => {
    const [ready, docs, openapi] = await Promise.all(
      ["/readyz", "/docs", "/openapi.json"].map((path) => fetch(place.url + path)),
    );
    expect([ready?.status, docs?.status, openapi?.status]).toEqual([200, 200, 200]);
    expect(await ready?.json()).toEqual({ status: "ok" });
    expect(docs?.headers.get("content-type")).toContain("text/html");
    const servers = expect.arrayContaining([{ url: place.url }]);
    expect(await openapi?.json()).toMatchObject({ openapi: "3.1.0", servers });
    expect(main.output()).toContain(`Rowmill serves ${place.url} (documentation: ${place.url}/docs)`);
  });

  test("replaces a worker that is killed", async () => {
    const user = await signUp(place, "worker-user");
    const killed = only("worker.ts", place);
    process.kill(killed, "SIGKILL");
    await main.saw(/worker ended \(SIGKILL\); starting it again/);
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    expect((await user.finished(batch.id, 30_000)).counts.success).toBe(1);
    expect(only("worker.ts", place)).not.toBe(killed);
  });

  test("replaces an API that is killed", async () => {
    const user = await signUp(place, "api-user");
    const killed = only("api.ts", place);
    process.kill(killed, "SIGKILL");
    await main.saw(/api ended \(SIGKILL\); starting it again/);
    await until("the API is ready again", () => isReady(place), 30_000);
    expect(only("api.ts", place)).not.toBe(killed);
    expect((await user.get("/api/v1/auth/me")).body).toMatchObject({ username: "api-user" });
  });

  test("replaces a database that is killed, and everything goes on with its data", async () => {
    const user = await signUp(place, "database-user");
    const [killed] = processesOn(place.dataDir).filter(({ command }) => command.includes("postgres -D"));
    process.kill(killed?.pid ?? 0, "SIGKILL");
    await until("the API says that the database is away", async () => !(await isReady(place)), 10_000);
    await until("the API is ready again", () => isReady(place), 30_000);
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    expect((await user.finished(batch.id, 30_000)).counts.success).toBe(1);
  });

  test("has a doctor that finds nothing wrong", async () => {
    const { code, output } = await cli(["doctor"], place).ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toMatch(/✓ PostgreSQL \d+/);
    expect(output).toContain("✓ A worker is connected.");
    expect(output).not.toContain("✗");
  });

  test("takes an administrator, once under one name", async () => {
    const made = cli(["create-admin", "root-admin"], place);
    made.write("a long password\n");
    const { code, output } = await made.ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).not.toContain("a long password");
    const client = await clientOf(place);
    const credentials = { username: "root-admin", password: "a long password" };
    const login = await client.post("/api/v1/auth/login", credentials);
    expect(login).toMatchObject({ status: 200, body: { user: { username: "root-admin", role: "admin" } } });

    const again = cli(["create-admin", "Root-Admin"], place);
    again.write("another password\n");
    const refused = await again.ended;
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("username: is taken") });
    expect(refused.output).not.toContain("    at ");
  });

  test("refuses to run twice on one DATA_DIR", async () => {
    const second = run(process.execPath, ["src/dev.ts"], {
      ...place.settings,
      PORT: String(await freePort()),
    });
    const { code, output } = await second.ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: DATA_DIR: in use by another Rowmill/m);
    expect(await isReady(place)).toBe(true);
  });

  test("runs beside another one with its own DATA_DIR and PORT", async () => {
    const other = await newPlace();
    const running = await start(other);
    const users = await Promise.all([place, other].map((where) => signUp(where, "same-name")));
    expect(await Promise.all([place, other].map(isReady))).toEqual([true, true]);
    const batches = await Promise.all(users.map((user) => user.upload("title,author\nEmma,Jane Austen\n")));
    for (const [n, user] of users.entries())
      expect((await user.finished(batches[n]?.body.id ?? "")).counts.success).toBe(1);
    running.signal("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(await isReady(place)).toBe(true);
  });

  test("refuses a PORT that is taken, and leaves nothing behind", async () => {
    const other = await newPlace({ PORT: new URL(place.url).port });
    const { code, output } = await run(process.execPath, ["src/dev.ts"], other.settings).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: PORT: in use/m);
    expect(processesOn(other.dataDir)).toEqual([]);
    expect(await isReady(place)).toBe(true);
  });
});

describe("npm start ends", () => {
  test("in order on SIGTERM: the API, the worker, the database", async () => {
    const place = await newPlace();
    const running = await start(place);
    const names = processesOn(place.dataDir).map(
      ({ command }) => /(?<=src\/)\w+(?=\.ts)|postgres(?= -D)/.exec(command)?.[0],
    );
    expect(names).toEqual(expect.arrayContaining(["dev", "api", "worker", "postgres"]));
    running.signal("SIGTERM");
    const { code, output } = await running.ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    const closed = ["api", "worker"].map((name) =>
      output.search(new RegExp(`"program":"${name}".*"closed"`)),
    );
    expect(closed).toEqual(closed.toSorted((a, b) => a - b));
    expect(closed).not.toContain(-1);
    expect(processesOn(place.dataDir)).toEqual([]);
  });

  test("with its programs when it is killed, and a new one takes over the database with its data", async () => {
    const place = await newPlace();
    const killed = await start(place);
    const user = await signUp(place, "reader");
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    await user.finished(batch.id);
    const [server] = processesOn(place.dataDir).filter(({ command }) => command.includes("postgres "));
    killed.signal("SIGKILL");
    await until("its programs have ended", async () =>
      processesOn(place.dataDir).every(({ command }) => !command.includes(".ts")),
    );
    expect(processesOn(place.dataDir).map(({ pid }) => pid)).toContain(server?.pid);

    const again = await start(place);
    expect(processesOn(place.dataDir).map(({ pid }) => pid)).not.toContain(server?.pid);
    expect((await user.batch(batch.id)).body.counts.success).toBe(1);
    again.signal("SIGINT");
    const { code, output } = await again.ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(processesOn(place.dataDir)).toEqual([]);
  });

  test("in order on a Ctrl-C that comes twice: from the terminal, and passed on by npm", async () => {
    const place = await newPlace();
    const running = await start(place);
    running.signal("SIGINT");
    await running.saw(/"closing"/);
    running.signal("SIGINT");
    const { code, output } = await running.ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(processesOn(place.dataDir)).toEqual([]);
  });

  test("with its database on a SIGTERM while that starts", async () => {
    const place = await newPlace();
    const running = run(process.execPath, ["src/dev.ts"], place.settings);
    await until("the server starts", async () =>
      processesOn(place.dataDir).some(({ command }) => /postgres -D \S+ -p/.test(command)),
    );
    running.signal("SIGTERM");
    await running.exited;
    expect(processesOn(place.dataDir)).toEqual([]);
  });

  test("when npm gets the SIGTERM", async () => {
    const place = await newPlace();
    const npm = run("npm", ["start"], place.settings);
    await npm.saw(UP);
    npm.signal("SIGTERM");
    await npm.exited;
    await until("nothing of it runs any more", async () => processesOn(place.dataDir).length === 0, 10_000);
  });
});

describe("npm start comes up", () => {
  test("after a first start that was killed while it made the database", async () => {
    const place = await newPlace();
    const killed = run(process.execPath, ["src/dev.ts"], place.settings);
    await until(
      "the database is half made",
      async () => globSync("**/PG_VERSION", { cwd: place.dataDir }).length > 0,
    );
    await until("nothing of it runs any more", async () => {
      for (const { pid } of processesOn(place.dataDir)) kill(pid, "SIGKILL");
      return processesOn(place.dataDir).length === 0;
    });
    await killed.ended;
    const running = await start(place);
    running.signal("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test("after a power cut, where another program has got the old server's process id by now", async () => {
    const place = await newPlace();
    expect(await cli(["migrate"], place).ended).toMatchObject({ code: 0 });
    const bystander = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    onTestFinished(() => void bystander.kill("SIGKILL"));
    const cluster = join(place.dataDir, "postgres");
    const lines = [bystander.pid, cluster, 1_700_000_000, await freePort(), "", "127.0.0.1", ""];
    writeFileSync(join(cluster, "postmaster.pid"), lines.join("\n"));
    const running = await start(place);
    expect({ code: bystander.exitCode, signal: bystander.signalCode }).toEqual({ code: null, signal: null });
    running.signal("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });
});

describe("a program that runs alone", () => {
  test.each(["api", "worker"])("%s says that it needs DATABASE_URL", async (name) => {
    const { settings } = await newPlace();
    const { code, output } = await run("npm", ["run", name], settings).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: DATABASE_URL: required/m);
  });

  test("refuses a database that is not migrated, and names the command, which may run twice", async () => {
    const { settings } = await newPlace({ DATABASE_URL: await emptyDatabase(), JWT_SECRET: "x".repeat(32) });
    for (const name of ["api", "worker"]) {
      const { code, output } = await run(process.execPath, [`src/${name}.ts`], settings).ended;
      expect({ code, output }).toMatchObject({ code: 1 });
      expect(output).toMatch(/^rowmill: DATABASE_URL: .* lacks \d+ migration.*npm run cli -- migrate$/m);
    }
    for (const _ of ["first", "second"]) {
      const { code, output } = await run("npm", ["run", "cli", "--", "migrate"], settings).ended;
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output).toContain("The database is migrated.");
    }
    const worker = run(process.execPath, ["src/worker.ts"], settings);
    await worker.saw(/"taking jobs"/);
    worker.signal("SIGTERM");
    expect(await worker.ended).toMatchObject({ code: 0 });
  });

  test("refuses a queue that does not exist", async () => {
    await using database = await createDatabase();
    const { settings } = await newPlace({
      DATABASE_URL: database.url,
      JWT_SECRET: "x".repeat(32),
      WORKER_QUEUES: "nonsense",
    });
    const { code, output } = await run(process.execPath, ["src/worker.ts"], settings).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: WORKER_QUEUES: "nonsense" is not one of: all, /m);
  });

  test("the doctor says that the database can't be reached", async () => {
    const url = `postgres://nobody:secret@127.0.0.1:${await freePort()}/nothing`;
    const place = await newPlace({ DATABASE_URL: url, JWT_SECRET: "x".repeat(32) });
    const { code, output } = await cli(["doctor"], place).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/✗ The database can't be reached: \S/);
    expect(output).not.toContain("secret");
  });

  test("the CLI shows its usage for what it does not know", async () => {
    const { code, output } = await cli(["nonsense"], await newPlace()).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toContain("Usage: npm run cli -- COMMAND");
  });
});

interface Place {
  readonly url: string;
  readonly dataDir: string;
  readonly settings: NodeJS.ProcessEnv;
}

/** A DATA_DIR and a PORT of its own, and nothing of what this shell or a `.env` sets. */
async function newPlace(own: NodeJS.ProcessEnv = {}): Promise<Place> {
  const dataDir = join(folder, randomBytes(4).toString("hex"));
  const port = await freePort();
  const settings = { ...unset, ROW_DELAY_MS: "0", DATA_DIR: dataDir, PORT: String(port), ...own };
  return { url: `http://127.0.0.1:${port}`, dataDir, settings };
}

async function start({ settings }: Place): Promise<RunningCommand> {
  const running = run(process.execPath, ["src/dev.ts"], settings);
  await running.saw(UP);
  return running;
}

function cli(args: string[], { settings }: Place): RunningCommand {
  return run(process.execPath, ["src/cli.ts", ...args], settings);
}

async function clientOf({ url }: Place): Promise<Client> {
  const document = await (await fetch(`${url}/openapi.json`)).json();
  return new Client(url, { swagger: (): never => document as never });
}

async function signUp(place: Place, name: string): Promise<Client> {
  return (await clientOf(place)).signUp(name);
}

async function isReady({ url }: Place): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  return response?.status === 200;
}

/** The process that runs this script of a start. */
function only(script: string, { dataDir }: Place): number {
  const found = processesOn(dataDir).filter(({ command }) => command.includes(`/src/${script}`));
  expect(found).toHaveLength(1);
  return found[0]?.pid ?? 0;
}
