import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

function logged(format: string): string {
  const script = `import { createLog } from ${JSON.stringify(new URL("../../src/platform/log.ts", import.meta.url))};
    createLog({ logLevel: "info", logFormat: ${JSON.stringify(format)} }, "api").info({ rows: 3 }, "stored");`;
  return execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
}

test.each(["json", "auto"])("LOG_FORMAT=%s writes JSON to a pipe", (format) => {
  expect(JSON.parse(logged(format))).toMatchObject({ level: 30, program: "api", rows: 3, msg: "stored" });
});

test("LOG_FORMAT=pretty writes lines for people", () => {
  expect(logged("pretty")).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: api {5}stored \{"rows":3\}\n$/);
});
