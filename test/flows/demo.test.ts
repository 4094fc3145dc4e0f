/** A newcomer's first minute, as they type it: in a pipe, in a terminal, with files of their own, and in root's home. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { checkout, endLeftovers, processesOn, run, unset } from "../support/commands.ts";
import { createDataFolder } from "../support/data-folder.ts";

const goodbooks = join(checkout, "../shared/data/goodbooks-10k.csv");
const isRoot = process.getuid?.() === 0;

let folder = "";
/** The demos share it: from the second on, they meet the user and the books of the ones before. */
let dataDir = "";
beforeAll(() => {
  folder = createDataFolder("rowmill-demo-");
  chmodSync(folder, 0o755);
  dataDir = join(folder, "data");
});
afterAll(() => {
  endLeftovers(dataDir);
  rmSync(folder, { recursive: true, force: true });
});

describe("npm run demo", () => {
  test("the demo without a terminal imports the sample, shows the result and exits", async () => {
    const { url, settings } = await newPlace();
    const { code, output } = await run("npm", ["run", "demo", "--", "--exit"], settings).ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain("Uploaded books.csv: 320 rows stored and queued");
    expect(output).toContain("308 books created, 12 rows failed");
    const failed = [...output.matchAll(/^ +row +(\d+) {2}(.+)$/gm)].map(([, row, reason]) => [row, reason]);
    expect(failed).toEqual([
      ["24", expect.stringContaining("title")],
      ["47", expect.stringContaining("author")],
      ["73", expect.stringContaining("4 fields, but the header has 3")],
      ["98", expect.stringContaining("title has 619 characters")],
      ["125", expect.stringContaining("not UTF-8")],
      ["151", expect.stringContaining("author")],
      ["176", expect.stringContaining("title")],
      ["203", expect.stringContaining("author has 281 characters")],
      ["229", expect.stringContaining("author")],
      ["254", expect.stringMatching(/title.*author/)],
      ["281", expect.stringContaining("4 fields, but the header has 3")],
      ["306", expect.stringContaining("title")],
    ]);
    expect(output).toMatch(
      /^ +Import your own file +npm run demo -- FILE\.csv\n +Start Rowmill again +npm start, then$/m,
    );
    expect(output).toContain(`${url}/docs\n`);
    expect(output).toMatch(/^ *curl -H "Authorization: Bearer \S+" "\S+"$/m);
    expect(processesOn(dataDir)).toEqual([]);
  });

  const hasTerminal = process.platform === "linux" && isInstalled("script") && isInstalled("curl");
  test.skipIf(!hasTerminal)(
    "in a terminal stays up, so that the command it prints works, until Ctrl-C (needs script and curl)",
    async () => {
      const { url, settings } = await newPlace();
      const command = `exec '${process.execPath}' src/dev.ts --demo`;
      const demo = run("script", ["-qec", command, "/dev/null"], settings);
      await demo.saw(/Press Ctrl-C to stop/);
      expect(demo.output()).toContain("320/320");
      const [, open, password] =
        /^Open (\S+) in a browser to watch\.\s+Sign in as demo with the password (\S+)$/m.exec(
          demo.output(),
        ) ?? [];
      expect(open).toBe(`${url}/`);
      const login = await fetch(`${url}/api/v1/auth/browser/login`, {
        method: "POST",
        headers: { origin: url, "content-type": "application/json" },
        body: JSON.stringify({ username: "demo", password }),
      });
      expect(login.status).toBe(200);
      expect(demo.output()).toContain("press Ctrl-C, then npm run demo -- FILE.csv");
      const [curl = ""] = /curl -H .*"/.exec(demo.output()) ?? [];
      const answer = execFileSync("sh", ["-c", curl], { encoding: "utf8", stdio: "pipe" });
      expect(JSON.parse(answer).items).toHaveLength(12);
      demo.type("\x03");
      const { code, output } = await demo.ended;
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(processesOn(dataDir)).toEqual([]);
    },
  );

  test("the demo imports your own file", async () => {
    const { settings } = await newPlace();
    const file = join(folder, "my books.csv");
    const rows = Array.from({ length: 30 }, (_, n) => (n < 28 ? `Book ${n},Writer ${n}` : `,Writer ${n}`));
    writeFileSync(file, ["Title,Author", ...rows, ""].join("\n"));
    const { code, output } = await run("npm", ["run", "demo", "--", file], settings).ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain("Uploaded my books.csv: 30 rows stored and queued");
    expect(output).toContain("28 books created, 2 rows failed");
    expect(output).toMatch(/row +30 {2}title .*\n +row +31 {2}title /);
  });

  test.for([
    ["no row", "", ["Uploaded few.csv: 0 rows", "100 %  0/0 rows", "0 books created, 0 rows failed"]],
    ["one row", ",Writer\n", ["Uploaded few.csv: 1 row stored", "1/1 row ", "0 books created, 1 row failed"]],
  ] as const)("the demo imports a file with %s", async ([_, rows, printed]) => {
    const { settings } = await newPlace();
    const file = join(folder, "few.csv");
    writeFileSync(file, `title,author\n${rows}`);
    const { code, output } = await runDemo(settings, [file]).ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    for (const text of printed) expect(output).toContain(text);
  });

  test("the demo ends on Ctrl-C during the import and leaves no process", async () => {
    const own = join(folder, "interrupted");
    onTestFinished(() => endLeftovers(own));
    const { settings } = await newPlace(own);
    const demo = runDemo({ ...settings, ROW_DELAY_MS: "2000" }, []);
    await demo.saw(/320 rows stored and queued/);
    demo.signal("SIGINT");
    const { code, output } = await demo.ended;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).not.toContain("Error");
    expect(processesOn(own)).toEqual([]);
  });

  test("the demo reports a missing file", async () => {
    const { settings } = await newPlace();
    const { code, output } = await runDemo(settings, [join(folder, "absent.csv")]).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toContain(`File not found: ${join(folder, "absent.csv")}`);
    expect(processesOn(dataDir)).toEqual([]);
  });

  test("the demo reports why a file without a header is refused", async () => {
    const { settings } = await newPlace();
    const file = join(folder, "refused.csv");
    writeFileSync(file, "Ulysses,James Joyce\nEmma,Jane Austen\n");
    const { code, output } = await runDemo(settings, [file]).ended;
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/refused\.csv was refused: .*no column "title"/);
    expect(output).not.toContain("    at ");
    expect(processesOn(dataDir)).toEqual([]);
  });

  test.skipIf(!existsSync(goodbooks))(
    "gives every one of 10,000 real books a result (needs ../shared/data/goodbooks-10k.csv)",
    async () => {
      const { settings } = await newPlace();
      const { code, output } = await runDemo(settings, [goodbooks, "--exit"]).ended;
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output).toContain("10000 rows stored and queued");
      expect(output).toContain("10000/10000");
      const [, made, failed] = /(\d+) books created, (\d+) rows failed/.exec(output) ?? [];
      expect(Number(made) + Number(failed)).toBe(10_000);
      expect(Number(made)).toBeGreaterThan(9_900);
    },
  );
});

