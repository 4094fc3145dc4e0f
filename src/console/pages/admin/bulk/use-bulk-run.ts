import { useRef, useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { announce } from "../../../parts/announce.ts";
import { formatCount } from "../../../parts/format.ts";
import { bulkWords as words } from "../../../words/admin-bulk.ts";
import { type BulkAction, type BulkTarget, takesReason } from "./actions.ts";
import { type BulkResult, runBulk } from "./run-bulk.ts";

interface Target extends Pick<BulkTarget, "noun" | "filter"> {
  readonly action: BulkAction;
}

interface Changed {
  readonly matched: number;
  readonly changed: number;
}

const WATCH_MS = 2000;

function send({ noun, action, filter }: Target, rest: object, signal?: AbortSignal): Promise<Changed> {
  const body = { filter, ...rest };
  return client.call("post", `/api/v1/admin/${noun}/${action}`, { body, signal }) as Promise<Changed>;
}

/** @returns also how many others the filter matches; 0 if the API cannot count them */
export async function countMatches(
  target: Target,
  signal: AbortSignal,
): Promise<{ readonly matched: number; readonly others: number }> {
  const [{ matched }, all] = await Promise.all([
    send(target, {}, signal),
    // All tasks can be deleted, whatever their state is.
    target.noun === "tasks" ? send({ ...target, action: "delete" }, {}, signal) : null,
  ]);
  return { matched, others: Math.max(0, (all?.matched ?? 0) - matched) };
}

export function useBulkRun(target: Target) {
  const [done, setDone] = useState(0);
  const [result, setResult] = useState<BulkResult | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const [isStopping, setStopping] = useState(false);
  const stopped = useRef(new AbortController());
  const run = async (total: number, reason: string) => {
    const more = reason && takesReason(target.noun, target.action) ? { reason } : {};
    setRunning(true);
    try {
      const found = await runBulk(total, {
        send: (expect) => send(target, expect === undefined ? {} : { ...more, expect }),
        onProgress: (count) => {
          setDone(count);
          announce(words.progress(formatCount(count), formatCount(total)));
        },
        signal: stopped.current.signal,
        pause,
      });
      setResult(found);
      announce(words.done(found.changed, formatCount(found.changed), target.noun), true);
    } catch (cause) {
      setError(cause);
    } finally {
      setRunning(false);
      await invalidate(`/api/v1/admin/${target.noun}`);
    }
  };
  const stop = () => {
    setStopping(true);
    stopped.current.abort();
  };
  return { run, stop, done, result, error, isRunning, isStopping };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, WATCH_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
