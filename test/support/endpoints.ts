/** An endpoint of a target: an HTTP server on this machine that keeps rows, and answers as a test says. */
import type { ServerResponse } from "node:http";
import { expect } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { Later } from "../../src/platform/queue/later.ts";
import type { Definition } from "../../src/targets/definition/definition.ts";
import type { HttpDestination } from "../../src/targets/definition/destination.ts";
import { deliverChunk, deliverUndo } from "./batches.ts";
import type { Client } from "./client.ts";
import { type Received, Receiver } from "./receiver.ts";
import type { Rowmill } from "./rowmill.ts";

export interface SentBody {
  readonly type: "rows" | "undo";
  readonly target: string;
  readonly batch_id: string;
  readonly mode: string;
  readonly dry_run: boolean;
  readonly attempt: number;
  readonly rows: readonly {
    readonly id: string;
    readonly row: number;
    readonly data: Readonly<Record<string, unknown>>;
    readonly record_id?: unknown;
    readonly effect?: string;
  }[];
}

type Row = SentBody["rows"][number];

export class Endpoint implements AsyncDisposable {
  readonly receiver: Receiver;
  /** The rows that were created, by id. */
  readonly created = new Map<string, Row>();
  /** How often each row came. */
  readonly times = new Map<string, number>();
  /** The result of a row. */
  result: (row: Row, body: SentBody) => object = (row) => ({ status: "created", record_id: `r${row.row}` });
  /** Answers instead, if it returns true. */
  instead: (response: ServerResponse, body: SentBody, received: Received) => boolean = () => false;

  private constructor(receiver: Receiver) {
    this.receiver = receiver;
    receiver.answer = (response, received) => {
      const body = JSON.parse(received.body) as SentBody;
      for (const { id } of body.rows) this.times.set(id, (this.times.get(id) ?? 0) + 1);
      if (this.instead(response, body, received)) return;
      const results = body.rows.map((row) => ({ id: row.id, ...this.result(row, body) }));
      for (const row of body.rows) if (!body.dry_run && body.type === "rows") this.created.set(row.id, row);
      sendJson(response, 200, { results });
    };
  }

  static async start(): Promise<Endpoint> {
    return new Endpoint(await Receiver.start());
  }

  get url(): string {
    return this.receiver.url;
  }

  get bodies(): SentBody[] {
    return this.receiver.requests.map(({ body }) => JSON.parse(body) as SentBody);
  }

  /** The rows of each request. */
  get sent(): number[][] {
    return this.bodies.map(({ rows }) => rows.map(({ row }) => row));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.receiver[Symbol.asyncDispose]();
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): true {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
  return true;
}

let defined = 0;

/** Defines a target whose rows have a name and a number. @returns its name */
export async function defineEndpoint(
  admin: Client,
  destination: Omit<HttpDestination, "type">,
  more: Partial<Definition> = {},
): Promise<string> {
  const name = `endpoint-${++defined}`;
  const definition = {
    destination: { type: "http", ...destination },
    columns: [
      { name: "name", type: "text", required: true },
      { name: "number", type: "integer" },
    ],
    ...more,
  };
  const { status, body } = await admin.post("/api/v1/targets", { name, ...definition });
  expect(status, JSON.stringify(body)).toBe(201);
  return name;
}

/** A file of rows with the names n2, n3 and so on, as their row numbers are. */
export function namedRows(count: number, nameOf = (row: number) => `n${row}`): string {
  const lines = Array.from({ length: count }, (_, at) => `${nameOf(at + 2)},${at + 2}`);
  return `name,number\n${lines.join("\n")}\n`;
}

/** Uploads a file for a target. @returns the id of its batch */
export async function uploadFor(
  user: Client,
  target: string,
  file: string,
  options: Record<string, string> = {},
): Promise<string> {
  const query = new URLSearchParams({ target, force: "true", ...options });
  const { status, body } = await user.upload<BatchView>(file, `/api/v1/batches?${query}`);
  expect(status, JSON.stringify(body)).toBe(202);
  return body.id;
}

/** Delivers the job of a chunk as often as it continues at once. @returns the last outcome */
export async function deliverTurns(
  { ctx }: Pick<Rowmill, "ctx">,
  batchId: string,
  firstRow = 2,
): Promise<object | undefined> {
  let work = { batchId, firstRow };
  for (;;) {
    const outcome = await deliverChunk(ctx, batchId, firstRow, work);
    if (!(outcome instanceof Later) || outcome.afterSeconds > 0) return outcome;
    work = outcome.payload as typeof work;
  }
}

/** Delivers the job that undoes a batch until it ends, without its waits. */
export async function deliverUndoTurns({ ctx }: Rowmill, batchId: string): Promise<object | undefined> {
  let progress = {};
  for (;;) {
    const outcome = await deliverUndo(ctx, batchId, progress);
    if (!(outcome instanceof Later)) return outcome;
    progress = "progress" in outcome.payload ? (outcome.payload.progress as object) : {};
  }
}
