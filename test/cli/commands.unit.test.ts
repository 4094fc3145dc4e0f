import { expect, test } from "vitest";
import { findCommand, helpFor } from "../../src/cli/commands.ts";

const words = (line: string) => line.split(" ").filter(Boolean);

test.each(["", "help", "--help", "tasks", "queues", "tasks list --help", "doctor -h"])(
  "`%s` asks for help",
  (line) => {
    expect(findCommand(words(line))).toBeNull();
  },
);

test("the help of a noun shows only its commands", () => {
  expect(helpFor(undefined)).toMatch(/^Usage: npm run cli -- COMMAND\n\n {2}migrate\n/);
  const queues = helpFor("queues");
  expect(queues).toContain("  queues purge QUEUE [--yes] [--json]\n      Cancel ");
  expect(queues).not.toContain("tasks list");
});

test.each([
  [
    "nonsense",
    /^Unknown command "nonsense"\. Known commands: migrate, doctor, create-admin, .*workers shutdown\.$/,
  ],
  ["constructor", /^Unknown command "constructor"/],
  ["tasks pause", /^Unknown command "tasks pause"\. Known commands: tasks list, [a-z, ]+, tasks run\.$/],
  ["migrate --now", /^Unknown option "--now"\. This command has no options\.$/],
  ["queues list --what x", /^Unknown option "--what"\. Known options: --json\.$/],
  ["tasks list -x", /^Unknown option "-x"\. Known options: --status, --type, /],
  ["tasks list --limit", /^Option '--limit <value>' argument missing\.$/],
  ["tasks list a", /^Too many arguments\. Usage: npm run cli -- tasks list \[FILTER\]/],
  ["queues pause default notifications", /^Too many arguments\. Usage: npm run cli -- queues pause QUEUE/],
])("the command line `%s` is refused, and the error names the known words", (line, message) => {
  expect(() => findCommand(words(line))).toThrow(message);
});
