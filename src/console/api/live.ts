/** The one event stream of a page. Without it, the page asks every few seconds. */
import { useEffect, useSyncExternalStore } from "react";
import { invalidateAll, refreshPage } from "./queries.ts";

interface Topics {
  readonly batches?: readonly string[];
  readonly tasks?: readonly string[];
  readonly workflows?: readonly string[];
}

export type LiveState = "live" | "polling" | "paused" | "offline" | "unreachable";

type Noun = keyof Topics;

const EVENTS: Readonly<Record<string, Noun>> = { batch: "batches", task: "tasks", workflow: "workflows" };
/** The most ids of one noun that the API follows in one stream. */
const MAX_IDS = 100;
const WITHOUT_ITEMS = "/api/v1/events?notifications=true";
const POLL_MS = 5000;
/** The parts of a page say what they show at different times, and share one stream. */
const GATHER_MS = 250;
const FLUSH_MS = 100;
const RECONNECT_MS = 1000;
const MAX_RECONNECT_MS = 30_000;

const wanted = new Map<symbol, Topics>();
const listeners = new Set<() => void>();
let state: LiveState = "paused";
let source: EventSource | null = null;
let sourceUrl = "";
/** A stream that the API has refused, because one of its items is gone. The page polls these items. */
let refusedUrl = "";
let isStarted = false;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let opening: ReturnType<typeof setTimeout> | undefined;
/** As "batches ID". */
const changed = new Set<string>();

function setState(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const listener of listeners) listener();
}

function url(): string {
  const parts = (["batches", "tasks", "workflows"] as const).flatMap((noun) => {
    const ids = new Set([...wanted.values()].flatMap((topics) => topics[noun] ?? []));
    return ids.size > 0 ? [`${noun}=${[...ids].slice(0, MAX_IDS).join(",")}`] : [];
  });
  const all = `${WITHOUT_ITEMS}&${parts.join("&")}`;
  return parts.length === 0 || all === refusedUrl ? WITHOUT_ITEMS : all;
}

function close(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
  sourceUrl = "";
}

function open(): void {
  clearTimeout(opening);
  if (!isStarted) return;
  if (document.visibilityState === "hidden") {
    close();
    setState("paused");
    return;
  }
  if (!navigator.onLine) {
    close();
    setState("offline");
    return;
  }
  const next = url();
  if (source && next === sourceUrl) return;
  close();
  const current = new EventSource(next);
  let hasOpened = false;
  source = current;
  sourceUrl = next;
  current.onopen = () => {
    // Changes between the reads of the page and this moment have sent no event.
    if (failures > 0) void refreshPage();
    hasOpened = true;
    failures = 0;
    setState("live");
    if (next === WITHOUT_ITEMS && refusedUrl !== "") pollRefused();
  };
  current.onerror = () => {
    close();
    failures += 1;
    void poll(hasOpened ? "" : next);
  };
  for (const [event, noun] of Object.entries(EVENTS)) {
    current.addEventListener(event, ({ data }: MessageEvent<string>) => {
      const { id } = JSON.parse(data) as { id: string };
      if (changed.size === 0) setTimeout(flush, FLUSH_MS);
      changed.add(`${noun} ${id}`);
    });
  }
  current.addEventListener("deleted", () => void refreshPage());
  current.addEventListener("notifications", () => {
    void invalidateAll([{ prefix: "/api/v1/notifications" }], true);
  });
}

/** Reads what has changed again. A new stream begins with the states of all its items, which are read together. */
function flush(): void {
  const items = [...changed].map((item) => item.split(" "));
  changed.clear();
  const changes = items.flatMap(([noun = "", id = ""]) => [
    { prefix: `/api/v1/${noun}`, id },
    { prefix: `/api/v1/admin/${noun}`, id },
  ]);
  void invalidateAll(changes, true);
}

/** Asks once, and tries the stream again after a pause that grows. @param unopened the stream that could not be opened */
async function poll(unopened: string): Promise<void> {
  if (!navigator.onLine) return setState("offline");
  const isReachable = await fetch("/livez").then(
    ({ ok }) => ok,
    () => false,
  );
  // A navigation has opened another stream in the meantime.
  if (source || !isStarted) return;
  // The first refusal can come from an expired session, which the reads of the page renew.
  if (isReachable && unopened !== WITHOUT_ITEMS && failures > 1) refusedUrl = unopened;
  setState(isReachable ? "polling" : navigator.onLine ? "unreachable" : "offline");
  if (isReachable) void refreshPage();
  const delay = Math.min(MAX_RECONNECT_MS, isReachable ? POLL_MS : RECONNECT_MS * 2 ** failures);
  timer = setTimeout(open, delay);
}

function pollRefused(): void {
  setState("polling");
  timer = setTimeout(() => {
    void refreshPage();
    pollRefused();
  }, POLL_MS);
}

function openSoon(): void {
  clearTimeout(opening);
  opening = setTimeout(open, GATHER_MS);
}

/** Follows the notifications of the user, and what the page asks for with `useLive`. @returns a function that stops */
export function startLive(): () => void {
  isStarted = true;
  const onVisible = () => {
    const wasPaused = state === "paused";
    open();
    if (wasPaused && document.visibilityState === "visible") void refreshPage();
  };
  const onNetwork = () => {
    failures = Math.max(1, failures);
    open();
  };
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", onNetwork);
  addEventListener("offline", onNetwork);
  openSoon();
  return () => {
    isStarted = false;
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", onNetwork);
    removeEventListener("offline", onNetwork);
    close();
    setState("paused");
  };
}

/** Keeps these items up to date while the component is shown. */
export function useLive(topics: Topics): void {
  const key = JSON.stringify(topics);
  useEffect(() => {
    const id = Symbol();
    wanted.set(id, JSON.parse(key) as Topics);
    openSoon();
    return () => {
      wanted.delete(id);
      openSoon();
    };
  }, [key]);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}
