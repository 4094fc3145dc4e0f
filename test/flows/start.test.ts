/** `npm start` and the single programs: they serve, are killed, end, or refuse to start with a reason. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, globSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { freePort, provideDatabase } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { csv } from "../support/book-files.ts";
import { Client } from "../support/client.ts";
import {
  checkout,
  endLeftovers,
  kill,
  processesOn,
  type RunningCommand,
  run,
  unset,
} from "../support/commands.ts";
import { createDataFolder } from "../support/data-folder.ts";
import { emptyDatabase } from "../support/databases.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { createDatabase } from "../support/rowmill.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { MEASURED } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

const UP = /Press Ctrl-C to stop/;

let folder = "";
/** The tests that need no new database run on the data of this one, in turn. Creating a database takes seconds. */
let place: Place;
beforeAll(async () => {
  folder = createDataFolder("rowmill-start-");
  // Under root the server has another account, which must be able to enter.
  chmodSync(folder, 0o755);
  place = await newPlace();
});
afterAll(() => {
  endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true });
});

describe("npm start", () => {
  let main: RunningCommand;
  beforeAll(async () => {
    main = await start(place);
  });

  test("npm start serves readiness, documentation and the OpenAPI document", async () => {
    const [ready, docs, openapi] = [
      await fetch(`${place.url}/readyz`),
      await fetch(`${place.url}/docs`),
      await fetch(`${place.url}/openapi.json`),
    ];
    expect([ready.status, docs.status, openapi.status]).toEqual([200, 200, 200]);
    expect(await ready.json()).toEqual({ status: "ok" });
    expect(docs.headers.get("content-type")).toContain("text/html");
    expect(await openapi.json()).toMatchObject({ openapi: "3.1.0", servers: [{ url: "/" }] });
    expect(main.output()).toMatch(
      new RegExp(
        `^Rowmill \\d+\\.\\d+\\.\\d+ is running\\. Open ${place.url}/ in a browser\\.\nCreate an account there\\.$`,
        "m",
      ),
    );
    expect(main.output()).toContain(`  Docs   ${place.url}/docs\n`);
    expect(main.output()).toContain(`  Data   ${place.dataDir}/postgres (embedded PostgreSQL)\n`);
  });

  test("the API and the worker use a role of the embedded database that cannot change tables", async () => {
    for (const script of ["api.ts", "worker.ts"]) {
      const environment = readFileSync(`/proc/${only(script, place)}/environ`, "utf8").split("\0");
      const url = environment.find((line) => line.startsWith("DATABASE_URL="))?.slice("DATABASE_URL=".length);
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        const { rows } = await client.query(
          "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user",
        );
        expect(rows).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
        await expect(client.query("DROP TABLE rowmill.users CASCADE")).rejects.toThrow("must be owner");
        await expect(client.query("COPY rowmill.users TO PROGRAM 'id'")).rejects.toThrow("permission denied");
      } finally {
        await client.end();
      }
    }
  });

  test("npm start replaces a killed worker", async () => {
    const user = await signUp(place, "worker-user");
    const killed = only("worker.ts", place);
    process.kill(killed, "SIGKILL");
    await main.saw(/worker ended \(SIGKILL\)\. It starts again in/);
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    expect((await user.finished(batch.id)).counts.success).toBe(1);
    expect(only("worker.ts", place)).not.toBe(killed);
  });

  test("npm start replaces a killed API", async () => {
    const user = await signUp(place, "api-user");
    const killed = only("api.ts", place);
    process.kill(killed, "SIGKILL");
    await main.saw(/api ended \(SIGKILL\)\. It starts again in/);
    await until("the API is ready again", () => isReady(place));
    expect(only("api.ts", place)).not.toBe(killed);
    expect((await user.get("/api/v1/auth/me")).body).toMatchObject({ username: "api-user" });
  });

  test("npm start restarts a killed database with its data", async () => {
    const user = await signUp(place, "database-user");
    const [killed] = processesOn(place.dataDir).filter(({ command }) => command.includes("postgres -D"));
    process.kill(killed?.pid ?? 0, "SIGKILL");
    await until("the database runs again", async () =>
      processesOn(place.dataDir).some(
        ({ command, pid }) => command.includes("postgres -D") && pid !== killed?.pid,
      ),
    );
    await until("the API is ready again", () => isReady(place));
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    expect((await user.finished(batch.id)).counts.success).toBe(1);
  });

  test("the doctor finds no problem with npm start", async () => {
    const { code, output } = await cli(["doctor"], place).ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toMatch(/✓ PostgreSQL \d+/);
    expect(output).toContain("✓ A worker is connected.");
    expect(output).not.toContain("✗");
  });

  test("the CLI creates an administrator once per name", async () => {
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
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("username: is already taken") });
    expect(refused.output).not.toContain("    at ");
  });

  test("the CLI sets a secret with the key that npm start has generated", async () => {
    const set = cli(["secrets", "set", "CRM_TOKEN", "--hosts", "api.example.com", "--shared"], place);
    set.write("the value of a secret\n");
    const { code, output } = await set.ended;
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringMatching(/CRM_TOKEN +api\.example\.com +yes/),
    });
    expect(output).not.toContain("the value");
    const refused = cli(["secrets", "set", "SHORT"], place);
    refused.write("1234567\n");
    expect(await refused.ended).toMatchObject({ code: 1, output: expect.stringContaining("from 8 to 4096") });
    const rotated = await cli(["secrets", "rotate"], {
      ...place,
      settings: { ...place.settings, SECRETS_KEY: "another key, and long enough for one" },
    }).ended;
    expect(rotated).toMatchObject({
      code: 1,
      output: expect.stringContaining("CRM_TOKEN cannot be decrypted"),
    });
    const repeated = await cli(["secrets", "rotate"], place).ended;
    expect(repeated.output).toContain("Encrypted 0 secret(s)");
  });

  test("npm start refuses to run twice on one DATA_DIR", async () => {
    const second = run(process.execPath, ["src/dev.ts"], {
      ...place.settings,
      PORT: String(await freePort()),
    });
    const { code, output } = await second.ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: DATA_DIR: in use by another Rowmill/m);
    expect(await isReady(place)).toBe(true);
  });

  test("npm start runs beside another with its own DATA_DIR and PORT", async () => {
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

  test("npm start refuses an unknown option and names the known ones", async () => {
    const { code, output } = await run(process.execPath, ["src/dev.ts", "--wach"], place.settings).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: Unknown option "--wach"\. Known options: --demo, --exit, --watch, /m);
  });

  test("npm start refuses a taken PORT and leaves nothing behind", async () => {
    const other = await newPlace({ PORT: new URL(place.url).port });
    const { code, output } = await run(process.execPath, ["src/dev.ts"], other.settings).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: PORT: in use/m);
    expect(processesOn(other.dataDir)).toEqual([]);
    expect(await isReady(place)).toBe(true);
  });

  test("SIGTERM stops the API, the worker and the database in order", async () => {
    const names = processesOn(place.dataDir).map(
      ({ command }) => /(?<=src\/)\w+(?=\.ts)|postgres(?= -D)/.exec(command)?.[0],
    );
    expect(names).toEqual(expect.arrayContaining(["dev", "api", "worker", "postgres"]));
    main.signal("SIGTERM");
    const { code, output } = await main.ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    const [, stopping = ""] = output.split(
      "rowmill: Stopping when running jobs have ended. Press Ctrl-C again to stop at once.",
    );
    const closed = ["api", "worker"].map((name) =>
      stopping.search(new RegExp(`"program":"${name}".*"closed"`)),
    );
    expect(closed).toEqual(closed.toSorted((a, b) => a - b));
    expect(closed).not.toContain(-1);
    expect(processesOn(place.dataDir)).toEqual([]);
  });
});

