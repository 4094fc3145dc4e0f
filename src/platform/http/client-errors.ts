/** Requests that Node.js refuses before fastify sees them. */
import type { Socket } from "node:net";
import type { ConnectionError } from "fastify";
import { problemOf } from "./errors.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { STATUS_CODES } from "./status-codes.ts";

const REFUSALS: ReadonlyMap<string, { status: number; code: string; detail: string }> = new Map([
  [
    "HPE_HEADER_OVERFLOW",
    {
      status: 431,
      code: "too_large",
      detail: "The URL and the headers are larger than 16 kB together. Send long options as form fields.",
    },
  ],
  [
    "ERR_HTTP_REQUEST_TIMEOUT",
    { status: 408, code: "too_slow", detail: "The headers of the request did not arrive in time." },
  ],
]);

const MALFORMED = { status: 400, code: "invalid_input", detail: "The request is not valid HTTP." };
const RETRY_AFTER_SECONDS = 5;
/** The client has this time to read the answer. */
const CLOSE_MS = 1000;
/** Node.js reports each later piece of a refused request as an error. */
const answered = new WeakSet<Socket>();

/** For `clientErrorHandler`: answers with a problem document and closes the connection. */
export function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const { status, code, detail } = REFUSALS.get(error.code) ?? MALFORMED;
  answerAndClose(socket, status, code, detail);
}

export function answerAndClose(socket: Socket, status: number, code: string, detail: string): void {
  if (answered.has(socket)) return;
  answered.add(socket);
  socket.on("error", () => {}); // The client may be gone.
  const body = JSON.stringify(problemOf(status, code, detail));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: application/problem+json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    ...(status === 429 ? [`Retry-After: ${RETRY_AFTER_SECONDS}`] : []),
    "Connection: close",
  ];
  if (socket.writable) socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // Destroyed at once while the client still sends, the connection would be reset and the answer lost.
  setTimeout(() => socket.destroy(), CLOSE_MS).unref();
}
