/** Schedules and workflows. */
import { type Row, tableOf } from "../cli/table.ts";
import type { RowmillClient } from "../client/index.ts";
import { command, flag, limitOf, type Session, text } from "./command.ts";
import { showList } from "./lists.ts";
import { print, printJson } from "./terminal.ts";

/** Fields that a table shows, if the thing has them. */
interface Automation {
  readonly id: string | number;
  readonly name?: string | null;
  readonly state?: string;
  readonly cron?: string;
  readonly time_zone?: string;
  readonly enabled?: boolean;
  readonly next_ticks?: readonly string[];
  readonly created_at?: string;
}

type Noun = "schedules" | "workflows";

const read = { limit: { ...text, default: "20" }, json: flag } as const;

export const automationCommands = [
  command({
    name: "schedules",
    usage: "[--limit 20] [--json]",
    summary: "List your schedules and their next ticks.",
    options: read,
    run: (session, values) => showAll(session, "schedules", values),
  }),
  control("schedules", "run", "Run a schedule now."),
  command({
    name: "workflows",
    usage: "[--limit 20] [--json]",
    summary: "List your workflows, newest first.",
    options: read,
    run: (session, values) => showAll(session, "workflows", values),
  }),
  command({
    name: "workflows get",
    usage: "ID",
    summary: "Show a workflow and its steps, as JSON.",
    takes: ["ID"],
    options: {},
    async run({ terminal, connect }, _, [id = ""]) {
      await printJson(
        terminal,
        await (await connect()).call("get", "/api/v1/workflows/{id}", { path: { id } }),
      );
    },
  }),
  control("workflows", "cancel", "Cancel a workflow and its open steps."),
  control("workflows", "retry", "Retry a workflow from the steps that failed."),
];

function control(noun: Noun, verb: string, summary: string) {
  return command({
    name: `${noun} ${verb}`,
    usage: "ID [--json]",
    summary,
    takes: ["ID"],
    options: { json: flag },
    async run({ terminal, connect }, { json }, [id = ""]) {
      const client = await connect();
      const path = `/api/v1/${noun}/{id}/${verb}`;
      const answer = await client.call("post", path, { path: { id }, signal: terminal.interrupted });
      await (json ? printJson(terminal, answer) : print(terminal, tableOf([rowOf(answer as Automation)])));
    },
  });
}

async function showAll(
  { terminal, connect }: Session,
  noun: Noun,
  { limit, json }: { limit: string; json: boolean },
): Promise<void> {
  const items = listOf(await connect(), noun, terminal.interrupted);
  await showList(terminal, items, { limit: limitOf(limit), json, rowOf });
}

/** The only untyped requests: the generated types get these paths when the API has them. */
async function* listOf(client: RowmillClient, noun: Noun, signal: AbortSignal): AsyncGenerator<Automation> {
  let cursor: string | null = null;
  do {
    const query: { cursor?: string } = cursor === null ? {} : { cursor };
    const page = await client.call("get", `/api/v1/${noun}`, { query, signal });
    const { items, next_cursor } = page as { items: Automation[]; next_cursor: string | null };
    yield* items;
    cursor = next_cursor;
  } while (cursor !== null);
}

function rowOf({ id, name, state, enabled, cron, time_zone, next_ticks, created_at }: Automation): Row {
  return {
    id,
    name: name ?? null,
    state: state ?? (enabled === undefined ? null : enabled ? "on" : "off"),
    ...(cron === undefined ? {} : { cron, zone: time_zone ?? null, next: next_ticks?.[0] ?? null }),
    created: created_at ?? null,
  };
}
