/** The memory of one API process that meets the worst bodies that clients can send, one kind after another. */
import { get, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { type Api, type Programs, startPrograms } from "../support/processes.ts";
import { jsonHead, RawConnection } from "../support/raw-connection.ts";
import { BOUNDARY, END, MULTIPART, partHead, sendRaw } from "../support/raw-upload.ts";
import { until } from "../support/until.ts";

const MAX_MIB = 350;
const MEGABYTE = "x".repeat(1_000_000);
const USERS = 4;

let rowmill: Programs;
let api: Api;
let users: Client[];
const connections = new Set<RawConnection>();

beforeAll(async () => {
  rowmill = await startPrograms();
  api = await rowmill.startApi({ CONNECTIONS_PER_ADDRESS: "2000" });
  users = await Promise.all(Array.from({ length: USERS }, (_, n) => api.client.signUp(`reader-${n}`)));
});

afterEach(async () => {
  for (const connection of connections) connection[Symbol.dispose]();
  connections.clear();
  expect(api.program.hasEnded).toBe(false);
  process.stdout.write(`${expect.getState().currentTestName}: ${Math.round(api.program.peakMemory)} MiB\n`);
  expect(api.program.peakMemory).toBeLessThan(MAX_MIB);
  const [user] = users;
  await until("the API serves the user", async () => (await user?.get("/api/v1/books"))?.status === 200);
  expect(api.program.lines("request failed")).toEqual([]);
});

afterAll(() => rowmill[Symbol.asyncDispose]());

async function connect(text: string): Promise<void> {
  const connection = await RawConnection.open(api.url);
  connections.add(connection);
  connection.write(text);
}

/** Lets each user do the same several times at once. @returns the status of each answer; 0: the connection was cut off */
function statusesOf(times: number, act: (user: Client) => Promise<{ readonly status: number }>) {
  const acts = users.flatMap((user) => Array.from({ length: times }, () => act(user)));
  return Promise.all(acts.map((answer) => answer.then(({ status }) => status).catch(() => 0)));
}

test("logins of many accounts at once", async () => {
  const statuses = await statusesOf(30, ({ userId }) =>
    api.client.post("/api/v1/auth/login", {
      username: `reader-${userId}`,
      password: MEGABYTE.slice(0, 1000),
    }),
  );
  expect(statuses.filter((status) => ![401, 429, 503].includes(status))).toEqual([]);
});

test("uploads with the widest header", async () => {
  const names = Array.from({ length: 1000 }, (_, n) => `${n} `.padEnd(985, "é").slice(0, 500));
  const file = Buffer.from(`${partHead()}${names.join()}\n${names.map((_, n) => n).join()}\n${END}`);
  const path = "/api/v1/batches?target=records&force=true";
  const statuses = await statusesOf(30, (user) => sendRaw(user, file, MULTIPART, path));
  expect(statuses.filter((status) => ![202, 429, 503].includes(status))).toEqual([]);
  expect(statuses).toContain(202);
});

/** Rows of 3 MB, each different, as a stream: the test must not hold them all. */
async function* largeRows(user: Client): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${partHead()}key,a,b,c\n`);
  for (let row = 0; row < 10; row++) {
    const cell = `"${`${user.userId} ${row} é ""quoted"" and long `.repeat(40_000).slice(0, 750_000).replace(/"+$/, "")}"`;
    yield Buffer.from(`${row},${cell},${cell},${cell}\n`);
  }
  yield Buffer.from(END);
}

test("uploads with rows of 3 MB", async () => {
  const statuses = await statusesOf(3, (user) =>
    user.send("POST", "/api/v1/batches?target=records", {
      headers: MULTIPART,
      body: ReadableStream.from(largeRows(user)),
      duplex: "half",
    }),
  );
  expect(statuses.filter((status) => ![200, 202, 409, 429, 503].includes(status))).toEqual([]);
  expect(statuses).toContain(202);
});

test("as many event streams as each user can have", async () => {
  const responses: IncomingMessage[] = [];
  const statuses = await statusesOf(40, async ({ url, token, userId }) => {
    const { body } = await (users.find((one) => one.userId === userId) ?? api.client).get<{
      items: { id: string }[];
    }>("/api/v1/batches?limit=1");
    const headers = { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const request = get(
        `${url}/api/v1/batches/${body.items[0]?.id}/events`,
        { headers, agent: false },
        (response) => {
          responses.push(response.resume());
          resolve({ status: response.statusCode ?? 0 });
        },
      );
      request.on("error", reject);
    });
  });
  for (const response of responses) response.destroy();
  expect([...new Set(statuses)].sort()).toEqual([200, 429]);
  expect(statuses.filter((status) => status === 200)).toHaveLength(32 * USERS);
});

test("uploads with 94 fields of a megabyte each are refused", async () => {
  const field = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="mapping"\r\n\r\n${MEGABYTE}\r\n`;
  const body = Buffer.from(`${field.repeat(94)}${partHead()}title,author\nEmma,Jane Austen\n${END}`);
  // The client may be cut off before it has read the answer: it sends far more than is allowed.
  const statuses = await statusesOf(2, (user) => sendRaw(user, body));
  expect(statuses.filter((status) => ![0, 413, 429].includes(status))).toEqual([]);
});

test.for(["content-length: 1048576", "transfer-encoding: chunked"])(
  "900 connections with a megabyte of an unfinished login (%s) are refused",
  async (framing) => {
    const body = framing.includes("chunked") ? `f4240\r\n${MEGABYTE}\r\n` : MEGABYTE;
    for (let n = 0; n < 900; n++) await connect(jsonHead("/api/v1/auth/login", framing) + body);
    await until("all are refused", async () =>
      [...connections].every(
        ({ answer, isClosed }) => isClosed || [413, 429, 503].includes(answer?.status ?? 0),
      ),
    );
  },
);

test("900 connections that each hold an unfinished body of 15 kB cannot hold more than their share", async () => {
  const head = jsonHead("/api/v1/auth/login", "content-length: 16000");
  for (let n = 0; n < 900; n++) await connect(head + "x".repeat(15_000));
  await until("those beyond the share are refused", async () => {
    const refused = [...connections].filter(({ answer }) => answer?.status === 429);
    return refused.length > 500;
  });
});
