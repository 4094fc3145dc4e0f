import type { Context } from "../context.ts";
import { pauseQueue, resumeQueue } from "../queues/pause-queue.ts";
import { purgeQueue } from "../queues/purge-queue.ts";
import { listQueues } from "../queues/queries.ts";
import { viewQueue } from "../queues/views.ts";
import { command, flag, text } from "./command.ts";
import { queueNamed } from "./named.ts";
import { afterCount, show } from "./table.ts";

export const queueCommands = [
  command({
    name: "queues list",
    usage: "[--json]",
    summary: "List queues with their waiting jobs, workers and pauses.",
    options: { json: flag },
    run: async ({ connect }, { json }) => list(await connect(), json),
  }),

  command({
    name: "queues pause",
    usage: "QUEUE [--reason TEXT] [--json]",
    summary: "Pause a queue: workers take no more jobs from it. Running jobs finish.",
    takesArgument: true,
    options: { reason: text, json: flag },
    async run({ connect }, { reason, json }, name) {
      const queue = queueNamed(name);
      const ctx = await connect();
      await pauseQueue(ctx, queue, reason);
      await list(ctx, json);
    },
  }),

  command({
    name: "queues resume",
    usage: "QUEUE [--json]",
    summary: "Resume a paused queue.",
    takesArgument: true,
    options: { json: flag },
    async run({ connect }, { json }, name) {
      const queue = queueNamed(name);
      const ctx = await connect();
      await resumeQueue(ctx, queue);
      await list(ctx, json);
    },
  }),

  command({
    name: "queues purge",
    usage: "QUEUE [--yes] [--json]",
    summary: "Cancel the waiting tasks and batches of a queue. Without --yes, only count them.",
    takesArgument: true,
    options: { yes: flag, json: flag },
    async run({ connect }, values, name) {
      const queue = queueNamed(name);
      const ctx = await connect();
      const { matched } = await purgeQueue(ctx, queue);
      await afterCount(values, matched, "cancelled", () => purgeQueue(ctx, queue, matched));
    },
  }),
];

async function list(ctx: Context, json: boolean): Promise<void> {
  const queues = (await listQueues(ctx)).map(viewQueue);
  show(json, queues, ({ name, waiting, scheduled, retrying, active, workers, ...queue }) => ({
    queue: name,
    waiting: queue.is_estimate ? `about ${waiting}` : waiting,
    scheduled,
    retrying,
    active,
    "oldest (s)": queue.oldest_waiting_seconds,
    workers,
    paused: queue.paused_at ?? "no",
    why: queue.pause_reason,
  }));
}
