import { ConfigError } from "../errors.ts";
import { MAX_PAGE } from "../platform/http/paging.ts";
import { isUuid } from "../platform/ids.ts";
import { getWorker, listWorkers } from "../queues/workers/queries.ts";
import { shutDownWorker } from "../queues/workers/shut-down-worker.ts";
import { viewWorker, type WorkerView } from "../queues/workers/views.ts";
import { command, flag } from "./command.ts";
import { printJson, printTable, show } from "./table.ts";

const options = { json: flag } as const;

export const workerCommands = [
  command({
    name: "workers list",
    usage: "[--json]",
    summary: "List workers, the queues they serve, and how many jobs they run.",
    options,
    async run({ connect }, { json }) {
      const { items } = await listWorkers(await connect(), null, MAX_PAGE);
      show(json, items.map(viewWorker), rowOf);
    },
  }),

  command({
    name: "workers get",
    usage: "ID [--json]",
    summary: "Show a worker: the jobs it runs, and what it has done since it started.",
    takesArgument: true,
    options,
    async run({ connect }, { json }, id) {
      const worker = viewWorker(await getWorker(await connect(), workerIdOf(id)));
      if (json) return printJson(worker);
      printTable([rowOf(worker)]);
      const { running, stats } = worker;
      if (running.length > 0) printHeaded("Running jobs", running);
      if (!stats) return;
      printHeaded(`Tasks since ${stats.since}`, stats.tasks);
      console.log(`\nRows: ${stats.rows}, ${stats.rows_per_second} per second over the last minute`);
    },
  }),

  command({
    name: "workers shutdown",
    usage: "ID [--json]",
    summary: "Let a worker finish its running jobs and end. Most supervisors then start a new one.",
    takesArgument: true,
    options,
    async run({ connect }, { json }, id) {
      const worker = viewWorker(await shutDownWorker(await connect(), workerIdOf(id)));
      if (json) printJson(worker);
      else printTable([rowOf(worker)]);
    },
  }),
];

function rowOf({ id, host, pid, version, queues, running, ...worker }: WorkerView) {
  return {
    id,
    host,
    pid,
    version,
    queues: Object.entries(queues)
      .map(([queue, concurrency]) => `${queue}:${concurrency}`)
      .join(","),
    running: running.length,
    state: worker.state,
    "last seen": worker.last_seen_at,
  };
}

function printHeaded(title: string, rows: Parameters<typeof printTable>[0]): void {
  console.log(`\n${title}:`);
  printTable(rows);
}

/** @throws ConfigError */
function workerIdOf(id: string | undefined): string {
  if (id !== undefined && isUuid(id)) return id;
  throw new ConfigError(id === undefined ? "The worker ID is missing." : `"${id}" is not a worker ID.`);
}
