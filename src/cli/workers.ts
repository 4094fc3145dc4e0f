import { MAX_PAGE } from "../platform/http/paging.ts";
import { listWorkers as findWorkers } from "../queues/queries.ts";
import { viewWorker } from "../queues/views.ts";
import { command, flag } from "./command.ts";
import { show } from "./table.ts";

export const listWorkers = command({
  name: "workers list",
  usage: "[--json]",
  summary: "List workers, the queues they serve, and how many jobs they run.",
  options: { json: flag },
  async run({ connect }, { json }) {
    const { items } = await findWorkers(await connect(), null, MAX_PAGE);
    show(json, items.map(viewWorker), ({ id, host, pid, version, queues, running, ...worker }) => ({
      id,
      host,
      pid,
      version,
      queues: Object.entries(queues)
        .map(([queue, concurrency]) => `${queue}:${concurrency}`)
        .join(","),
      running: running.length,
      alive: worker.is_alive ? "yes" : "no",
      "last seen": worker.last_seen_at,
    }));
  },
});
