/** Sends requests: credentials, errors, and another attempt if that is safe. */
import { errorOf, RowmillError } from "./errors.ts";
import type { Body } from "./operations.ts";
import { pause } from "./pause.ts";

export interface TransportOptions {
  /** The address of the server, such as `https://rowmill.example.com`. */
  readonly baseUrl: string;
  /** An API token or an access token. Absent: the cookies of the page, or no credentials. */
  readonly token?: string | undefined;
  /** Absent: the `fetch` of the platform. */
  readonly fetch?: typeof fetch;
  /** Further attempts after a first one that failed for now. Default 4. */
  readonly retries?: number;
  /** A server that asks for a longer wait gets no further attempt. Default 30. */
  readonly maxRetryDelaySeconds?: number;
  /** For the answer to a request without a file. Default 60. */
  readonly timeoutSeconds?: number;
}

export interface Outgoing {
  readonly method: string;
  readonly headers?: Record<string, string>;
  /** A function returns a new stream for each attempt. */
  readonly body?: Body | null | (() => ReadableStream<Uint8Array>);
  readonly signal?: AbortSignal | undefined;
  /** Whether a second request has no second effect. */
  readonly isSafe: boolean;
  /** Whether the body or the answer is a file, so that there is no time limit. */
  readonly isFile?: boolean;
  /** Absent: the `fetch` of the options. */
  readonly send?: typeof fetch;
}

/** For a file that the server still reads after a proxy or this client gave up waiting for its answer: an hour. */
const MAX_RUNNING_ATTEMPTS = 720;
const RUNNING_DELAY_MS = 5000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 8000;
/** Refused or not answered for now. 502 and 504 come from proxies. */
const TEMPORARY = [0, 429, 502, 503, 504];

export class Transport {
  readonly #options: TransportOptions;
  readonly #base: string;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = options.baseUrl.replace(/\/+$/, "");
  }

  /** @throws RowmillError unless the answer is a success, or 304 */
  async send(path: string, outgoing: Outgoing): Promise<Response> {
    const { retries = 4, maxRetryDelaySeconds = 30 } = this.#options;
    let failed = 0;
    let running = 0;
    for (;;) {
      try {
        return await this.#attempt(path, outgoing);
      } catch (error) {
        if (!(error instanceof RowmillError) || !outgoing.isSafe) throw error;
        if (!isTemporary(error) || (error.retry_after ?? 0) > maxRetryDelaySeconds) throw error;
        const isStillRead = outgoing.isFile && isRunning(error);
        if (isStillRead ? running++ >= MAX_RUNNING_ATTEMPTS : failed >= retries) throw error;
        await pause(isStillRead ? RUNNING_DELAY_MS : delayMs(error, failed++), outgoing.signal);
      }
    }
  }

  async #attempt(path: string, outgoing: Outgoing): Promise<Response> {
    const { token, timeoutSeconds = 60 } = this.#options;
    const { method, headers, isFile, signal: own } = outgoing;
    const body = typeof outgoing.body === "function" ? outgoing.body() : (outgoing.body ?? null);
    const send = outgoing.send ?? this.#options.fetch ?? fetch;
    const limit = isFile ? [] : [AbortSignal.timeout(timeoutSeconds * 1000)];
    const response = await send(this.#base + path, {
      method,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      body,
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
      // A redirect would turn POST into GET.
      redirect: "manual",
      signal: AbortSignal.any([...(own ? [own] : []), ...limit]),
    }).catch((cause) => {
      own?.throwIfAborted();
      throw failure(this.#base, cause);
    });
    if (response.ok || response.status === 304) return response;
    throw await errorOf(response);
  }
}

function failure(base: string, cause: unknown): RowmillError {
  const { name, message } =
    cause instanceof Error && cause.cause instanceof Error ? cause.cause : (cause as Error);
  if (name === "NotReadableError") {
    const message = "The file cannot be read, or has changed since it was opened.";
    return new RowmillError(message, { status: 0, code: "file_changed", cause });
  }
  return new RowmillError(`${base} cannot be reached: ${message}`, {
    status: 0,
    code: "unreachable",
    cause,
  });
}

/** Whether the first request with this Idempotency-Key is still running. */
const isRunning = ({ status, retry_after }: RowmillError) => status === 409 && retry_after !== null;

/** Whether the same request may succeed later. */
export function isTemporary(error: RowmillError): boolean {
  const { status, code } = error;
  return isRunning(error) || (TEMPORARY.includes(status) && (status > 0 || code === "unreachable"));
}

function delayMs({ retry_after }: RowmillError, attempt: number): number {
  if (retry_after !== null) return retry_after * 1000;
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
}
