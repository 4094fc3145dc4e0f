import { mkdtempDisposable, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { csv, titled } from "../support/book-files.ts";
import { run as runProcess } from "../support/commands.ts";
import { count } from "../support/count.ts";
import { closeGate } from "../support/gate.ts";
import { RemoteCommand, type RunOptions } from "../support/remote-command.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const PASSWORD = "correct horse";
const rowmill = useRowmill({ worker: true, gate: true });
let home: Awaited<ReturnType<typeof mkdtempDisposable>>;
let command: RemoteCommand;

beforeAll(async () => {
  home = await mkdtempDisposable(join(tmpdir(), "rowmill-"));
  await rowmill.client.signUp("ada");
  command = new RemoteCommand({ XDG_CONFIG_HOME: home.path });
  await run(["login", rowmill.url, "--user", "ada"], { stdin: `${PASSWORD}\n` });
});
afterAll(() => home.remove());

const run = (args: readonly string[], options?: RunOptions) => command.run(args, options);
const at = (name: string) => join(home.path, name);

async function fileOf(name: string, content: string): Promise<string> {
  await writeFile(at(name), content);
  return at(name);
}

async function importJson(file: string, ...args: string[]) {
  const { stdout } = await run(["import", file, "--target", "books", "--watch", "--json", ...args]);
  return JSON.parse(stdout);
}

describe("login", () => {
  test("login stores a token that only the owner of the file can read, and logout revokes it", async () => {
    const other = new RemoteCommand({ XDG_CONFIG_HOME: at("other") });
    const login = await other.run(["login", `${rowmill.url}/`, "--user", "ada"], { stdin: `${PASSWORD}\n` });
    expect(login).toMatchObject({ code: 0, stdout: "" });
    const path = at("other/rowmill/login.json");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { token, ...stored } = JSON.parse(await readFile(path, "utf8"));
    expect(stored).toEqual({ url: rowmill.url, token_id: expect.any(Number), username: "ada" });
    expect((await other.run(["whoami"])).stdout).toBe("ada (user)\n");
    expect((await other.run(["logout"])).code).toBe(0);
    const late = new RemoteCommand({ ROWMILL_URL: rowmill.url, ROWMILL_TOKEN: token });
    expect(await late.run(["whoami"])).toMatchObject({ code: 1, stderr: /\(unauthenticated, request / });
    expect((await other.run(["whoami"])).stderr).toBe(
      "rowmill: Not logged in. Run `rowmill login URL`, or set ROWMILL_URL and ROWMILL_TOKEN.\n",
    );
  });

  test("a wrong password is refused, and nothing is stored", async () => {
    const other = new RemoteCommand({ XDG_CONFIG_HOME: at("wrong") });
    const login = await other.run(["login", rowmill.url, "--user", "ada"], { stdin: "wrong horse\n" });
    expect(login.code).toBe(1);
    expect(login.stderr).toMatch(/^rowmill: .*\(unauthenticated, request [\w-]+\)\n$/);
    await expect(stat(at("wrong/rowmill/login.json"))).rejects.toThrow("ENOENT");
  });

  test("a stored token is not sent to another server", async () => {
    const other = new RemoteCommand({ XDG_CONFIG_HOME: home.path, ROWMILL_URL: "http://127.0.0.1:1" });
    expect((await other.run(["whoami"])).stderr).toMatch(/^rowmill: No token for http:\/\/127\.0\.0\.1:1\./);
  });
});

describe("import", () => {
  test("import checks a file, imports it, saves the failed rows, and takes them back corrected", async () => {
    const file = await fileOf("books.csv", csv(5, 2));
    const dry = await run(["import", file, "--target", "books", "--dry-run", "--watch"]);
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(/^Batch \d+ is validated: 5 rows would succeed, 2 would fail\.\n/);
    const id = /rowmill commit (\S+)/.exec(dry.stdout)?.[1] ?? "";
    const committed = await run(["commit", id, "--fail-on-errors", "--out", at("failed.csv")]);
    expect(committed.code).toBe(2);
    expect(committed.stdout).toMatch(
      /is completed_with_errors: 5 rows succeeded, 2 failed\.\n[\s\S]*\n {2}row {5}\d {2}/,
    );
    expect(committed.stderr).toContain(`rowmill correct ${id} ${at("failed.csv")}`);

    const failed = await readFile(at("failed.csv"), "utf8");
    expect(failed.trim().split("\n")).toHaveLength(3);
    expect((await run(["errors", id])).stdout).toMatch(
      /^2 rows failed\.\n {6}2 {2}\w+ is required {2}\(rows /,
    );
    const list = JSON.parse((await run(["rows", id, "--status", "failed", "--json"])).stdout);
    expect(list.items.map(({ status }: { status: string }) => status)).toEqual(["failed", "failed"]);
    expect((await run(["rows", id, "--limit", "3"])).stdout.trim().split("\n")).toHaveLength(4);

    const undone = await run(["undo", id, "--watch"]);
    expect(undone.stdout).toMatch(/is undone/);
  });

  test("standard input is a file, and --json prints the batch alone on standard output", async () => {
    const args = [
      "import",
      "-",
      "--name",
      "in.csv",
      "--target",
      "records",
      "--max-errors",
      "5%",
      "--watch",
      "--json",
    ];
    const { code, stdout } = await run(args, { stdin: "note\nhello\n" });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ filename: "in.csv", state: "completed", max_errors: "5%" });
  });

  test("progress is shown on a terminal alone", async () => {
    const file = await fileOf("shown.csv", titled(3, { 1: "Shown" }));
    const plain = await run(["import", file, "--target", "books", "--watch"]);
    expect(plain.stderr).not.toContain("\r");
    const shown = await run(["import", file, "--force", "--target", "records", "--watch"], { isTTY: true });
    expect(shown.stderr).toContain("100 %");
    expect(shown.stdout).not.toContain("\r");
  });

  test.each([
    [["import", "/no/such/file.csv"], /^rowmill: \/no\/such\/file\.csv cannot be read: ENOENT: no such file/],
    [["import", "/"], /^rowmill: \/ cannot be read: \/ is not a file\.\n$/],
    [
      ["import", "-", "--target", "books", "--out", "/no/such/failed.csv"],
      /^rowmill: --out: the folder \/no\/such cannot be written: ENOENT/,
    ],
    [["import"], /^rowmill: FILE is missing\. Usage: rowmill import FILE\|- /],
    [["import", "-", "--target", "cups"], /^rowmill: target: .*\(invalid_input, request [\w-]+\)\n$/],
    [["import", "-", "--tarket", "cups"], /^rowmill: Unknown option "--tarket"\. Known options: --target, /],
    [["rows", "x", "--status", "bad"], /^rowmill: --status: "bad" is not one of: pending, /],
    [
      ["undo", "01a20159-f320-7af5-a6be-a1fe00000000"],
      /^rowmill: No such batch, or it is not yours\. \(not_found, /,
    ],
    [["dance"], /^rowmill: Unknown command "dance"\. Known commands: login, /],
  ])("%j is refused with the reason", async (args, message) => {
    const { code, stderr, stdout } = await run(args, { stdin: "title,author\n" });
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  test("Ctrl-C while a program waits leaves the batch running; Ctrl-C while it uploads leaves no batch", async () => {
    const program = (...args: string[]) =>
      runProcess(process.execPath, ["src/rowmill.ts", "import", ...args], { XDG_CONFIG_HOME: home.path });
    const file = await fileOf("gate.csv", "title,author\ngate,Someone\n");
    await using gate = await closeGate(rowmill.ctx);
    const waiting = program(file, "--target", "books", "--watch");
    const uploading = program("-", "--name", "half.csv", "--target", "records");
    uploading.type(`note\n${"some words\n".repeat(200_000)}`);
    const halves = () =>
      count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.batches WHERE filename = 'half.csv'");
    await until("the upload arrives", async () => (await halves()) === 1);
    uploading.signal("SIGINT");
    expect(await uploading.ended).toEqual({
      code: 130,
      output:
        "Interrupted. Nothing is imported, unless the whole file had arrived.\n  Look: rowmill batches\n",
    });
    await until("the upload is removed", async () => (await halves()) === 0);

    await waiting.saw(/are stored and queued/);
    waiting.signal("SIGINT");
    const { code, output } = await waiting.ended;
    expect(code).toBe(130);
    const id =
      /The batch goes on without this command\.\n {2}Follow it: rowmill watch (\S+)\n/.exec(output)?.[1] ??
      "";
    expect(output).toMatch(new RegExp(` {2}Cancel it: rowmill cancel ${id}\n$`));
    await gate.open();
    expect((await run(["watch", id])).stdout).toMatch(/is completed: 1 row succeeded, 0 failed/);
  });

  test("a batch that fails as a whole exits with 2", async () => {
    const file = await fileOf("atomic.csv", csv(2, 1));
    const { code, stdout } = await run([
      "import",
      file,
      "--target",
      "records",
      "--policy",
      "atomic",
      "--watch",
    ]);
    expect(stdout).toContain("is completed");
    expect(code).toBe(0);
    const refused = await importJson(await fileOf("atomic-books.csv", csv(3, 1)), "--policy", "atomic");
    expect(refused.state).toBe("failed");
    expect((await run(["watch", refused.id])).code).toBe(2);
    expect((await run(["retry", refused.id, "--unprocessed", "--watch"])).code).toBe(2);
    expect((await run(["batches", "--limit", "1"])).stdout).toContain(refused.id);
  });
});

describe("tasks", () => {
  test("run creates a task with typed parameters, and waits for it", async () => {
    const args = ["run", "generic", "--param", "seconds=0", "--title", "by hand", "--wait", "--json"];
    const { code, stdout } = await run(args);
    expect({ code, task: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      task: { status: "completed", title: "by hand", params: { seconds: 0 } },
    });
    expect((await run(["task", JSON.parse(stdout).id])).stdout).toMatch(
      /^Task \d+ \(generic\) is completed, 100 %\.\n/,
    );
    expect((await run(["tasks", "--type", "generic"])).stdout).toContain("by hand");
  });

  test("a task that fails exits with 2", async () => {
    const file = await fileOf("note.txt", "no picture");
    const { code, stdout } = await run([
      "run",
      "image",
      "--param",
      "resize=[10,10]",
      "--file",
      file,
      "--wait",
    ]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/\(image\) is failed/);
  });
});

test("help lists the commands, and describes each", async () => {
  const all = await run(["--help"]);
  expect(all).toMatchObject({ code: 0, stderr: "" });
  expect(all.stdout).toMatch(/^Usage: rowmill COMMAND\n\n {2}login /);
  expect((await run(["import", "--help"])).stdout).toMatch(
    /^Usage: rowmill import FILE\|- [\s\S]*--fail-on-errors {3}wait/,
  );
  expect((await run(["--version"])).stdout).toBe("1.2.3\n");
});
