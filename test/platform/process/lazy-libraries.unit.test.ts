/** Memory of idle programs: libraries that most of them never need are loaded when they are first needed. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../../support/commands.ts";

test("programs start without the libraries for pictures, mails, outgoing requests and new passwords", () => {
  const script = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    registerHooks({
      load(url, context, next) {
        const [, library] = /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
        loaded.add(library);
        return next(url, context);
      },
    });
    await import("./src/app.ts");
    await import("./src/take-jobs.ts");
    const ofNode = process.moduleLoadList.filter((name) => name.includes("deps/undici"));
    console.log(JSON.stringify({ libraries: [...loaded], ofNode }));`;
  const preload = `--import=${join(checkout, "src/platform/process/preload.ts")}`;
  const output = execFileSync(process.execPath, [preload, "--input-type=module", "--eval", script], {
    cwd: checkout,
    encoding: "utf8",
  });
  const { libraries, ofNode } = JSON.parse(output) as { libraries: string[]; ofNode: string[] };
  expect(libraries).toContain("fastify");
  expect(libraries).not.toContain("sharp");
  expect(libraries).not.toContain("nodemailer");
  expect(libraries).not.toContain("undici");
  expect(libraries).not.toContain("@zxcvbn-ts/language-common");
  // fetch and WebSocket of Node itself, which an import from node:http loads.
  expect(ofNode).toEqual([]);
});
