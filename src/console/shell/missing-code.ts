/** Code of pages that could not be loaded. The router keeps such a failure, so that only a reload asks for the code again. */
import { words } from "../words/common.ts";

/** Hosts of two versions behind one address could otherwise lead to reloads without end. */
const RELOAD_MS = 60_000;
const RELOADED_AT = "rowmill-reloaded-at";

const failures = new WeakSet<Error>();

/** Reloads the page if its code is missing because the server has another version. */
export function watchMissingCode(): void {
  addEventListener("vite:preloadError", ({ payload }) => {
    failures.add(payload);
    // The router knows the messages of browsers, and reloads the page even if there is no server.
    payload.message = words.pageNotLoaded;
    if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT) ?? 0) < RELOAD_MS) return;
    void reload();
  });
}

export function isMissingCode(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}

/** Without a server, a reload would lose the page that is open. */
export async function reload(): Promise<void> {
  const isReachable = await fetch("/livez").then(
    ({ ok }) => ok,
    () => false,
  );
  if (!isReachable) return;
  sessionStorage.setItem(RELOADED_AT, String(Date.now()));
  location.reload();
}
