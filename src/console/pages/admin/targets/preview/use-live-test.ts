/** Tries the definition whenever it changes. The last request wins. */
import { useEffect, useState } from "react";
import { client, isStatus } from "../../../../api/client.ts";
import type { Definition, TestResult } from "../definition/definition.ts";
import type { Sample } from "./sample.ts";

export interface LiveTest {
  /** The last one is kept while the definition has problems. */
  readonly result: TestResult | null;
  /** Of the current definition. */
  readonly error: unknown;
  readonly isRunning: boolean;
}

const DELAY_MS = 500;

/** @param sample null: the example rows of the definition */
export function useLiveTest(definition: Definition, sample: Sample | null): LiveTest {
  const [state, setState] = useState<LiveTest>({ result: null, error: null, isRunning: true });
  useEffect(() => {
    const abort = new AbortController();
    const run = async () => {
      setState((last) => ({ ...last, isRunning: true }));
      try {
        const result = await client.post("/api/v1/targets/preview", {
          body: { definition, ...(sample ? { sample: { header: sample.header, rows: sample.rows } } : {}) },
          signal: abort.signal,
        });
        if (!abort.signal.aborted) setState({ result, error: null, isRunning: false });
      } catch (error) {
        if (!abort.signal.aborted) setState(({ result }) => ({ result, error, isRunning: false }));
      }
    };
    const timer = setTimeout(() => void run(), DELAY_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [definition, sample]);
  return state;
}

/** Whether the API has found problems in the definition, and not failed otherwise. */
export function isAboutDefinition(error: unknown): boolean {
  return isStatus(error, 400, 413);
}
