/** A client that sends its file bit by bit, and may never end. */
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import type { Client } from "./client.ts";

const BOUNDARY = "rowmill-slow-upload";
const HEAD =
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="slow.csv"\r\n` +
  "content-type: text/csv\r\n\r\n";

export interface SlowAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

export class SlowUpload implements Disposable {
  /** Null where the connection ended without one. */
  readonly answer: Promise<SlowAnswer | null>;
  readonly #request;
  #trickling: NodeJS.Timeout | undefined;

  /** @param declaredBytes the Content-Length; absent: the length is unknown */
  constructor(user: Client, path = "/api/v1/batches?target=books", declaredBytes?: number) {
    this.#request = request(user.url + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${user.token}`,
        "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
        ...(declaredBytes === undefined ? {} : { "content-length": String(declaredBytes) }),
      },
    });
    this.#request.on("error", () => {});
    this.answer = this.#readAnswer();
    this.#request.write(HEAD);
  }

  /** Sends a part of the file; the rest may follow. */
  async send(part: string): Promise<void> {
    if (!this.#request.write(part)) await Promise.race([once(this.#request, "drain"), this.answer]);
  }

  /** Sends blank lines until the end: the API ends an upload that pauses for 30 seconds, and a busy machine takes long. */
  trickle(): void {
    this.#trickling = setInterval(() => this.#request.write("\n".repeat(10_000)), 1000);
  }

  async end(): Promise<SlowAnswer | null> {
    clearInterval(this.#trickling);
    this.#request.end(`\r\n--${BOUNDARY}--\r\n`);
    return this.answer;
  }

  async #readAnswer(): Promise<SlowAnswer | null> {
    try {
      const [response] = await once(this.#request, "response");
      const body = await text(response);
      const type = response.headers["content-type"] ?? "";
      return { status: response.statusCode, type, body: type.includes("json") ? JSON.parse(body) : body };
    } catch {
      return null;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#trickling);
    this.#request.destroy();
  }
}