describe("npm run dev", () => {
  test("npm run dev restarts the API and the worker after a change, but not the database", async () => {
    const dev = run(process.execPath, ["src/dev.ts", "--watch"], place.settings);
    await dev.saw(UP);
    const user = await signUp(place, "developer");
    const before = processesOn(place.dataDir);
    const changed = join(checkout, "src/app.ts");
    utimesSync(changed, new Date(), new Date());
    await dev.saw(/src\/app\.ts changed\. Restarting the API and the worker\./);
    await dev.saw(/("taking jobs"[\s\S]*){2}/);
    await until("the API is ready again", () => isReady(place));
    expect((await user.get("/api/v1/auth/me")).body).toMatchObject({ username: "developer" });
    const pidsOf = (name: string, processes = processesOn(place.dataDir)) =>
      processes.filter(({ command }) => command.includes(name)).map(({ pid }) => pid);
    for (const script of ["/src/api.ts", "/src/worker.ts"]) {
      expect(pidsOf(script)).toHaveLength(1);
      expect(pidsOf(script)).not.toEqual(pidsOf(script, before));
    }
    expect(pidsOf("postgres -D")).toEqual(pidsOf("postgres -D", before));
    dev.signal("SIGINT");
    expect(await dev.ended).toMatchObject({ code: 0 });
    expect(processesOn(place.dataDir)).toEqual([]);
  });
});

describe("npm start ends", () => {
  test(
    "a killed npm start ends its programs, and a new one takes over the data; a Ctrl-C that arrives twice stops it in order",
    MEASURED,
    async () => {
      const killed = await start(place);
      const user = await signUp(place, "user-of-killed");
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
      await again.saw(/"closing"/);
      again.signal("SIGINT");
      const { code, output } = await again.ended;
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(processesOn(place.dataDir)).toEqual([]);
    },
  );

  test("SIGTERM during startup also stops the database", async () => {
    const running = run(process.execPath, ["src/dev.ts"], place.settings);
    await until("the server starts", async () =>
      processesOn(place.dataDir).some(({ command }) => /postgres -D \S+ -p/.test(command)),
    );
    running.signal("SIGTERM");
    await running.exited;
    expect(processesOn(place.dataDir)).toEqual([]);
  });

  test("npm start stops if npm gets SIGTERM", async () => {
    const npm = run("npm", ["start"], place.settings);
    await npm.saw(UP);
    npm.signal("SIGTERM");
    await npm.exited;
    await until("nothing of it runs any more", async () => processesOn(place.dataDir).length === 0);
  });
});

