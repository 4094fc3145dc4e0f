/** A client of server-sent events that keeps all it gets. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { until } from "./until.ts";

export interface Received<T> {
  readonly event: string;
  readonly id: string;
  readonly data: T;
  readonly at: number;
}

export class EventClient<T> {
  readonly response: IncomingMessage;
  readonly events: Received<T>[] = [];
  readonly comments: string[] = [];
  /** As it came. */
  text = "";
  isEnded = false;
  isCutOff = false;

  static async open<T>(url: string, headers: Record<string, string>): Promise<EventClient<T>> {
    const [response] = (await once(get(url, { headers, agent: false }), "response")) as [IncomingMessage];
    return new EventClient<T>(response);
  }

  private constructor(response: IncomingMessage) {
    this.response = response;
    let rest = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      this.text += chunk;
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.#take(block);
    });
    response.on("end", () => {
      this.isEnded = true;
    });
    response.on("error", () => {
      this.isCutOff = true;
    });
  }

  #take(block: string): void {
    const fields = block
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
    const field = Object.fromEntries(fields) as Record<string, string>;
    if ("" in field) this.comments.push(field[""] ?? "");
    if (field.data === undefined) return;
    const { event = "message", id = "", data } = field;
    this.events.push({ event, id, data: JSON.parse(data) as T, at: performance.now() });
  }

  /** The event that makes `is` true, once it is there. */
  saw(what: string, is: (event: Received<T>) => boolean, timeoutMs?: number): Promise<Received<T>> {
    return until(`an event ${what}`, async () => this.events.find(is) ?? null, timeoutMs);
  }

  ended(): Promise<true | null> {
    return until("the stream ends", async () => this.isEnded || null);
  }

  leave(): void {
    this.response.destroy();
  }
}
