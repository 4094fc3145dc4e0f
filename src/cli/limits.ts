import { ConfigError } from "../errors.ts";
import { removeLimit, setLimit } from "../tasks/limits/change-limit.ts";
import { listLimits } from "../tasks/limits/queries.ts";
import { type LimitView, MAX_PER_SECOND, MIN_PER_SECOND, viewLimit } from "../tasks/limits/views.ts";
import { command, flag, text } from "./command.ts";
import { typeNamed } from "./named.ts";
import { printJson, printTable, show } from "./table.ts";

const json = { json: flag } as const;

export const limitCommands = [
  command({
    name: "limits list",
    usage: "[--json]",
    summary: "List the limits of task types, and how many tasks run and wait.",
    options: json,
    async run({ connect }, { json }) {
      show(json, (await listLimits(await connect())).map(viewLimit), rowOf);
    },
  }),

  command({
    name: "limits set",
    usage: "TYPE [--per-second N] [--concurrent N] [--json]",
    summary: "Limit the tasks of a type that start per second, or run at a time, on all workers together.",
    takesArgument: true,
    options: { "per-second": text, concurrent: text, ...json },
    async run({ connect }, values, name) {
      const type = typeNamed(name);
      const perSecond = numberOf(values, "per-second");
      const concurrent = numberOf(values, "concurrent");
      if (perSecond === null && concurrent === null) {
        throw new ConfigError(
          "Give --per-second, --concurrent or both. To remove a limit: limits remove TYPE",
        );
      }
      if (perSecond !== null && !(perSecond >= MIN_PER_SECOND && perSecond <= MAX_PER_SECOND)) {
        throw new ConfigError(
          `--per-second: must be from ${MIN_PER_SECOND} to ${MAX_PER_SECOND}. Use --concurrent 0 to start no task.`,
        );
      }
      if (concurrent !== null && (!Number.isInteger(concurrent) || concurrent > 10_000)) {
        throw new ConfigError("--concurrent: must be a whole number from 0 to 10000.");
      }
      const limit = viewLimit(await setLimit(await connect(), type, { perSecond, concurrent }));
      if (values.json) printJson(limit);
      else printTable([rowOf(limit)]);
    },
  }),

  command({
    name: "limits remove",
    usage: "TYPE",
    summary: "Remove the limit of a task type.",
    takesArgument: true,
    options: {},
    async run({ connect }, _values, name) {
      const type = typeNamed(name);
      const isRemoved = await removeLimit(await connect(), type);
      console.log(isRemoved ? `The limit of ${type} is removed.` : `${type} has no limit.`);
    },
  }),
];

function rowOf({ type, per_second, concurrent, running, waiting, changed_at }: LimitView) {
  return { type, "per second": per_second, concurrent, running, waiting, changed: changed_at };
}

function numberOf<K extends string>(values: Readonly<Partial<Record<K, string>>>, name: K): number | null {
  const value = values[name];
  if (value === undefined) return null;
  const number = Number(value);
  if (value.trim() !== "" && number >= 0) return number;
  throw new ConfigError(`--${name}: must be a number.`);
}
