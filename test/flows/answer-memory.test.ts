/** The worst reads that the limits allow, in parallel, while the memory of a real API process is watched. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import {
  COLUMNS,
  type LongBatch,
  longBatches,
  longBooks,
  longHistory,
  longRecords,
  longTasks,
} from "../support/long-data.ts";
import { type Api, type Programs, startPrograms } from "../support/processes.ts";

const MB = 2 ** 20;
/** Programs of tests run with the flags of `npm run api`. */
/** Measured: up to 300 MB of lists; 345 MB with clients that never read, and 360 MB beside other tests. */
const MAX_RSS = 400 * MB;

const ROWS = 6;
const ROW_BYTES = 3 * MB;
const BATCHES = 80;
const WIDE_ROWS = 6;
const BOOKS = 1500;
const BOOK_BYTES = 8192;
const RECORDS = 150;
const RECORD_BYTES = 50_000;
const EDITS = 10;
const TASKS = 10;

interface Owner {
  readonly user: Client;
  /** Few columns, rows of 3 MB, the first of which was edited many times. */
  readonly long: LongBatch;
  /** A thousand columns with names of 985 bytes. */
  readonly wide: LongBatch;
  readonly job: LongBatch;
  readonly task: string;
}

let rowmill: Programs;
let api: Api;
let owners: Owner[];

beforeAll(async () => {
  rowmill = await startPrograms();
  api = await rowmill.startApi();
  owners = await Promise.all(
    ["first", "second"].map(async (name) => createData(await api.client.signUp(name))),
  );
});

afterAll(() => rowmill[Symbol.asyncDispose]());

async function createData(user: Client): Promise<Owner> {
  const { pool } = rowmill.ctx;
  const { userId } = user;
  const books = { target: "books", columns: 2, cellBytes: 0 } as const;
  await longBatches(pool, userId, BATCHES - 3, { ...books, columns: COLUMNS, rows: 0 });
  const [long] = await longBatches(pool, userId, 1, { ...books, rows: ROWS, cellBytes: ROW_BYTES });
  const [wide] = await longBatches(pool, userId, 1, { ...books, columns: COLUMNS, rows: WIDE_ROWS });
  const shape = { ...books, target: "records", rows: RECORDS, cellBytes: RECORD_BYTES } as const;
  const [job] = await longBatches(pool, userId, 1, shape);
  if (!long || !wide || !job) throw new Error("The batches were not created.");
  await longRecords(pool, userId, job.id);
  await longHistory(pool, userId, long.id, EDITS, MB);
  await longBooks(pool, userId, BOOKS, BOOK_BYTES);
  return { user, long, wide, job, task: await longTasks(pool, userId, TASKS, MB) };
}

/** Watches the resident memory of the API until it is disposed of. */
class Memory implements Disposable {
  highest = 0;
  readonly #timer = setInterval(() => this.#look(), 20);

