/** Texts of a server that lies do not control the terminal. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RemoteCommand } from "../support/remote-command.ts";

const HOSTILE = "\u001b]0;title\u0007\u001b[2J\r\u009b31mred";
const ESCAPED = String.raw`\u001b]0;title\u0007\u001b[2J\r\u009b31mred`;

const server = createServer(({ url }, answer) => {
  const isError = url === "/api/v1/workflows/1/cancel";
  answer.writeHead(isError ? 409 : 200, { "content-type": "application/json" });
  answer.end(JSON.stringify({ username: HOSTILE, role: HOSTILE, code: HOSTILE, detail: HOSTILE }));
});
let command: RemoteCommand;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  command = new RemoteCommand({ ROWMILL_URL: `http://127.0.0.1:${port}`, ROWMILL_TOKEN: "rmt_1" });
});
afterAll(() => void server.close());

test.each([["whoami"], ["workflows cancel 1"]])("%s prints no control character", async (line) => {
  const { stdout, stderr } = await command.run(line.split(" "));
  expect(stdout + stderr).toContain("[2J 31mred");
  expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u);
});

test("a Node.js that is too old is named", async () => {
  const ended = await command.run(["whoami"], { node: "22.20.0" });
  expect(ended).toEqual({
    code: 1,
    stdout: "",
    stderr: "rowmill: Node 22.20.0 is too old. Install Node 24 or later.\n",
  });
});

test("--json escapes control characters, and keeps them", async () => {
  const { stdout } = await command.run(["whoami", "--json"]);
  expect(stdout).toContain(ESCAPED);
  expect(JSON.parse(stdout)).toMatchObject({ username: HOSTILE });
});
