/** Task types that a team adds, in a copy of the sources: one of this file, and the one of docs/extending/task-type.md. */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client, Problem } from "../support/client.ts";
import { checkout } from "../support/commands.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { history, type Listed, makeTask, untilEnded } from "../support/task-client.ts";

const TYPE = `
import Type from "typebox";
import { Permanent, Retryable } from "../../errors.ts";
import type { TaskType } from "./task-type.ts";

const params = Type.Object({
  width: Type.Integer({ minimum: 1, default: 10, description: "In pixels.", examples: [20] }),
  outcome: Type.Enum(["done", "busy", "broken", "slow"], { description: "How it ends.", examples: ["done"] }),
});

export const measureType: TaskType<typeof params> = {
  name: "measure",
  description: "Measures.",
  queue: "notifications",
  params,
  file: "none",
  limits: { timeoutSeconds: 1 },
  async run(_ctx, { task, params, signal }) {
    if (params.outcome === "busy") throw new Retryable("scale_busy", "The scale is busy.", { afterSeconds: 2 });
    if (params.outcome === "broken") throw new Permanent("scale_broken", "The scale is broken.");
    if (params.outcome === "slow") await new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
    return { message: "Measured " + task.title + ".", area: params.width ** 2 };
  },
};
`;

const page = readFileSync(join(checkout, "docs/extending/task-type.md"), "utf8");

/** Returns the code of the page for a file. */
function codeOf(path: string): string {
  const code = page.split(`\`${path}\`:\n\n\`\`\`ts\n`)[1]?.split("```")[0];
  if (!code) throw new Error(`The page has no ${path}.`);
  return code;
}

let copy: string;
let rowmill: Programs;
let user: Client;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), "rowmill-type-"));
  for (const name of ["src", "drizzle", "package.json"]) {
    cpSync(join(checkout, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, "src/tasks/types/measure.ts"), TYPE);
  appendFileSync(join(copy, "src/tasks/types/all.ts"), 'export { measureType } from "./measure.ts";\n');
  writeFileSync(join(copy, "src/tasks/types/checksum.ts"), codeOf("src/tasks/types/checksum.ts"));
  appendFileSync(join(copy, "src/tasks/types/all.ts"), codeOf("src/tasks/types/all.ts"));
  rowmill = await startPrograms({}, undefined, copy);
  const { client } = await rowmill.startApi();
  user = await client.signUp("ada");
  await rowmill.startWorker({ WORKER_QUEUES: "notifications,file_processing" });
});
afterAll(async () => {
  await rowmill[Symbol.asyncDispose]();
  rmSync(copy, { recursive: true });
});

const measure = (outcome: string, own: object = {}) =>
  makeTask(user, { type: "measure", params: { outcome }, ...own });

test("workers of its queue run an own task type with its defaults", async () => {
  const made = await measure("done", { title: "a field" });
  expect(made).toMatchObject({ queue: "notifications", params: { outcome: "done", width: 10 } });
  expect(await untilEnded(user, made.id)).toMatchObject({
    status: "completed",
    result: { message: "Measured a field.", area: 100 },
  });
});

test("the parameters of an own task type are checked at creation", async () => {
  const body = { type: "measure", params: { width: 0.5, outcome: "odd", height: 1 } };
  const { status, body: problem } = await user.post<Problem>("/api/v1/tasks", body);
  expect(status).toBe(400);
  expect(problem.field_errors).toEqual({
    "params.width": ["must be a whole number.", "must be at least 1."],
    "params.outcome": ["must be one of: done, busy, broken, slow."],
    "params.height": ["is not a parameter of measure. Known parameters: width, outcome."],
  });
  const bulk = await user.post<Problem>("/api/v1/tasks/bulk", { tasks: [body] });
  expect(Object.keys(bulk.body.field_errors)).toContain("tasks.0.params.width");
});

test("a permanent failure of an own task type fails at once", async () => {
  const { id } = await measure("broken", { max_retries: 5 });
  expect(await untilEnded(user, id)).toMatchObject({
    status: "failed",
    attempt: 1,
    error_code: "scale_broken",
    error_message: "The scale is broken.",
  });
});

test("a temporary failure of an own task type is retried after its delay", async () => {
  const { id } = await measure("busy", { max_retries: 1 });
  expect(await untilEnded(user, id)).toMatchObject({
    status: "failed",
    attempt: 2,
    error_code: "scale_busy",
  });
  expect(await history(user, id)).toEqual(["created", "queued", "started", "retrying", "started", "failed"]);
  const { items } = (
    await user.get<Listed<{ type: string; created_at: string }>>(`/api/v1/tasks/${id}/history`)
  ).body;
  const at = (type: string) =>
    items.filter((event) => event.type === type).map((event) => Date.parse(event.created_at));
  expect((at("started")[1] ?? 0) - (at("retrying")[0] ?? 0)).toBeGreaterThanOrEqual(2000);
});

test("an attempt of an own task type over its time limit fails", async () => {
  const { id } = await measure("slow", { max_retries: 0 });
  expect(await untilEnded(user, id)).toMatchObject({
    status: "failed",
    error_code: "timed_out",
    error_message: "The attempt took longer than the limit of 1 s.",
  });
});

test("an own task type is in the OpenAPI document", async () => {
  const { body } = await user.get("/api/v1/task-types/measure");
  expect(body).toMatchObject({
    params: { required: ["outcome"], properties: { width: { default: 10 } } },
    example: { type: "measure", params: { width: 20, outcome: "done" } },
  });
  const document = (await user.get<{ components: { schemas: Record<string, object> } }>("/openapi.json"))
    .body;
  expect(document.components.schemas.NewMeasureTask).toMatchObject({
    properties: { params: { required: ["outcome"] } },
  });
});

test("the documented task type computes the checksum of a streamed file", async () => {
  const content = "x".repeat(3_000_000);
  const { body: file } = await user.upload<{ id: string; sha256: string }>(content, "/api/v1/files", "x.txt");
  const { id } = await makeTask(user, { type: "checksum", file_id: file.id, params: {} });
  const { status, result } = await untilEnded(user, id);
  expect(status).toBe("completed");
  expect(result).toEqual({ message: `sha256 of x.txt: ${file.sha256}`, hex: file.sha256 });
});
