/** The events of tasks beyond those that the feed remembers. */
import { expect, test } from "vitest";
import { TaskEvents } from "../../src/events/task-events.ts";
import { cancelTask } from "../../src/tasks/control/cancel-task.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { atEnd } from "../support/rowmill.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

/** As many as one read finds. */
const PART = 1000;

test("events that are derived are read once, also when the feed has forgotten them", async () => {
  const { ctx } = rowmill;
  const source = new TaskEvents(ctx);
  atEnd(async () => source.close());
  await source.start();
  const requests = Array.from({ length: PART - 1 }, () => ({ type: "generic", params: { seconds: 0 } }));
  const ids: string[] = [];
  const read: string[] = [];
  // 22,000 derived events. The feed remembers 20,000.
  for (let part = 0; part < 11; part++) {
    const { tasks } = await createTasks(ctx, user.userId, requests);
    ids.push(...tasks.map(({ id }) => id));
    const { events, unread } = await source.read();
    read.push(...events.map(({ id, event }) => `${id} ${event}`));
    expect(unread).toBe(0);
  }
  const expected = ids.flatMap((id) => [`${id} created`, `${id} queued`]);
  expect(read.toSorted()).toEqual(expected.toSorted());
  const [first = ""] = ids;
  const last = ids.at(-1) ?? "";
  for (const id of [first, last]) await cancelTask(ctx, user.userId, id);
  const { events } = await source.read();
  expect(events.map(({ id, event }) => `${id} ${event}`)).toEqual([
    `${first} cancelled`,
    `${last} cancelled`,
  ]);
});
