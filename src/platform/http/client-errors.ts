/** Requests that Node.js refuses before fastify sees them. */

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionError } from "fastify";
import { problemOf } from "./errors.ts";

const REFUSALS: Readonly<Record<string, { status: number; code: string; detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: "too_large",
    detail: "The URL and the headers are larger than 16 kB together. Send long options as form fields.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: "invalid_input",
    detail: "The headers of the request did not arrive in time.",
  },
};

const MALFORMED = { status: 400, code: "invalid_input", detail: "The request is not valid HTTP." };

/** For `clientErrorHandler`: answers with a problem document and closes the connection. */
export function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const { status, code, detail } = REFUSALS[error.code] ?? MALFORMED;
  if (socket.writable) {
    const body = JSON.stringify(problemOf(status, code, detail));
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Content-Type: application/problem+json; charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}
