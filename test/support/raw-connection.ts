/** Connections on which a test writes HTTP itself, for requests that no client sends. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export class RawConnection implements Disposable {
  readonly #socket: Socket;
  #received = "";

  static async open(url: string): Promise<RawConnection> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {}); // The server may reset it.
    socket.setEncoding("utf8").on("data", (part: string) => {
      this.#received += part;
    });
  }

  get isClosed(): boolean {
    return this.#socket.closed;
  }

  write(text: string): void {
    if (this.#socket.writable) this.#socket.write(text);
  }

  /** null: none yet. */
  get answer(): RawAnswer | null {
    const [head = "", ...rest] = this.#received.split("\r\n\r\n");
    const status = /^HTTP\/1\.1 (\d+)/.exec(head)?.[1];
    const body = rest.join("\r\n\r\n");
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    return status && Buffer.byteLength(body) >= Number(length ?? 0)
      ? { status: Number(status), head, body }
      : null;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The head of a request with a body of JSON. */
export function jsonHead(path: string, framing: string, headers = ""): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${framing}\r\n${headers}\r\n`;
}
