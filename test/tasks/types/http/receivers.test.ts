/** The workers in docs/guide/http-tasks.md, as readers copy them: Rowmill sends them tasks. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../../src/platform/postgres/embedded/embedded-postgres.ts";
import { all, root } from "../../../support/pages.ts";
import { RECEIVER_SETTINGS } from "../../../support/receiver.ts";
import { makeTask, untilEnded } from "../../../support/task-client.ts";
import { until } from "../../../support/until.ts";
import { useAdmin, useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: RECEIVER_SETTINGS, worker: true });
const admin = useAdmin(rowmill);

const KEY = `whsec_${Buffer.from("a key for the receivers of the guide").toString("base64")}`;
const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython)
  process.stderr.write(
    "\n*** THERE IS NO python3: the worker in Python of docs/guide/http-tasks.md is NOT tested. ***\n",
  );

/** Runs the code block of a language. @returns its URL, and the lines that it has printed */
async function startWorker(language: "js" | "python") {
  const guide = readFileSync(join(root, "docs/guide/http-tasks.md"), "utf8");
  const [code = ""] = all(guide, new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"));
  expect(code.trimEnd().split("\n").length).toBeLessThanOrEqual(26);
  const folder = mkdtempSync(join(tmpdir(), "rowmill-http-worker-"));
  const file = join(folder, language === "js" ? "receiver.mjs" : "receiver.py");
  writeFileSync(file, code);
  const port = await freePort();
  const env = { ...process.env, PORT: String(port) };
  const child: ChildProcess = spawn(language === "js" ? process.execPath : "python3", [file, KEY], { env });
  onTestFinished(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const url = `http://127.0.0.1:${port}/`;
  await until("the worker answers", async () => {
    if (!output.includes("ready")) return false;
    return fetch(url, { method: "POST", body: "{}" }).then(
      () => true,
      () => false,
    );
  });
  return { url, lines: () => output.split("\n").filter((line) => line.startsWith("task_")) };
}

test("the worker in Node.js does the work of a signed task once, and of no other", () => expectWork("js"));

test.skipIf(!hasPython)("the worker in Python does the work of a signed task once, and of no other", () =>
  expectWork("python"),
);

async function expectWork(language: "js" | "python"): Promise<void> {
  await admin.put("/api/v1/admin/secrets/WORKER_KEY", { value: KEY });
  const { url, lines } = await startWorker(language);
  const task = { type: "http", params: { url, body: { numbers: [1, 2, 3] }, sign_with: "WORKER_KEY" } };
  const { id } = await makeTask(admin, task);
  const done = await untilEnded(admin, id);
  expect(done, JSON.stringify(done)).toMatchObject({
    status: "completed",
    result: { status: 200, body: { total: 6 }, body_format: "json" },
  });
  await admin.post(`/api/v1/tasks/${id}/retry`, { force: true });
  await until("it was sent again", async () => lines().length === 2);
  expect(await untilEnded(admin, id)).toMatchObject({
    status: "completed",
    result: { body: { total: 6 } },
  });
  const sent = `task_${id.replaceAll("-", "")}`;
  expect(lines().map((line) => line.toLowerCase())).toEqual([`${sent} 1 true`, `${sent} 1 true`]);

  const unsigned = { ...task, params: { ...task.params, sign_with: undefined } };
  const refused = await untilEnded(admin, (await makeTask(admin, unsigned)).id);
  expect(refused).toMatchObject({ status: "failed", error_code: "http_status", result: { status: 401 } });
}
