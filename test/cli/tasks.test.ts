import { expect, test } from "vitest";
import { tasksCommand } from "../../src/cli/tasks.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
useUser(rowmill, "Ada");

test.each([
  ["", /^Usage: npm run cli -- tasks COMMAND/],
  ["constructor", /^Usage/],
  ["list --what x", /'--what'[\s\S]*Usage/],
  ["list a b", /^Usage/],
  ["list --status lost", /^--status: "lost" is not one of: pending,/],
  ["list --limit 0", /^--limit: a number/],
  ["list --user nobody", /^--user: there is no user "nobody"/],
  ["inspect failed", /^Usage/],
  ["cancel", /^Which tasks\?/],
  ["delete --yes", /^Which tasks\?/],
  ["cancel 7", /^"7" is no id of a task/],
  ["retry 01a20159-f320-7af5-a6be-a1fe00000000", /^No such task/],
  ["purge", /^"" is no queue: bulk_processing,/],
  ["pause none", /^"none" is no queue/],
  ["run none", /^"none" is no task type: .*generic/],
  ["run generic", /^--user: .*There is no administrator yet/],
  ["run generic --params [1]", /^--params: a JSON object/],
  ["run generic --params {", /^--params: a JSON object/],
  ['run generic --user ada --params {"minutes":1}', /^params.minutes: is not a parameter/],
])('the command "tasks %s" is refused with help', async (line, message) => {
  const args = line.split(" ").filter(Boolean);
  await expect(tasksCommand(rowmill.ctx, args)).rejects.toThrow(message);
});
