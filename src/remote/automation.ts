/** Schedules and workflows. */
import { type Row, tableOf } from "../cli/table.ts";
import type { Schemas } from "../client/index.ts";
import { command, flag, limitOf, type Session, text } from "./command.ts";
import { showList } from "./lists.ts";
import { print, printJson, type Terminal } from "./terminal.ts";

const read = { limit: { ...text, default: "20" }, json: flag } as const;

export const automationCommands = [
  command({
    name: "schedules",
    usage: "[--limit 20] [--json]",
    summary: "List your schedules and their next ticks.",
    options: read,
    async run({ terminal, connect }, { limit, json }) {
      const schedules = (await connect()).list("/api/v1/schedules", { signal: terminal.interrupted });
      await showList(terminal, schedules, { limit: limitOf(limit), json, rowOf: scheduleRow });
    },
  }),
  command({
    name: "schedules run",
    usage: "ID [--json]",
    summary: "Run a schedule now.",
    takes: ["ID"],
    options: { json: flag },
    async run({ terminal, connect }, { json }, [schedule_id = ""]) {
      const tick = await (await connect()).post("/api/v1/schedules/{schedule_id}/run", {
        path: { schedule_id },
        body: {},
        signal: terminal.interrupted,
      });
      const { state, task_id, workflow_id, reason } = tick;
      const row = { state, task: task_id, workflow: workflow_id, reason };
      await (json ? printJson(terminal, tick) : print(terminal, tableOf([row])));
    },
  }),
  command({
    name: "workflows",
    usage: "[--limit 20] [--json]",
    summary: "List your workflows, newest first.",
    options: read,
    async run({ terminal, connect }, { limit, json }) {
      const workflows = (await connect()).list("/api/v1/workflows", { signal: terminal.interrupted });
      await showList(terminal, workflows, { limit: limitOf(limit), json, rowOf: workflowRow });
    },
  }),
  command({
    name: "workflows get",
    usage: "ID",
    summary: "Show a workflow and its steps, as JSON.",
    takes: ["ID"],
    options: {},
    async run({ terminal, connect }, _, [workflow_id = ""]) {
      const request = { path: { workflow_id }, signal: terminal.interrupted };
      await printJson(terminal, await (await connect()).get("/api/v1/workflows/{workflow_id}", request));
    },
  }),
  command({
    name: "workflows cancel",
    usage: "ID [--json]",
    summary: "Cancel a workflow and its open steps.",
    takes: ["ID"],
    options: { json: flag },
    run: (session, { json }, [id = ""]) => changeWorkflow(session, "cancel", id, json),
  }),
  command({
    name: "workflows retry",
    usage: "ID [--json]",
    summary: "Retry a workflow from the steps that failed.",
    takes: ["ID"],
    options: { json: flag },
    run: (session, { json }, [id = ""]) => changeWorkflow(session, "retry", id, json),
  }),
];

async function changeWorkflow(
  { terminal, connect }: Session,
  verb: "cancel" | "retry",
  workflow_id: string,
  json: boolean,
): Promise<void> {
  const client = await connect();
  const request = { path: { workflow_id }, signal: terminal.interrupted };
  const workflow = await client.post(`/api/v1/workflows/{workflow_id}/${verb}`, request);
  await showWorkflow(terminal, workflow, json);
}

async function showWorkflow(terminal: Terminal, workflow: Schemas["Workflow"], json: boolean): Promise<void> {
  await (json ? printJson(terminal, workflow) : print(terminal, tableOf([workflowRow(workflow)])));
}

function scheduleRow(schedule: Schemas["ListedSchedule"]): Row {
  const { id, name, is_enabled, cron, timezone, next_run_at, created_at } = schedule;
  return {
    id,
    name,
    state: is_enabled ? "on" : "off",
    cron,
    zone: timezone,
    next: next_run_at,
    created: created_at,
  };
}

function workflowRow({ id, name, kind, state, progress, created_at }: Schemas["Workflow"]): Row {
  return { id, name, kind, state, "%": progress, created: created_at };
}
