import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import { isUuid } from "../platform/ids.ts";
import { runSchedule } from "../schedules/control/run-schedule.ts";
import { updateSchedule } from "../schedules/control/update-schedule.ts";
import { getSchedule, lastTicks, listSchedules, type Schedule } from "../schedules/queries.ts";
import { showSchedule } from "../schedules/read-schedules.ts";
import { viewListed, viewTick } from "../schedules/views.ts";
import { command, flag, text } from "./command.ts";
import { limitOf } from "./named.ts";
import { pagesOf, printJson, showPages } from "./table.ts";

const options = { json: flag } as const;

export const scheduleCommands = [
  command({
    name: "schedules list",
    usage: "[--limit 100] [--json]",
    summary: "List the built-in schedules and those of all users.",
    options: { ...options, limit: { ...text, default: "100" } },
    async run({ connect }, { json, limit }) {
      const ctx = await connect();
      await showPages(json, viewsOf(ctx, limitOf(limit)), rowOf);
    },
  }),

  command({
    name: "schedules get",
    usage: "ID [--json]",
    summary: "Show a schedule with its next ticks.",
    takesArgument: true,
    options,
    async run({ connect }, { json }, id) {
      const scheduleId = idOf(id);
      const ctx = await connect();
      await print(ctx, json, await getSchedule(ctx, null, scheduleId));
    },
  }),

  command({
    name: "schedules enable",
    usage: "ID [--json]",
    summary: "Enable a schedule. Ticks that have passed are not run.",
    takesArgument: true,
    options,
    run: async ({ connect }, { json }, id) => setEnabled(connect, json, id, true),
  }),

  command({
    name: "schedules disable",
    usage: "ID [--json]",
    summary: "Disable a schedule. Tasks that exist continue.",
    takesArgument: true,
    options,
    run: async ({ connect }, { json }, id) => setEnabled(connect, json, id, false),
  }),

  command({
    name: "schedules run",
    usage: "ID [--json]",
    summary: "Run a schedule now, also if it is disabled.",
    takesArgument: true,
    options,
    async run({ connect }, { json }, id) {
      const scheduleId = idOf(id);
      const tick = viewTick(await runSchedule(await connect(), null, scheduleId));
      if (json) printJson(tick);
      else
        console.log(tick.task_id ? `Created the task ${tick.task_id}.` : `Created the job ${tick.job_id}.`);
    },
  }),
];

async function setEnabled(
  connect: () => Promise<Context>,
  json: boolean,
  id: string | undefined,
  isEnabled: boolean,
): Promise<void> {
  const scheduleId = idOf(id);
  const ctx = await connect();
  await print(ctx, json, await updateSchedule(ctx, null, scheduleId, { isEnabled }));
}

async function print(ctx: Context, json: boolean, schedule: Schedule): Promise<void> {
  const view = await showSchedule(ctx, schedule);
  if (json) return printJson(view);
  const { name, cron, timezone, last_tick, next_ticks } = view;
  console.log(`${name}: ${cron} (${timezone})`);
  console.log(`Last tick: ${last_tick ? `${last_tick.tick_at} ${last_tick.state}` : "none"}`);
  console.log(`Next ticks: ${next_ticks.join(", ") || "none"}`);
}

type View = ReturnType<typeof viewListed>;

async function* viewsOf(ctx: Context, limit: number): AsyncGenerator<View[]> {
  const pages = pagesOf<Schedule>(limit, (left, last) =>
    listSchedules(ctx, null, { after: last?.number ?? 0, limit: Math.min(left, 1000) }),
  );
  for await (const page of pages) {
    const ids = page.map(({ id }) => id);
    const ticks = await lastTicks(ctx, ids);
    yield page.map((schedule) => viewListed(schedule, ticks.get(schedule.id)));
  }
}

function rowOf({ id, user_id, builtin, name, cron, timezone, next_run_at, last_tick, ...rest }: View) {
  return {
    schedule: id,
    owner: builtin ?? user_id,
    name,
    cron,
    "time zone": timezone,
    next: next_run_at ?? (rest.is_enabled ? "ended" : "disabled"),
    last: last_tick ? last_tick.state : null,
  };
}

function idOf(id: string | undefined): string {
  if (id !== undefined && isUuid(id)) return id;
  const problem =
    id === undefined ? "The id of the schedule is missing." : `"${id}" is not the id of a schedule.`;
  throw new ConfigError(`${problem} \`schedules list\` shows the ids.`);
}