  #look(): void {
    const [, pages = "0"] = readFileSync(`/proc/${api.program.pid}/statm`, "utf8").split(" ");
    this.highest = Math.max(this.highest, Number(pages) * 4096);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Repeats the request while the server has no memory for the answer, as a client should. */
async function get({ token }: Client, path: string): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(`${api.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (answer.status === 200 || attempt === 20) return answer;
    expect([429, 503]).toContain(answer.status);
    await answer.text();
    await sleep(Number(answer.headers.get("retry-after") ?? 1) * 1000);
  }
}

/** Reads an answer as it arrives. @returns all matches of the pattern's group */
async function matchesIn(answer: Response, pattern: RegExp): Promise<string[]> {
  expect(answer.status).toBe(200);
  const found: string[] = [];
  let rest = "";
  for await (const text of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const window = rest + text;
    let end = 0;
    for (const match of window.matchAll(pattern)) {
      found.push(match[1] ?? "");
      end = match.index + match[0].length;
    }
    rest = window.slice(Math.max(end, window.length - 100));
  }
  return found;
}

interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor: string | null;
}

/** Walks over all pages of a list. @returns the key of each item */
async function walk<Item>(user: Client, path: string, key: (item: Item) => unknown): Promise<unknown[]> {
  const keys: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const answer = await get(user, `${path}${cursor && `&cursor=${cursor}`}`);
    expect(answer.status).toBe(200);
    const page = (await answer.json()) as Page<Item>;
    keys.push(...page.items.map(key));
    cursor = page.next_cursor;
  }
  return keys;
}

const upTo = (count: number, first = 1) => Array.from({ length: count }, (_, at) => at + first);

interface ListedRow {
  readonly row: number;
}

interface Edit {
  readonly fields: { readonly [name: string]: string };
}

/** Every kind of list. Each read checks that it gets every item once, in order. */
const READS: Readonly<Record<string, (owner: Owner) => Promise<void>>> = {
  async batches({ user }) {
    const ids = await walk<{ id: string }>(user, `/api/v1/batches?limit=${BATCHES}`, ({ id }) => id);
    expect(new Set(ids).size).toBe(BATCHES);
    expect(ids).toHaveLength(BATCHES);
  },
  async rows({ user, long }) {
    const rows = await walk<ListedRow>(user, `/api/v1/batches/${long.id}/rows?limit=1000`, ({ row }) => row);
    expect(rows).toEqual(upTo(ROWS, 2));
  },
  async wideRows({ user, wide }) {
    const path = `/api/v1/batches/${wide.id}/rows?limit=1000&status=success`;
    expect(await walk<ListedRow>(user, path, ({ row }) => row)).toEqual(upTo(WIDE_ROWS, 2));
  },
  async results({ user, wide, long }) {
    for (const [batch, format] of [
      [wide, "json"],
      [wide, "ndjson"],
      [wide, "csv"],
      [long, "json"],
    ] as const) {
      const answer = await get(user, `/api/v1/batches/${batch.id}/results/all.${format}`);
      const rows = await matchesIn(answer, format === "csv" ? /,(\d+),success/g : /"_row":(\d+)/g);
      expect(rows.map(Number)).toEqual(upTo(batch === wide ? WIDE_ROWS : ROWS, 2));
    }
  },
  async history({ user, long }) {
    const edits = upTo(EDITS).map(String);
    const key = ({ fields }: Edit) => Object.values(fields)[1];
    const path = `/api/v1/batches/${long.id}/rows/2`;
    const detail = (await (await get(user, path)).json()) as { history: Edit[]; history_truncated: boolean };
    expect(detail.history_truncated).toBe(true);
    expect(edits.slice(-detail.history.length)).toEqual(detail.history.map(key));
    expect(await walk<Edit>(user, `${path}/history?limit=1000`, key)).toEqual(edits);
  },
  async legacyBooks({ user }) {
    const ids = await matchesIn(await get(user, "/books/"), /"title":"Title (\d+)"/g);
    expect(ids.map(Number)).toEqual(upTo(BOOKS));
  },
  async books({ user }) {
    for (const sort of ["id", "title"]) {
      const titles = await walk<{ title: string }>(
        user,
        `/api/v1/books?limit=1000&sort=${sort}`,
        ({ title }) => title,
      );
      expect([titles.length, new Set(titles).size]).toEqual([BOOKS, BOOKS]);
    }
  },
  async job({ user, job }) {
    const answer = await get(user, `/jobs/${job.number}`);
    expect(await matchesIn(answer, /\{"title" ?: ?"(..)/g)).toHaveLength(RECORDS);
  },
  async records({ user, job }) {
    const path = `/api/v1/records?limit=1000&batch_id=${job.id}`;
    expect(await walk<ListedRow>(user, path, ({ row }) => row)).toEqual(upTo(RECORDS, 2));
  },
  async tasks({ user, task }) {
    const ids = await walk<{ id: string }>(user, "/api/v1/tasks?limit=1000", ({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([TASKS, TASKS]);
    for (const list of ["history", "progress"]) {
      expect(await walk(user, `/api/v1/tasks/${task}/${list}?limit=1000`, () => 1)).toHaveLength(TASKS);
    }
    await (await get(user, `/api/tasks/?page_size=1000`)).json();
  },
  async details({ user, wide, task }) {
    for (const path of [`batches/${wide.id}`, `tasks/${task}`, `batches/${wide.id}/errors`]) {
      expect((await get(user, `/api/v1/${path}`)).status).toBe(200);
    }
  },
};

/** Reads a list. The server cuts off who reads too slowly while others wait, as this process may on a busy machine: it reads again. */
async function readList(read: (owner: Owner) => Promise<void>, owner: Owner): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read(owner);
    } catch (error) {
      if (!(error instanceof TypeError && error.message === "terminated") || attempt === 5) throw error;
    }
  }
}

test("every list stays below 400 MB, read by two users at the same time, and delivers every item once", async () => {
  using memory = new Memory();
  for (const [name, read] of Object.entries(READS)) {
    const startedAt = performance.now();
    await Promise.all(owners.flatMap((owner) => [readList(read, owner), readList(read, owner)]));
    const ms = Math.round(performance.now() - startedAt);
    process.stdout.write(`${name}: ${Math.round(memory.highest / MB)} MB, ${ms} ms\n`);
    expect([name, memory.highest < MAX_RSS]).toEqual([name, true]);
  }
  expect(api.program.hasEnded).toBe(false);
});

test("all lists at once stay below 400 MB", async () => {
  using memory = new Memory();
  await Promise.all(owners.flatMap((owner) => Object.values(READS).map((read) => readList(read, owner))));
  process.stdout.write(`all: ${Math.round(memory.highest / MB)} MB\n`);
  expect(memory.highest).toBeLessThan(MAX_RSS);
  expect(api.program.hasEnded).toBe(false);
});

/** Requests a path and never reads the answer. */
async function neverRead({ token }: Client, path: string): Promise<Socket> {
  const { hostname, port } = new URL(api.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nhost: api\r\nauthorization: Bearer ${token}\r\n\r\n`);
  return socket;
}

test("clients that never read their answers neither fill the memory nor keep others from reading", async () => {
  using memory = new Memory();
  const sockets: Socket[] = [];
  for (const { user, long, wide, job, task } of owners) {
    for (const path of [
      `/api/v1/batches/${long.id}/rows?limit=1000`,
      `/api/v1/batches/${wide.id}`,
      `/api/v1/batches/${wide.id}/results/all.json`,
      `/api/v1/tasks?limit=1000`,
      `/api/v1/tasks/${task}/events`,
      `/jobs/${job.number}`,
      "/books/",
    ]) {
      for (let reader = 0; reader < 20; reader++) sockets.push(await neverRead(user, path));
    }
  }
  const other = await api.client.signUp("third");
  const times: number[] = [];
  // Longer than the ten seconds after which clients that do not read are disconnected.
  for (let read = 0; read < 28; read++) {
    const startedAt = performance.now();
    expect((await get(other, "/api/v1/batches")).status).toBe(200);
    times.push(performance.now() - startedAt);
    await sleep(500);
  }
  const median = times.toSorted((a, b) => a - b)[14] ?? 0;
  process.stdout.write(
    `unread: ${Math.round(memory.highest / MB)} MB, median ${Math.round(median)} ms, max ${Math.round(Math.max(...times))}\n`,
  );
  expect(median).toBeLessThan(1000);
  expect(memory.highest).toBeLessThan(MAX_RSS);
  expect(api.program.hasEnded).toBe(false);
  for (const socket of sockets) socket.destroy();
});
