/** Requests of the console. The session is an httpOnly cookie, so that no script can read a token. */
import { createClient, RowmillError } from "../../client/index.ts";
import { words } from "../words/common.ts";

export { RowmillError };

type SessionEndListener = () => void;

const sessionEndListeners = new Set<SessionEndListener>();

/** Calls `listener` when a request shows that the session has ended. @returns a function that removes it */
export function onSessionEnd(listener: SessionEndListener): () => void {
  sessionEndListeners.add(listener);
  return () => sessionEndListeners.delete(listener);
}

let refreshing: Promise<Response> | null = null;

/** Requests that fail at the same moment share one refresh. Each of them reads a copy of the answer. */
async function refreshSession(): Promise<Response> {
  refreshing ??= fetch("/api/v1/auth/browser/refresh", { method: "POST" }).finally(() => {
    refreshing = null;
  });
  return (await refreshing).clone();
}

/** These paths answer 401 for another reason than a session that has ended. */
const BEFORE_SIGN_IN = /\/api\/v1\/auth\/(browser\/|logout|password-reset)/;

/** Renews an access token that has expired, and repeats the request. */
async function fetchInSession(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  // Sends `Cache-Control: no-cache`: a page shows the latest state, also if lists are usually read from a standby.
  const latest: RequestInit = { ...init, cache: "no-store" };
  const response = await fetch(input, latest);
  if (response.status !== 401 || BEFORE_SIGN_IN.test(String(input))) return response;
  const refreshed = await refreshSession();
  if (refreshed.ok) return fetch(input, latest);
  // A server that is restarting says nothing about the session.
  if (refreshed.status === 429 || refreshed.status >= 500) return refreshed;
  for (const listener of sessionEndListeners) listener();
  return inPlainWords(response);
}

/** The API advises programs to send a token. */
async function inPlainWords(response: Response): Promise<Response> {
  const problem = (await response.json().catch(() => ({}))) as object;
  const answer = { ...problem, detail: words.signInAgain, error: words.signInAgain };
  return Response.json(answer, { status: response.status, headers: response.headers });
}

export const client = createClient({
  baseUrl: location.origin,
  fetch: fetchInSession,
  retries: 2,
  // A request that changes many tasks answers after a minute.
  timeoutSeconds: 90,
});

export function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof RowmillError && statuses.includes(error.status);
}
