/** Sends one request and reads a bounded answer. Redirects are answers like any other. */
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { EgressRules } from "./destination.ts";
import { parseDestination } from "./destination.ts";
import { CONNECT_MS, openGuardedAgent } from "./guarded-agent.ts";

/** A body that is sent while it is read. */
interface StreamedBody {
  readonly chunks: AsyncIterable<Buffer>;
  readonly bytes: number;
}

export interface OutgoingRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | StreamedBody | null;
}

export interface SendLimits {
  /** From the look-up of the name to the end of the answer. */
  readonly timeoutMs: number;
  /** The bytes of the answer that are kept. */
  readonly keepBytes: number;
  /** Reading stops after this many bytes; absent: 64 KiB. */
  readonly maxBytes?: number;
}

export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The beginning of the body. */
  readonly body: Buffer;
}

export const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Returns as soon as the answer ends, is too long, or takes too long; its status counts in any case.
 * @throws DestinationRefused, and any error of the network if no status has arrived; `describeTrouble` explains it
 */
export async function sendRequest(
  rules: EgressRules,
  request: OutgoingRequest,
  { maxBytes = MAX_ANSWER_BYTES, ...limits }: SendLimits,
  signal?: AbortSignal,
): Promise<ReceivedAnswer> {
  const agent = await openGuardedAgent(rules, maxBytes, null);
  try {
    return await sendThrough(agent, rules, request, limits, signal);
  } finally {
    await agent.destroy();
  }
}

export async function sendThrough(
  agent: Dispatcher,
  rules: EgressRules,
  { method, url, headers, body }: OutgoingRequest,
  { timeoutMs, keepBytes }: Pick<SendLimits, "timeoutMs" | "keepBytes">,
  signal?: AbortSignal,
): Promise<ReceivedAnswer> {
  const destination = parseDestination(url, rules);
  const { request: send } = await import("undici");
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await send(destination, {
      dispatcher: agent,
      method,
      // An encoded answer would be kept as it is.
      headers: { ...headers, ...lengthOf(body), "accept-encoding": "identity" },
      body: body === null || Buffer.isBuffer(body) ? body : Readable.from(body.chunks, { objectMode: false }),
      // A drip feed resets the timeouts of undici, but not this one.
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    const kept = await beginningOf(answer.body, keepBytes);
    return { status: answer.statusCode, headers: answer.headers, body: kept };
  } catch (error) {
    throw deadline.aborted ? deadline.reason : error;
  }
}

/** Without it, a streamed body would be sent in chunks, which some servers refuse. */
function lengthOf(body: OutgoingRequest["body"]): Record<string, string> {
  return body === null || Buffer.isBuffer(body) ? {} : { "content-length": String(body.bytes) };
}

/** Reads on to the end after the part that is kept, so that the receiver sees a normal end. */
async function beginningOf(body: AsyncIterable<Buffer>, keepBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let kept = 0;
  try {
    for await (const part of body) {
      if (kept < keepBytes) parts.push(Buffer.from(part.subarray(0, keepBytes - kept)));
      kept += part.length;
    }
  } catch {
    // The answer is too long, too slow or cut off. Its beginning is enough.
  }
  return Buffer.concat(parts);
}

const TROUBLES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "The connection was refused.",
  ECONNRESET: "The connection was closed before an answer came.",
  UND_ERR_SOCKET: "The connection was closed before an answer came.",
  ENOTFOUND: "The name of the host is unknown.",
  EAI_AGAIN: "The name servers of the host do not answer.",
  EHOSTUNREACH: "The host cannot be reached.",
  ENETUNREACH: "The network of the host cannot be reached.",
  UND_ERR_CONNECT_TIMEOUT: `No connection within ${CONNECT_MS / 1000} s.`,
  UND_ERR_HEADERS_OVERFLOW: "The headers of the answer are too long.",
};

/** Codes of OpenSSL, whose messages name files of its source. */
const TLS = "ERR_SSL_";
/** The message of undici. */
const PROXY_REFUSAL = /^Proxy response \((\d{3})\)/;

/** The characters of an error of the network that is not in the list. */
const MAX_TROUBLE = 300;

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** Returns a sentence for the user whose request it was. */
export function describeTrouble(error: unknown, timeoutMs: number): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause ?? firstOf(cause)) {
    if (cause.name === "DestinationRefused") return `The URL ${cause.message}`;
    if (isTimeout(cause)) return `No answer within ${timeoutMs / 1000} s.`;
    const code = "code" in cause ? String(cause.code) : "";
    if (TROUBLES[code]) return TROUBLES[code];
    if (code.startsWith(TLS)) return `The TLS handshake failed: ${wordsOf(code.slice(TLS.length))}.`;
    const [, proxyStatus] = PROXY_REFUSAL.exec(cause.message) ?? [];
    if (proxyStatus) return `The proxy of Rowmill opened no connection: it answered ${proxyStatus}.`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `The request failed: ${message}`.slice(0, MAX_TROUBLE);
}

function wordsOf(code: string): string {
  return code.toLowerCase().replaceAll("_", " ");
}

/** A host with several addresses fails with one error per address. */
function firstOf(error: Error): unknown {
  return error instanceof AggregateError ? error.errors[0] : undefined;
}
