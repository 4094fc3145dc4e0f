import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { watchSources } from "../../../src/platform/process/watch-sources.ts";
import { until } from "../../support/until.ts";

test("the watcher reports sources that change together once, and ignores files of editors", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rowmill-watch-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "tasks"));
  const changes: string[][] = [];
  using _watch = watchSources(folder, (files) => changes.push([...files].sort()));
  writeFileSync(join(folder, "tasks/a.ts.swp"), "");
  writeFileSync(join(folder, "tasks/a.ts"), "");
  writeFileSync(join(folder, "tasks/b.ts"), "");
  await until("the change is reported", async () => changes.length > 0);
  expect(changes).toEqual([["tasks/a.ts", "tasks/b.ts"]]);
  writeFileSync(join(folder, "tasks/c.json"), "{}");
  await until("the next change is reported", async () => changes.length > 1);
  expect(changes).toEqual([["tasks/a.ts", "tasks/b.ts"], ["tasks/c.json"]]);
});
