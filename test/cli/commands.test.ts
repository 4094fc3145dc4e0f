import { afterAll, beforeAll, expect, test } from "vitest";
import { findCommand, helpFor } from "../../src/cli/commands.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";

let rowmill: Rowmill;
beforeAll(async () => {
  rowmill = await startRowmill();
  await rowmill.client.signUp("Ada");
});
afterAll(() => rowmill[Symbol.asyncDispose]());

const words = (line: string) => line.split(" ").filter(Boolean);

test.each(["", "help", "--help", "tasks", "queues", "tasks list --help", "doctor -h"])(
  "`%s` asks for help",
  (line) => {
    expect(findCommand(words(line))).toBeNull();
  },
);

test("the help of a noun shows its commands alone", () => {
  expect(helpFor(undefined)).toMatch(/^Usage: npm run cli -- COMMAND\n\n {2}migrate\n/);
  const queues = helpFor("queues");
  expect(queues).toContain("  queues purge QUEUE [--yes] [--json]\n      Cancel ");
  expect(queues).not.toContain("tasks list");
});

test.each([
  [
    "nonsense",
    /^Unknown command "nonsense"\. Known commands: migrate, doctor, create-admin, .*workers list\.$/,
  ],
  ["constructor", /^Unknown command "constructor"/],
  ["tasks pause", /^Unknown command "tasks pause"\. Known commands: tasks list, [a-z, ]+, tasks run\.$/],
  ["migrate --now", /^Unknown option "--now"\. This command has no options\.$/],
  ["queues list --what x", /^Unknown option "--what"\. Known options: --json\.$/],
  ["tasks list -x", /^Unknown option "-x"\. Known options: --status, --type, /],
  ["tasks list --limit", /^Option '--limit <value>' argument missing\.$/],
  ["tasks list a", /^Too many arguments\. Usage: npm run cli -- tasks list \[FILTER\]/],
  ["queues pause default notifications", /^Too many arguments\. Usage: npm run cli -- queues pause QUEUE/],
])("%s is refused before anything is opened, with what exists", (line, message) => {
  expect(() => findCommand(words(line))).toThrow(message);
});

test.each([
  ["tasks list --status lost", /^Unknown status "lost"\. Use one of: pending,/],
  ["tasks list --limit 0", /^--limit: must be a whole number from 1 to 10000/],
  ["tasks list --user nobody", /^--user: no user is named "nobody"/],
  ["tasks cancel", /^No tasks chosen\./],
  ["tasks delete --yes", /^No tasks chosen\./],
  ["tasks cancel 7", /^"7" is not a task ID/],
  ["tasks retry 01a20159-f320-7af5-a6be-a1fe00000000", /^No such task/],
  ["queues purge", /^The queue is missing\. Use one of: bulk_processing,/],
  ["queues pause none", /^Unknown queue "none"\. Use one of: bulk_processing,/],
  ["tasks run none", /^Unknown task type "none"\. Use one of: .*generic/],
  ["tasks run generic", /^--user: required, because no administrator exists/],
  ["tasks run generic --params [1]", /^--params: must be a JSON object/],
  ["tasks run generic --params {", /^--params: must be a JSON object/],
  ['tasks run generic --user ada --params {"minutes":1}', /^params.minutes: is not a parameter/],
  ["create-admin", /^The name is missing\. Usage: npm run cli -- create-admin NAME$/],
])("%s is refused with the way out", async (line, message) => {
  const session = { config: rowmill.config, connect: async () => rowmill.ctx };
  await expect(findCommand(words(line))?.(session)).rejects.toThrow(message);
});
