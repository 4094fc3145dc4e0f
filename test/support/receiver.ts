/** A receiver of webhooks: an HTTP server on this machine that records requests and answers as a test says. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "./until.ts";

/** For `startRowmill`: receivers on this machine may be reached. */
export const RECEIVER_SETTINGS = {
  WEBHOOK_ALLOW_HTTP: "true",
  WEBHOOK_ALLOWED_NETWORKS: "127.0.0.0/8",
};

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
  readonly at: number;
}

export type Answering = (response: ServerResponse, received: Received) => void;

export class Receiver implements AsyncDisposable {
  readonly requests: Received[] = [];
  /** The connections that were opened so far. */
  connections = 0;
  /** The most requests that were unanswered at a time. */
  maxOpen = 0;
  answer: Answering = (response) => response.end("ok");
  #open = 0;
  readonly #server = createServer((request, response) => {
    this.#open++;
    this.maxOpen = Math.max(this.maxOpen, this.#open);
    response.on("close", () => this.#open--).on("error", () => {});
    const parts: Buffer[] = [];
    request
      .on("data", (part) => parts.push(part))
      .on("end", () => {
        const body = Buffer.concat(parts).toString();
        const received = { headers: request.headers, body, path: request.url ?? "", at: Date.now() };
        this.requests.push(received);
        this.answer(response, received);
      });
  });

  static async start(answer?: Answering): Promise<Receiver> {
    const receiver = new Receiver();
    if (answer) receiver.answer = answer;
    receiver.#server.on("connection", () => receiver.connections++);
    await once(receiver.#server.listen(0, "127.0.0.1"), "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** Waits for requests. */
  received(number: number, timeoutMs?: number): Promise<Received[]> {
    const probe = async () => this.requests.length >= number && this.requests;
    return until(`the receiver has ${number} requests`, probe, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
