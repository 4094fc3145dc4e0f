/** Prints what happens until Ctrl-C, or until nobody reads the output. */
import { once } from "node:events";
import { EventFeed, type Received } from "../events/event-feed.ts";
import { EVENT_KINDS, type EventFilter, type LifeEvent } from "../events/life-event.ts";
import { viewLifeEvent } from "../events/views.ts";
import type { OpenContext } from "../open-context.ts";
import type { Values } from "./arguments.ts";
import { command, flag, text } from "./command.ts";
import { oneOf, userNamed } from "./named.ts";
import { oneLine } from "./table.ts";

const options = { kind: text, type: text, user: text, json: flag } as const;

export const events = command({
  name: "events",
  usage: "[--kind KIND,...] [--type TYPE] [--user NAME] [--json]",
  summary: `Show the life of tasks, batches, workflows, jobs and workers as it happens, until Ctrl-C. Kinds: ${EVENT_KINDS.join(", ")}.`,
  options,
  async run({ connect }, values) {
    const chosen = values.kind?.split(",").map((name) => oneOf("kind", EVENT_KINDS, name));
    const ctx = await connect();
    const feed = new EventFeed(ctx);
    const ended = new AbortController();
    const end = () => ended.abort();
    process.stdout.on("error", end);
    feed.watch({
      filter: { ...(chosen && { kinds: new Set(chosen) }), ...(await filterOf(ctx, values)) },
      isReady: () => !process.stdout.writableNeedDrain,
      receive: (received) => print(received, values.json),
      end,
    });
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), once(ended.signal, "abort")]);
    await feed.close();
  },
});

async function filterOf(
  ctx: OpenContext,
  { type, user }: Values<typeof options>,
): Promise<Omit<EventFilter, "kinds">> {
  return {
    ...(type === undefined ? {} : { type }),
    ...(user === undefined ? {} : { userId: await userNamed(ctx, user) }),
  };
}

function print({ events, skipped }: Received, json: boolean): void {
  if (skipped !== 0) console.log(json ? JSON.stringify({ skipped }) : `${skipped ?? "Some"} events left out`);
  for (const { event } of events) console.log(json ? JSON.stringify(viewLifeEvent(event)) : lineOf(event));
}

/** The columns have the widths of most values. */
function lineOf({ kind, event, id, type, userId, at, details }: LifeEvent): string {
  const facts = Object.entries({ user: userId, ...details }).filter(([, value]) => value !== null);
  const shown = [
    at.toISOString(),
    kind.padEnd(8),
    event.padEnd(10),
    id,
    (type ?? "-").padEnd(16),
    ...facts.map(([name, value]) => `${name}=${value}`),
  ];
  return oneLine(shown.join(" "));
}
