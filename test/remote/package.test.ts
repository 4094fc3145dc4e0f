/** The package for npm, as a user installs it. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { packClients } from "../support/package.ts";
import { all } from "../support/pages.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

const inFolder = (command: string, args: string[]) =>
  execute(command, args, {
    cwd: folder.path,
    env: { ...process.env, ROWMILL_URL: rowmill.url, ROWMILL_TOKEN: user.token, NODE_OPTIONS: "" },
  });

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), "rowmill-"));
  const archive = await packClients(join(folder.path, "packed"));
  await writeFile(join(folder.path, "package.json"), '{ "type": "module" }');
  await inFolder("npm", ["install", "--offline", "--no-audit", "--no-fund", archive]);
});
afterAll(() => folder.remove());

test("the package installs offline, and brings no other package", async () => {
  const installed = await readdir(join(folder.path, "node_modules"));
  expect(installed.filter((name) => !name.startsWith("."))).toEqual(["rowmill"]);
});

test("the command of the package imports a file", async () => {
  const command = join(folder.path, "node_modules/.bin/rowmill");
  expect((await inFolder(command, ["--version"])).stdout).toBe(`${packageJson.version}\n`);
  await writeFile(join(folder.path, "books.csv"), "title,author\nEmma,Jane Austen\n");
  const { stdout } = await inFolder(command, ["import", "books.csv", "--target", "books", "--watch"]);
  expect(stdout).toMatch(/^Batch \d+ is completed: 1 row succeeded, 0 failed\.\n$/);
});

test("the program in docs/guide/client.md compiles and runs", async () => {
  const guide = readFileSync(join(root, "docs/guide/client.md"), "utf8");
  const [program = "", more = ""] = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  await writeFile(join(folder.path, "books.csv"), "title,author\nPersuasion,Jane Austen\n,Nobody\n");
  await writeFile(join(folder.path, "program.ts"), program + more);
  const wrong = `${program}await rowmill.post("/api/v1/tasks", { body: { typ: "generic" } });\n`;
  await writeFile(join(folder.path, "wrong.ts"), wrong);
  const compile = (file: string) =>
    inFolder(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      ...[
        "--noEmit",
        "--singleThreaded",
        "--strict",
        "--target",
        "es2024",
        "--module",
        "nodenext",
        "--ignoreConfig",
      ],
      ...["--types", "node", "--typeRoots", join(root, "node_modules/@types"), file],
    ]);
  await compile("program.ts");
  await expect(compile("wrong.ts")).rejects.toMatchObject({
    stdout: expect.stringContaining("'typ' does not exist"),
  });
  const { stdout, stderr } = await inFolder(process.execPath, ["program.ts"]);
  expect(stderr).toMatch(/(\d+) of \1 bytes\n$/);
  expect(stdout).toBe(
    all(guide, /^\/\/ (.+)$/gm)
      .map((line) => `${line}\n`)
      .join(""),
  );
});
