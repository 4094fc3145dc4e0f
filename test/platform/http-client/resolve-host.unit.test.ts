import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resolveHost } from "../../../src/platform/http-client/resolve-host.ts";

const [NO_ERROR, SERVER_FAILED, UNKNOWN_NAME] = [0, 2, 3];
const A = 1;

/** A name server on this machine that knows a few names. */
let server: Socket;
let servers: string[];

beforeAll(async () => {
  server = createSocket("udp4");
  server.on("message", (query, { port, address }) => {
    const labels = readName(query);
    const type = query.readUInt16BE(12 + labels.join("").length + labels.length + 1);
    server.send(answerTo(query, labels[0] ?? "", type), port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  servers = [`127.0.0.1:${server.address().port}`];
});

afterAll(() => void server.close());

function readName(query: Buffer): string[] {
  const labels: string[] = [];
  for (let at = 12; query[at]; at += query.readUInt8(at) + 1)
    labels.push(query.toString("ascii", at + 1, at + 1 + query.readUInt8(at)));
  return labels;
}

function answerTo(query: Buffer, name: string, type: number): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const addresses =
    name === "known" && type === A
      ? [
          [10, 0, 0, 1],
          [1, 1, 1, 1],
        ]
      : [];
  const code = { known: NO_ERROR, broken: SERVER_FAILED }[name] ?? UNKNOWN_NAME;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt16BE(0, 10);
  const records = addresses.map((bytes) => Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 60, 0, 4, ...bytes]));
  return Buffer.concat([header, query.subarray(12, end), ...records]);
}

test("all addresses of a name are returned", async () => {
  expect(await resolveHost("known.example.com", servers)).toEqual([
    { address: "10.0.0.1", family: 4 },
    { address: "1.1.1.1", family: 4 },
  ]);
});

test("localhost is this machine, whatever name servers say", async () => {
  for (const name of ["localhost", "LOCALHOST.", "a.localhost"])
    expect((await resolveHost(name, servers)).map(({ address }) => address)).toEqual(["127.0.0.1", "::1"]);
});

test("the operating system is asked only for names that the name servers do not know", async () => {
  const asked: string[] = [];
  const askSystem = async (name: string) => {
    asked.push(name);
    return [{ address: "::1", family: 6 }];
  };
  expect(await resolveHost("in-hosts-file", servers, askSystem)).toEqual([{ address: "::1", family: 6 }]);
  await resolveHost("known.example.com", servers, askSystem);
  const broken = resolveHost("broken.example.com", servers, askSystem);
  await expect(broken).rejects.toMatchObject({ code: "EAI_AGAIN" });
  expect(asked).toEqual(["in-hosts-file"]);
});
