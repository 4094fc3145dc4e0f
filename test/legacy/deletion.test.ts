import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** The sources without the replaced services: the folder is gone, and the lines of app.ts that name it. */
function copyWithoutLegacy(): string {
  // Beside node_modules, which the sources are resolved against.
  const copy = mkdtempSync(join(root, "node_modules/.deletion-"));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  const isLegacy = (path: string) => path === join(root, "src/legacy");
  cpSync(join(root, "src"), join(copy, "src"), { recursive: true, filter: (path) => !isLegacy(path) });
  for (const file of ["package.json", "tsconfig.json"]) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const app = join(copy, "src/app.ts");
  const lines = readFileSync(app, "utf8").split("\n");
  const rest = lines.filter((line) => !line.includes("legacyRoutes"));
  expect(lines.length - rest.length).toBe(2);
  writeFileSync(app, rest.join("\n"));
  const config = { extends: "./tsconfig.json", include: ["src"] };
  writeFileSync(join(copy, "tsconfig.src.json"), JSON.stringify(config));
  return copy;
}

test("the sources without src/legacy compile, with nothing unused", async () => {
  const copy = copyWithoutLegacy();
  const tsc = join(root, "node_modules/.bin/tsc");
  // Its threads would repeat much of each other's work: 26 s of a core instead of 8.
  const run = promisify(execFile)(tsc, ["--project", "tsconfig.src.json", "--singleThreaded"], { cwd: copy });
  const output = await run.then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  expect(output).toBe("");
});
