/** The memory of an API process while clients send it the worst bodies that they can. */
import { afterEach, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { type Api, type Programs, startPrograms } from "../support/processes.ts";
import { jsonHead, RawConnection } from "../support/raw-connection.ts";
import { BOUNDARY, END, partHead, sendRaw } from "../support/raw-upload.ts";
import { until } from "../support/until.ts";

const MAX_MIB = 350;
const MEGABYTE = "x".repeat(1_000_000);

const connections = new Set<RawConnection>();

afterEach(() => {
  for (const connection of connections) connection[Symbol.dispose]();
  connections.clear();
});

async function connected(api: Api, text: string): Promise<RawConnection> {
  const connection = await RawConnection.open(api.url);
  connections.add(connection);
  connection.write(text);
  return connection;
}

async function expectHealthy(api: Api, user: Client): Promise<void> {
  expect(api.program.hasEnded).toBe(false);
  expect(api.program.peakMemory).toBeLessThan(MAX_MIB);
  await until("the API serves the user", async () => (await user.get("/api/v1/books")).status === 200);
  expect(api.program.lines("request failed")).toEqual([]);
}

async function started(rowmill: Programs): Promise<{ api: Api; user: Client }> {
  const api = await rowmill.startApi({ CONNECTIONS_PER_ADDRESS: "2000" });
  return { api, user: await api.client.signUp("reader") };
}

test("six uploads with 94 fields of a megabyte each are refused", async () => {
  await using rowmill = await startPrograms();
  const { api, user } = await started(rowmill);
  const field = (n: number) =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="f${n}"\r\n\r\n${MEGABYTE}\r\n`;
  const body = Buffer.from(
    `${Array.from({ length: 94 }, (_, n) => field(n)).join("")}${partHead()}title,author\nEmma,Jane Austen\n${END}`,
  );
  // The client may be cut off before it has read the answer: it sends far more than is allowed.
  const statuses = await Promise.all(
    Array.from({ length: 6 }, () =>
      sendRaw(user, body).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  );
  expect(statuses.every((status) => status === 413 || status === 0)).toBe(true);
  await expectHealthy(api, user);
});

test.for(["content-length: 1048576", "transfer-encoding: chunked"])(
  "900 connections with a megabyte of an unfinished login (%s) are refused",
  async (framing) => {
    await using rowmill = await startPrograms();
    const { api, user } = await started(rowmill);
    const body = framing.includes("chunked") ? `f4240\r\n${MEGABYTE}\r\n` : MEGABYTE;
    for (let n = 0; n < 900; n++) await connected(api, jsonHead("/api/v1/auth/login", framing) + body);
    await until("all are refused", async () =>
      [...connections].every(
        ({ answer, isClosed }) => isClosed || [413, 429, 503].includes(answer?.status ?? 0),
      ),
    );
    await expectHealthy(api, user);
  },
);

test("900 connections that each hold an unfinished body of 15 kB cannot hold more than their share", async () => {
  await using rowmill = await startPrograms();
  const { api, user } = await started(rowmill);
  const head = jsonHead("/api/v1/auth/login", "content-length: 16000");
  for (let n = 0; n < 900; n++) await connected(api, head + "x".repeat(15_000));
  await until("those beyond the share are refused", async () => {
    const refused = [...connections].filter(({ answer }) => answer?.status === 429);
    return refused.length > 700;
  });
  await expectHealthy(api, user);
});
