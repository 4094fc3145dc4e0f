/** Follows a batch or a task to its end. */
import { jsonOf, RowmillError } from "./errors.ts";
import { pause } from "./pause.ts";
import { isTemporary, type Transport } from "./transport.ts";

export interface WaitOptions<T> {
  readonly signal?: AbortSignal | undefined;
  /** Absent: as long as it takes. */
  readonly timeoutSeconds?: number;
  /** Called with the first state and with each change. */
  readonly onChange?: (thing: T) => void;
}

interface Waited<T> extends WaitOptions<T> {
  readonly path: string;
  readonly noun: string;
  readonly hasEnded: (thing: T) => boolean;
}

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 2000;
/** The server may be restarted while the work goes on. */
const PATIENCE_MS = 300_000;

/**
 * Asks again after longer and longer pauses, which start anew with each change. An answer without a change costs the server little.
 * @throws RowmillError `timed_out`; the work goes on
 */
export async function waitForEnd<T>(transport: Transport, waited: Waited<T>): Promise<T> {
  const { path, noun, signal, timeoutSeconds = Number.POSITIVE_INFINITY, onChange, hasEnded } = waited;
  const deadline = Date.now() + timeoutSeconds * 1000;
  let answeredAt = Date.now();
  let etag: string | null = null;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const asked: Promise<Response | null> = ask(transport, path, etag, signal);
    const response = await asked.catch((error: unknown) => {
      const isPatient = Date.now() - answeredAt < PATIENCE_MS;
      if (error instanceof RowmillError && isTemporary(error) && isPatient) return null;
      throw error;
    });
    if (response) answeredAt = Date.now();
    if (response?.ok) {
      const thing = (await jsonOf(response)) as T;
      etag = response.headers.get("etag");
      pauseMs = FIRST_PAUSE_MS;
      onChange?.(thing);
      if (hasEnded(thing)) return thing;
    }
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      throw new RowmillError(`The ${noun} has not ended after ${timeoutSeconds} seconds. It goes on.`, {
        status: 0,
        code: "timed_out",
      });
    }
    await pause(Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 1.5);
  }
}

function ask(
  transport: Transport,
  path: string,
  etag: string | null,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const headers: Record<string, string> = etag === null ? {} : { "if-none-match": etag };
  return transport.send(path, { method: "GET", headers, signal, isSafe: true });
}