describe("npm start comes up", () => {
  test("npm start recovers from a kill while it created the database", async () => {
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

  test("npm start goes on with a batch and a task after a kill of everything at once", async () => {
    await start({ ...place, settings: { ...place.settings, ROW_DELAY_MS: "2" } });
    const user = await signUp(place, "user-of-all-killed");
    const { body: batch } = await user.upload(csv(950, 50));
    const { body: task } = await user.post<{ id: string }>("/api/v1/tasks", {
      type: "generic",
      params: { seconds: 2 },
    });
    await until("a row has succeeded", async () => (await user.batch(batch.id)).body.counts.success > 0);
    using upload = new SlowUpload(user);
    await upload.send(csv(20_000));
    for (const { pid } of processesOn(place.dataDir)) kill(pid, "SIGKILL");
    await until("nothing of it runs any more", async () => processesOn(place.dataDir).length === 0);

    const again = await start(place);
    await user.finished(batch.id);
    const database = await provideDatabase({ databaseUrl: "", dataDir: place.dataDir }, true);
    const pool = new pg.Pool({ connectionString: database.url });
    try {
      await expectExactlyOnce(pool, batch.id, { good: 950, bad: 50 });
      await until("the task has completed", async () => {
        const { body } = await user.get<{ status: string }>(`/api/v1/tasks/${task.id}`);
        return body.status === "completed";
      });
      const { body: batches } = await user.get<{ items: BatchView[] }>("/api/v1/batches");
      // The unfinished upload is removed later.
      const accepted = batches.items.filter(({ state }) => state !== "receiving");
      expect(accepted.map(({ id }) => id)).toEqual([batch.id]);
    } finally {
      await pool.end();
    }
    again.signal("SIGTERM");
    expect(await again.ended).toMatchObject({ code: 0 });
  });

  test("npm start starts a program again that a signal ends before it serves", async () => {
    const running = run(process.execPath, ["src/dev.ts"], place.settings);
    for (const name of ["api.ts", "worker.ts"]) {
      const [first] = await until(
        `${name} runs`,
        async () => {
          const found = processesOn(place.dataDir).filter(({ command }) => command.includes(name));
          return found.length > 0 ? found : null;
        },
        90_000,
      );
      process.kill(first?.pid ?? 0, "SIGKILL");
    }
    await running.saw(/api ended \(SIGKILL\)\. It starts again in/);
    await running.saw(/worker ended \(SIGKILL\)\. It starts again in/);
    await running.saw(UP);
    running.signal("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  test("npm start recovers from a power cut after which another program has the server's process id", async () => {
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
  test.each(["api", "worker"])("the %s requires DATABASE_URL", async (name) => {
    const { settings } = await newPlace();
    const { code, output } = await run("npm", ["run", name], settings).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: DATABASE_URL: required/m);
  });

  test("a program refuses a database without migrations and names the command", async () => {
    const { settings } = await newPlace({ DATABASE_URL: await emptyDatabase(), JWT_SECRET: "x".repeat(32) });
    for (const name of ["api", "worker"]) {
      const { code, output } = await run(process.execPath, [`src/${name}.ts`], settings).ended;
      expect({ code, output }).toMatchObject({ code: 1 });
      expect(output).toMatch(/^rowmill: DATABASE_URL: .* lacks \d+ migration.*npm run cli -- migrate$/m);
    }
    for (const _ of ["first", "second"]) {
      const { code, output } = await run("npm", ["run", "cli", "--", "migrate"], settings).ended;
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output).toContain("The database is up to date.");
    }
    const worker = run(process.execPath, ["src/worker.ts"], settings);
    await worker.saw(/"taking jobs"/);
    worker.signal("SIGTERM");
    expect(await worker.ended).toMatchObject({ code: 0 });
  });

  test("a worker refuses an unknown queue", async () => {
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

  test("the doctor reports an unreachable database", async () => {
    const url = `postgres://nobody:secret@127.0.0.1:${await freePort()}/nothing`;
    const place = await newPlace({ DATABASE_URL: url, JWT_SECRET: "x".repeat(32) });
    const { code, output } = await cli(["doctor"], place).ended;
    expect({ code, output }).toMatchObject({ code: 2 });
    expect(output).toMatch(/✗ Cannot reach the database: \S/);
    expect(output).not.toContain("secret");
  });

  test("the CLI refuses an unknown command and starts no database for it", async () => {
    const place = await newPlace();
    const { code, output } = await cli(["nonsense"], place).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toContain('Unknown command "nonsense". Known commands: migrate, doctor, ');
    expect(existsSync(place.dataDir)).toBe(false);
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