test.skipIf(!isRoot)(
  "root's demo works in a folder that nobody else can enter, twice (needs root)",
  async () => {
    const sharedHome = "/var/lib/rowmill";
    const had = existsSync(sharedHome) ? readdirSync(sharedHome) : [];
    const hadHome = existsSync(sharedHome);
    const own = mkdtempSync(join(tmpdir(), "rowmill-root-"));
    chmodSync(own, 0o700);
    const copy = join(own, "rowmill");
    const copyData = join(copy, ".data");
    const pids: number[] = [];
    try {
      mkdirSync(copy);
      for (const part of ["package.json", "src", "drizzle"])
        cpSync(join(checkout, part), join(copy, part), { recursive: true });
      linkFolder(join(checkout, "node_modules"), join(copy, "node_modules"));

      const { url, settings } = await newPlace(copyData);
      const first = runDemo(settings, ["--exit"], copy);
      pids.push(first.pid);
      const { code, output } = await first.ended;
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output).toContain("308 books created, 12 rows failed");
      expect(processesOn(copyData)).toEqual([]);

      const [, token, rows] = /Bearer ([^"]+)" "([^"]+)"/.exec(output) ?? [];
      const again = run(process.execPath, ["src/dev.ts"], settings, copy);
      pids.push(again.pid);
      await again.saw(/Press Ctrl-C to stop/);
      expect(rows?.startsWith(url)).toBe(true);
      const answer = await fetch(String(rows), { headers: { authorization: `Bearer ${token}` } });
      expect(await answer.json()).toMatchObject({ items: { length: 12 } });
      again.signal("SIGTERM");
      expect(await again.ended).toMatchObject({ code: 0 });
      expect(processesOn(copyData)).toEqual([]);
    } finally {
      endLeftovers(copyData);
      rmSync(own, { recursive: true, force: true });
      for (const entry of madeIn(sharedHome, had, pids)) rmSync(entry, { recursive: true, force: true });
      if (!hadHome) rmSync(sharedHome, { recursive: true, force: true });
    }
  },
);

/** Lists the entries of these processes in the folder that root's databases of all checkouts share. */
function madeIn(sharedHome: string, had: readonly string[], pids: readonly number[]): string[] {
  const entries = existsSync(sharedHome) ? readdirSync(sharedHome) : [];
  const isOurs = (entry: string) => {
    const owner = join(sharedHome, entry, "owner.pid");
    return entry.startsWith("postgres-") || (existsSync(owner) && pids.includes(Number(readFileSync(owner))));
  };
  return entries
    .filter((entry) => !had.includes(entry) && isOurs(entry))
    .map((entry) => join(sharedHome, entry));
}

/** Hard links where the disk is the same one. */
function linkFolder(from: string, to: string): void {
  try {
    execFileSync("cp", ["-al", from, to], { stdio: "ignore" });
  } catch {
    rmSync(to, { recursive: true, force: true });
    execFileSync("cp", ["-a", from, to]);
  }
}

function runDemo(settings: NodeJS.ProcessEnv, args: string[], cwd = checkout) {
  return run(process.execPath, ["src/dev.ts", "--demo", ...args], settings, cwd);
}

/** A port of its own, and nothing of what this shell or a `.env` sets. */
async function newPlace(dir = dataDir) {
  const port = await freePort();
  return { url: `http://127.0.0.1:${port}`, settings: { ...unset, DATA_DIR: dir, PORT: String(port) } };
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((dir) => existsSync(join(dir, program)));
}
